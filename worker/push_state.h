/* SPDX-License-Identifier: Apache-2.0 */
/* Inside push: what push.c, push_layer.c and push_gzip.c share. For these only. */
#ifndef WORKER_PUSH_STATE_H
#define WORKER_PUSH_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "common/oci/manifest.h"
#include "common/oci/registry.h"
#include "worker/blobmap.h"
#include "worker/push.h"

struct push_layer {
	const char *diff_id;         /* of the config */
	struct descriptor stored;    /* in the layout, compressed or not */
	int fd;                      /* of it */
	struct descriptor chosen;    /* what the manifest will name; digest "" when not decided */
	int chosen_fd;               /* its bytes, when we have them; else -1 */
};

struct push_target {
	char host[REFERENCE_NAME_MAX], path[REFERENCE_NAME_MAX];
	const char *repository;
	struct registry *registry;
	bool has_credential;         /* asked for, once */
	int sent, mounted;
};

struct push {
	struct push_options options;
	struct manifest stored;
	struct buf config_text;
	struct image_config config;
	struct push_layer *layers;
	struct push_target *targets;
	struct blobmap *map;
	pthread_mutex_t lock;        /* targets' registries change while another thread may abort */
	atomic_bool is_aborted;
};

/* The gzip of each undecided layer, two at a time, into unlinked files of scratch_dir. ERR_FULL, ERR_IO. */
int push_compress(struct push *push, struct error *err);

/* Decides for known layers that every target has or can mount. */
int push_layers_find(struct push *push, struct error *err);
/* Gives a target what it still lacks. */
int push_layers_send(struct push *push, struct push_target *target, struct error *err);
/* Remembers that the target has them all. */
int push_layers_note(struct push *push, const struct push_target *target, struct error *err);

/*
 * Runs call with the target's registry; refused (ERR_DENIED) without a credential, asks for one and runs it
 * again. Returns what call returned.
 */
typedef int push_call(struct push *push, struct push_target *target, void *arg, struct error *err);
int push_authorized(struct push *push, struct push_target *target, push_call *call, void *arg, struct error *err);

#endif
