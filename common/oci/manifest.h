/* SPDX-License-Identifier: Apache-2.0 */
/* The manifest of one image, OCI or Docker schema 2. Text in, struct out, and back. No I/O. */
#ifndef COMMON_OCI_MANIFEST_H
#define COMMON_OCI_MANIFEST_H

#include "common/buf.h"
#include "common/error.h"
#include "common/oci/descriptor.h"

#define MANIFEST_MAX_BYTES (4 * 1024 * 1024)
#define MANIFEST_LAYERS_MAX 1024

struct manifest {
	char media_type[MEDIA_TYPE_MAX];
	struct descriptor config;
	struct descriptor *layers; /* owned */
	size_t layer_count;
};

/*
 * media_type is what the transport said, or NULL: the body's own mediaType is the truth, and both
 * differing is ERR_INVALID. So is an index, a schema 1 manifest, and anything over the limits.
 */
int manifest_parse(const char *text, size_t len, const char *media_type, struct manifest *ret_manifest,
		   struct error *err);
void manifest_clear(struct manifest *manifest);

/* An OCI image manifest with this config and these layers: equal input, equal bytes. media_type is not read. */
void manifest_build(const struct manifest *manifest, struct buf *out);

/*
 * The media type of a manifest or index from its body and from what the transport said (NULL: nothing;
 * parameters after ";" do not count). ERR_INVALID when they differ or neither says one.
 */
int manifest_media_type(const json_t *root, const char *said, char ret_media_type[MEDIA_TYPE_MAX], struct error *err);

#endif
