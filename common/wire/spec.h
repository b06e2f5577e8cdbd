/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a build is asked to do: the body of POST /v1/builds, and what an offer carries to the
 * worker. One struct, one encode, one decode for both. schema/wire/spec.json.
 */
#ifndef COMMON_WIRE_SPEC_H
#define COMMON_WIRE_SPEC_H

#include <stddef.h>

#include "common/error.h"
#include "common/oci/platform.h"

#define SPEC_PLATFORMS_MAX 16
#define SPEC_TAGS_MAX 32
#define SPEC_PAIRS_MAX 256
#define SPEC_TEXT_MAX (256 * 1024)
#define REFERENCE_TEXT_MAX 512
#define DIGEST_TEXT_MAX 72 /* "sha256:" and 64 hex digits */

struct spec_pair {
	char *name;
	char *value;
};

struct build_spec {
	char context[DIGEST_TEXT_MAX];  /* source.context: digest of the canonical tar */
	char *dockerfile;               /* path inside the context, never NULL; default "Dockerfile" */
	char *target;                   /* stage, or NULL for the last */
	struct platform platforms[SPEC_PLATFORMS_MAX];
	size_t platform_count;          /* at least 1, no doubles */
	char *tags[SPEC_TAGS_MAX];      /* as given; the front replaces them by the full reference */
	size_t tag_count;               /* 0: build, check, push nothing */
	struct spec_pair *build_args;   /* sorted by name */
	size_t build_arg_count;
	struct spec_pair *labels;
	size_t label_count;
};

/* Canonical JSON (sorted keys): equal specs, equal bytes. The caller frees it. */
char *spec_encode(const struct build_spec *spec);

/*
 * ERR_INVALID names the member and what it should be. An unknown member is refused: a misspelt
 * option must not be a silent no-op. Dockerfile paths that leave the context are refused.
 */
int spec_decode(const char *text, size_t len, struct build_spec *ret_spec, struct error *err);
void spec_clear(struct build_spec *spec);

#endif
