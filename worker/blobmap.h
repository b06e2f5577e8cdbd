/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which compressed blobs are known for a layer (by its diff id), and in which repositories they were
 * seen: from the engine's own storage, which knows what it pulled, and from our pushes. A cache:
 * whatever is in it is asked of the registry before it is relied on. One thread each; processes and
 * threads may share the file.
 */
#ifndef WORKER_BLOBMAP_H
#define WORKER_BLOBMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cleanup.h"
#include "common/error.h"
#include "common/oci/descriptor.h"
#include "common/oci/reference.h"

#define BLOBMAP_ENTRIES_MAX 8192 /* the older half goes when there are more */

struct blobmap;

struct blobmap_entry {
	char diff_id[DIGEST_TEXT_MAX];
	struct descriptor blob;              /* OCI media type of the compressed layer */
	char repository[REFERENCE_NAME_MAX]; /* host/path where it was seen; "" when not known */
};

/* STATE/blobmap; a missing one is empty, a damaged line is passed over. ERR_IO. */
int blobmap_open(const char *state_dir, struct blobmap **ret_map, struct error *err);
void blobmap_close(struct blobmap *map);
DEFINE_CLEANUP(struct blobmap *, blobmap_close)

/* Also what the engine pulled, from its layers.json and images.json. Not kept on disk; without such files only uploads are more. */
void blobmap_read_storage(struct blobmap *map, const char *storage_dir);

/* On disk too; nothing when it is known. */
int blobmap_add(struct blobmap *map, const struct blobmap_entry *entry, struct error *err);

/* All of them, newest first; valid until the next change. */
const struct blobmap_entry *blobmap_next(const struct blobmap *map, const char *diff_id,
					 const struct blobmap_entry *after);

#endif
