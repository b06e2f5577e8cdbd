/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "worker/push_state.h"

#define MOUNT_TRIES 3
#define DIGESTS_MAX 4 /* different compressions of one layer that are asked for */

struct want {
	const struct push_layer *layer;
	const struct descriptor *blob;
	bool has_mounted;
};

/* Is it in the target, or can it be had there from another of its repositories? 0 yes, 1 no. */
static int want_find(struct push *push, struct push_target *target, void *arg, struct error *err)
{
	struct want *want = arg;
	const struct blobmap_entry *entry = NULL;
	int rc = registry_head_blob(target->registry, target->path, want->blob->digest, NULL, err), tries = 0;

	while (rc == 1 && tries < MOUNT_TRIES && (entry = blobmap_next(push->map, want->layer->diff_id, entry))) {
		size_t host_len = strlen(target->host);

		if (strcmp(entry->blob.digest, want->blob->digest) != 0 || strcmp(entry->repository, target->repository) == 0 ||
		    strncmp(entry->repository, target->host, host_len) != 0 || entry->repository[host_len] != '/')
			continue;
		tries++;
		rc = registry_mount_blob(target->registry, target->path, entry->repository + host_len + 1,
					 want->blob->digest, err);
		want->has_mounted |= rc == 0;
		/* No right to read there, or no such place any more: then it is sent. */
		if (rc < 0 && err->code != ERR_UNAVAILABLE)
			rc = 1;
	}
	return rc;
}

static int want_in_all(struct push *push, struct want *want, struct error *err)
{
	for (size_t i = 0; i < push->options.repository_count; i++) {
		struct push_target *target = &push->targets[i];
		int rc;

		want->has_mounted = false;
		rc = push_authorized(push, target, want_find, want, err);
		if (rc != 0)
			return rc;
		target->mounted += want->has_mounted;
	}
	return 0;
}

/* How many of the targets are said to have this blob. */
static size_t seen_count(const struct push *push, const char *diff_id, const char *digest)
{
	const struct blobmap_entry *entry = NULL;
	size_t count = 0;

	while ((entry = blobmap_next(push->map, diff_id, entry))) {
		for (size_t i = 0; i < push->options.repository_count; i++)
			count += strcmp(entry->blob.digest, digest) == 0 &&
				 strcmp(entry->repository, push->targets[i].repository) == 0;
	}
	return count;
}

/* Up to DIGESTS_MAX different blobs, those the targets are said to have first. */
static size_t candidates(const struct push *push, const struct push_layer *layer, struct descriptor list[DIGESTS_MAX])
{
	const struct blobmap_entry *entry = NULL;
	size_t count = 0;

	while (count < DIGESTS_MAX && (entry = blobmap_next(push->map, layer->diff_id, entry))) {
		size_t seen = seen_count(push, layer->diff_id, entry->blob.digest), at = 0;
		bool is_listed = false;

		for (size_t i = 0; i < count; i++)
			is_listed |= strcmp(list[i].digest, entry->blob.digest) == 0;
		if (is_listed)
			continue;
		while (at < count && seen_count(push, layer->diff_id, list[at].digest) >= seen)
			at++;
		memmove(&list[at + 1], &list[at], (count - at) * sizeof(*list));
		list[at] = entry->blob;
		count++;
	}
	return count;
}

static int layer_find(struct push *push, struct push_layer *layer, struct error *err)
{
	struct descriptor list[DIGESTS_MAX + 1];
	size_t count = candidates(push, layer, list);

	for (size_t i = 0; i < count; i++) {
		struct want want = { .layer = layer, .blob = &list[i] };
		int rc = want_in_all(push, &want, err);

		if (rc < 0)
			return -1;
		if (rc == 0) {
			layer->chosen = list[i];
			return 0;
		}
	}
	return 0;
}

int push_layers_find(struct push *push, struct error *err)
{
	for (size_t i = 0; i < push->stored.layer_count; i++) {
		struct push_layer *layer = &push->layers[i];
		struct descriptor list[DIGESTS_MAX + 1];

		if (push->options.repository_count > 0 ? layer_find(push, layer, err) < 0 : false)
			return -1;
		/* With nowhere to push to, what is known is believed. */
		if (push->options.repository_count == 0 && candidates(push, layer, list) > 0)
			layer->chosen = list[0];
		/* An engine that compressed it already has done the work. */
		if (!layer->chosen.digest[0] && strcmp(layer->stored.media_type, MEDIA_OCI_LAYER) != 0) {
			layer->chosen = layer->stored;
			layer->chosen_fd = layer->fd;
		}
	}
	return 0;
}

static int layer_send(struct push *push, struct push_target *target, void *arg, struct error *err)
{
	const struct push_layer *layer = arg;
	struct want want = { .layer = layer, .blob = &layer->chosen };
	int rc = want_find(push, target, &want, err);

	if (rc != 1) {
		target->mounted += rc == 0 && want.has_mounted;
		return rc;
	}
	if (registry_put_blob_fd(target->registry, target->path, &layer->chosen, layer->chosen_fd, err) < 0)
		return -1;
	target->sent++;
	return 0;
}

int push_layers_send(struct push *push, struct push_target *target, struct error *err)
{
	for (size_t i = 0; i < push->stored.layer_count; i++) {
		/* Without bytes it was found in every target just now. */
		if (push->layers[i].chosen_fd >= 0 && push_authorized(push, target, layer_send, &push->layers[i], err) < 0)
			return -1;
	}
	return 0;
}

int push_layers_note(struct push *push, const struct push_target *target, struct error *err)
{
	for (size_t i = 0; i < push->stored.layer_count; i++) {
		struct blobmap_entry entry = { .blob = push->layers[i].chosen };

		text_copy(entry.diff_id, sizeof(entry.diff_id), push->layers[i].diff_id);
		text_copy(entry.repository, sizeof(entry.repository), target->repository);
		if (blobmap_add(push->map, &entry, err) < 0)
			return -1;
	}
	return 0;
}
