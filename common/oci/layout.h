/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An OCI image layout directory that is kept and used again: `buildah push IMAGE oci:DIR:TAG` writes
 * into it, we read the image and then forget its tag. Held under a lock, so that one attempt at a
 * time writes, reads and forgets; the lock must be held around buildah's push, too.
 */
#ifndef COMMON_OCI_LAYOUT_H
#define COMMON_OCI_LAYOUT_H

#include <stdint.h>

#include "common/buf.h"
#include "common/cleanup.h"
#include "common/error.h"
#include "common/oci/descriptor.h"

struct layout;

/*
 * Makes the directory when it is missing (its parent must exist) and locks it.
 *    0   locked; it may be empty
 *    1   another holds it, and did so for wait_ms (0: no waiting, -1: for ever)
 */
int layout_open(const char *dir, int wait_ms, struct layout **ret_layout, struct error *err);
void layout_close(struct layout *layout);
DEFINE_CLEANUP(struct layout *, layout_close)

/* The manifest that carries this tag (org.opencontainers.image.ref.name). ERR_NOT_FOUND, ERR_INVALID. */
int layout_find(struct layout *layout, const char *tag, struct descriptor *ret_descriptor, struct error *err);

/* A plain file of just that size, open for reading; the caller closes it. The digest is not checked. */
int layout_open_blob(struct layout *layout, const struct descriptor *blob, int *ret_fd, struct error *err);

/* Into memory, at most max_bytes, digest checked: manifests and configs. Writes ret only on 0. */
int layout_read_blob(struct layout *layout, const struct descriptor *blob, int64_t max_bytes, struct buf *ret,
		     struct error *err);

/*
 * Removes the tag (NULL: all tags, as after a start, when no attempt lives), entries without one, what a
 * killed engine left half-written, and every blob that no remaining tag reaches and that is not in keep
 * (digests; layers the next build will want). A tag that is not there is no error. When a remaining
 * manifest cannot be read nothing is removed but the tag, and that is an error.
 */
int layout_forget(struct layout *layout, const char *tag, const char *const *keep, size_t keep_count,
		  struct error *err);

#endif
