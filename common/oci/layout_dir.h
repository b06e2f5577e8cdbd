/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the layout: what layout.c (reading) and layout_forget.c (removing) share. For these two only. */
#ifndef COMMON_OCI_LAYOUT_DIR_H
#define COMMON_OCI_LAYOUT_DIR_H

#include "common/json/json.h"
#include "common/oci/layout.h"

#define LAYOUT_INDEX "index.json"
#define LAYOUT_INDEX_MAX_BYTES (4 * 1024 * 1024)

struct layout {
	char *path;
	int fd; /* of the directory; holds the lock */
};

/* index.json, whose "manifests" is an array. The caller json_decrefs it. ERR_NOT_FOUND when there is none yet. */
int layout_read_index(struct layout *layout, json_t **ret_root, struct error *err);

/* The tag of an entry of index.json, or NULL. */
const char *layout_entry_tag(const json_t *entry);

/* blobs/sha256, open; the caller closes it. */
int layout_open_blobs(struct layout *layout, struct error *err);

#endif
