/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the engine's layout into repositories, by digest. Layers a registry has are found by HEAD or
 * mounted; only new ones are compressed and sent. The manifest is ours: the same in every repository.
 */
#ifndef WORKER_PUSH_H
#define WORKER_PUSH_H

#include "common/cleanup.h"
#include "common/oci/descriptor.h"
#include "common/oci/image_config.h"

struct push;

struct push_options {
	const char *layout_dir, *layout_tag, *storage_dir, *state_dir, *scratch_dir;
	const char *const *repositories; /* host/path */
	size_t repository_count;         /* 0: compress and compute, send nothing */
	/*
	 * Called when a registry refuses us, at most once per host. 0 (texts owned by the caller), 1: there is none,
	 * -1. NULL: anonymous only.
	 */
	int (*credential)(const char *host, char **ret_username, char **ret_password, struct error *err, void *arg);
	void (*on_note)(const char *text, void *arg); /* "2 of 5 layers sent to host/path" */
	void *arg;
};

/* Reads the image's manifest and config and holds its layers open, so that the layout may be changed from here on. */
int push_open(const struct push_options *options, struct push **ret_push, struct error *err);
void push_close(struct push *push);
DEFINE_CLEANUP(struct push *, push_close)

const struct image_config *push_config(const struct push *push);

/*
 * Blocks. What was (or would be) pushed. ERR_UNAVAILABLE, ERR_IO, ERR_FULL: another time or place may do;
 * ERR_DENIED, ERR_NOT_FOUND: not. Names the registry.
 */
int push_run(struct push *push, struct descriptor *ret_manifest, struct error *err);

/* From another thread: push_run ends soon, with ERR_UNAVAILABLE. */
void push_abort(struct push *push);

#endif
