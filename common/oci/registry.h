/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A blocking client of one registry (distribution API), for threads that may wait. One thread at a
 * time uses it; only registry_abort may come from another. It answers Basic and Bearer challenges,
 * tries again by itself after 429, 5xx and network errors, and never sends Authorization to another
 * host. `path` is a repository's name without the host ("team/app").
 *
 * Errors: ERR_UNAVAILABLE (network, 429, 5xx: later may be better), ERR_DENIED (401, 403),
 * ERR_NOT_FOUND (404), ERR_INVALID (all else, limits and wrong bytes included). The message names host,
 * call, status and the registry's own code and words.
 */
#ifndef COMMON_OCI_REGISTRY_H
#define COMMON_OCI_REGISTRY_H

#include <stdint.h>

#include "common/buf.h"
#include "common/cleanup.h"
#include "common/error.h"
#include "common/oci/descriptor.h"

struct registry;

struct registry_options {
	const char *host;                /* as in a reference: "docker.io", "127.0.0.1:5000" */
	const char *username, *password; /* copied; NULL: anonymous */
	const char *ca_file;             /* NULL: the system's */
	int tries_max;                   /* of each call; 0: 4, 1: no second try */
	int wait_ms;                     /* before the second try, then doubled; 0: 500. Retry-After beats it */
};

int registry_open(const struct registry_options *options, struct registry **ret_registry, struct error *err);
void registry_close(struct registry *registry);
DEFINE_CLEANUP(struct registry *, registry_close)

/* From another thread: the call in progress and all later ones end at once with ERR_UNAVAILABLE. */
void registry_abort(struct registry *registry);

/* 0: there (its size, or -1 when not told; ret may be NULL); 1: absent. */
int registry_head_blob(struct registry *registry, const char *path, const char *digest, int64_t *ret_size_bytes,
		       struct error *err);

/* 0: now also in path, nothing was sent; 1: it must be uploaded (no upload is left open). */
int registry_mount_blob(struct registry *registry, const char *path, const char *from_path, const char *digest,
			struct error *err);

/* Uploads; the registry checks the digest. fd is read from offset 0. */
int registry_put_blob_fd(struct registry *registry, const char *path, const struct descriptor *blob, int fd,
			 struct error *err);
int registry_put_blob_bytes(struct registry *registry, const char *path, const struct descriptor *blob,
			    const void *data, struct error *err);

#define REGISTRY_BLOB_MAX_BYTES (64 * 1024 * 1024)

/* Into memory, size and digest verified; a larger blob is refused. Writes ret only on 0; buf_clear it. */
int registry_get_blob(struct registry *registry, const char *path, const struct descriptor *blob, struct buf *ret,
		      struct error *err);

struct registry_manifest {
	struct descriptor descriptor; /* digest computed from the bytes */
	struct buf body;
};

/* By digest (then verified) or by tag; of any kind, at most 4 MiB. ret is written only on 0. */
int registry_get_manifest(struct registry *registry, const char *path, const char *tag_or_digest,
			  struct registry_manifest *ret, struct error *err);
void registry_manifest_clear(struct registry_manifest *manifest);

/* 0: the digest that a tag (or digest) stands for; 1: absent. */
int registry_head_manifest(struct registry *registry, const char *path, const char *tag_or_digest,
			   char ret_digest[DIGEST_TEXT_MAX], struct error *err);

/*
 * Sends body as descriptor.media_type and fills in the descriptor's digest and size. A child or blob the
 * registry does not know yet (some are slow to see it) is waited for, a few tries.
 */
int registry_put_manifest(struct registry *registry, const char *path, const char *tag_or_digest,
			  struct registry_manifest *manifest, struct error *err);

#endif
