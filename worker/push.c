/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/push.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/oci/layout.h"
#include "common/oci/manifest.h"
#include "worker/push_state.h"

#define LAYOUT_WAIT_MS 600000

void push_close(struct push *push)
{
	if (!push)
		return;
	for (size_t i = 0; push->layers && i < push->stored.layer_count; i++) {
		if (push->layers[i].chosen_fd >= 0 && push->layers[i].chosen_fd != push->layers[i].fd)
			close(push->layers[i].chosen_fd);
		if (push->layers[i].fd >= 0)
			close(push->layers[i].fd);
	}
	for (size_t i = 0; push->targets && i < push->options.repository_count; i++)
		registry_close(push->targets[i].registry);
	mem_free(push->layers);
	mem_free(push->targets);
	blobmap_close(push->map);
	image_config_clear(&push->config);
	manifest_clear(&push->stored);
	buf_clear(&push->config_text);
	pthread_mutex_destroy(&push->lock);
	mem_free(push);
}

const struct image_config *push_config(const struct push *push)
{
	return &push->config;
}

static int layers_open(struct push *push, struct layout *layout, struct error *err)
{
	if (push->config.diff_id_count != push->stored.layer_count)
		return error_set(err, ERR_INVALID, "the image has %zu layers, its config names %zu", push->stored.layer_count,
				 push->config.diff_id_count);
	push->layers = mem_alloc(push->stored.layer_count * sizeof(*push->layers) + 1);
	for (size_t i = 0; i < push->stored.layer_count; i++)
		push->layers[i] = (struct push_layer){ .diff_id = push->config.diff_ids[i], .stored = push->stored.layers[i],
						       .fd = -1, .chosen_fd = -1 };
	for (size_t i = 0; i < push->stored.layer_count; i++) {
		if (layout_open_blob(layout, &push->layers[i].stored, &push->layers[i].fd, err) < 0)
			return -1;
	}
	return 0;
}

static int image_read(struct push *push, struct error *err)
{
	CLEANUP(layout_closep) struct layout *layout = NULL;
	CLEANUP(buf_clear) struct buf text = { 0 };
	struct descriptor top;
	int rc = layout_open(push->options.layout_dir, LAYOUT_WAIT_MS, &layout, err);

	if (rc == 1)
		return error_set(err, ERR_UNAVAILABLE, "the layout %s is held by another attempt", push->options.layout_dir);
	if (rc < 0 || layout_find(layout, push->options.layout_tag, &top, err) < 0 ||
	    layout_read_blob(layout, &top, MANIFEST_MAX_BYTES, &text, err) < 0 ||
	    manifest_parse(buf_text(&text), text.len, top.media_type, &push->stored, err) < 0 ||
	    layout_read_blob(layout, &push->stored.config, IMAGE_CONFIG_MAX_BYTES, &push->config_text, err) < 0 ||
	    image_config_parse(buf_text(&push->config_text), push->config_text.len, &push->config, err) < 0)
		return -1;
	return layers_open(push, layout, err);
}

static int targets_open(struct push *push, struct error *err)
{
	push->targets = mem_alloc(push->options.repository_count * sizeof(*push->targets) + 1);
	for (size_t i = 0; i < push->options.repository_count; i++) {
		struct push_target *target = &push->targets[i];
		struct registry_options options = { .host = target->host };
		struct reference reference;

		target->repository = push->options.repositories[i];
		if (reference_parse(target->repository, &reference, err) < 0)
			return -1;
		text_copy(target->host, sizeof(target->host), reference.host);
		text_copy(target->path, sizeof(target->path), reference.path);
		if (registry_open(&options, &target->registry, err) < 0)
			return -1;
	}
	return 0;
}

int push_open(const struct push_options *options, struct push **ret_push, struct error *err)
{
	CLEANUP(push_closep) struct push *push = mem_alloc(sizeof(*push));

	push->options = *options;
	pthread_mutex_init(&push->lock, NULL);
	if (image_read(push, err) < 0 || blobmap_open(options->state_dir, &push->map, err) < 0)
		return -1;
	if (options->storage_dir && options->storage_dir[0])
		blobmap_read_storage(push->map, options->storage_dir);
	if (targets_open(push, err) < 0)
		return -1;
	*ret_push = TAKE(push);
	return 0;
}

void push_abort(struct push *push)
{
	pthread_mutex_lock(&push->lock);
	atomic_store(&push->is_aborted, true);
	for (size_t i = 0; i < push->options.repository_count; i++)
		registry_abort(push->targets[i].registry);
	pthread_mutex_unlock(&push->lock);
}

static int credential_take(struct push *push, struct push_target *target, struct error *err)
{
	char *username = NULL, *password = NULL;
	struct registry_options options = { .host = target->host };
	struct registry *registry;
	struct error why;
	int rc = push->options.credential ?
		 push->options.credential(target->host, &username, &password, &why, push->options.arg) : 1;

	target->has_credential = true;
	if (rc != 0)
		return error_wrap(err, "%s: no credential for %s%s%.150s", target->repository, target->host, rc < 0 ? ", " : "",
				  rc < 0 ? why.msg : " is known to the coordinator");
	options.username = username;
	options.password = password;
	if (registry_open(&options, &registry, err) < 0)
		return -1;
	pthread_mutex_lock(&push->lock);
	registry_close(target->registry);
	target->registry = registry;
	if (atomic_load(&push->is_aborted))
		registry_abort(registry);
	pthread_mutex_unlock(&push->lock);
	return 0;
}

int push_authorized(struct push *push, struct push_target *target, push_call *call, void *arg, struct error *err)
{
	int rc = call(push, target, arg, err);

	if (rc >= 0 || err->code != ERR_DENIED || target->has_credential)
		return rc;
	return credential_take(push, target, err) < 0 ? -1 : call(push, target, arg, err);
}

static int config_send(struct push *push, struct push_target *target, void *arg, struct error *err)
{
	struct descriptor config = push->stored.config;
	int rc = registry_head_blob(target->registry, target->path, config.digest, NULL, err);

	(void)arg;
	return rc != 1 ? rc
		       : registry_put_blob_bytes(target->registry, target->path, &config, buf_text(&push->config_text), err);
}

static int manifest_send(struct push *push, struct push_target *target, void *arg, struct error *err)
{
	struct registry_manifest *manifest = arg;

	(void)push;
	return registry_put_manifest(target->registry, target->path, manifest->descriptor.digest, manifest, err);
}

static int manifest_look(struct push *push, struct push_target *target, void *arg, struct error *err)
{
	const struct registry_manifest *manifest = arg;
	char digest[DIGEST_TEXT_MAX];

	(void)push;
	return registry_head_manifest(target->registry, target->path, manifest->descriptor.digest, digest, err);
}

static void manifest_write(struct push *push, struct registry_manifest *ret)
{
	struct manifest manifest = { .config = push->stored.config, .layer_count = push->stored.layer_count };
	CLEANUP(mem_freep) struct descriptor *layers = mem_alloc(manifest.layer_count * sizeof(*layers) + 1);

	text_copy(manifest.config.media_type, sizeof(manifest.config.media_type), MEDIA_OCI_CONFIG);
	for (size_t i = 0; i < manifest.layer_count; i++)
		layers[i] = push->layers[i].chosen;
	manifest.layers = layers;
	*ret = (struct registry_manifest){ 0 };
	manifest_build(&manifest, &ret->body);
	text_copy(ret->descriptor.media_type, sizeof(ret->descriptor.media_type), MEDIA_OCI_MANIFEST);
	ret->descriptor.size_bytes = (int64_t)ret->body.len;
	digest_of_bytes(ret->body.data, ret->body.len, ret->descriptor.digest);
}

static int target_send(struct push *push, struct push_target *target, struct registry_manifest *manifest,
		       struct error *err)
{
	char note[REFERENCE_NAME_MAX + 128];
	int rc = push_authorized(push, target, manifest_look, manifest, err);

	if (rc < 0)
		return error_wrap(err, "push to %s", target->repository);
	/* Who has the manifest has what it names. */
	if (rc == 1 && (push_layers_send(push, target, err) < 0 ||
			push_authorized(push, target, config_send, NULL, err) < 0 ||
			push_authorized(push, target, manifest_send, manifest, err) < 0))
		return error_wrap(err, "push to %s", target->repository);
	if (push_layers_note(push, target, err) < 0)
		return -1;
	snprintf(note, sizeof(note), "pushed %s to %.255s: %d of %zu layers sent, %d mounted", manifest->descriptor.digest,
		 target->repository, target->sent, push->stored.layer_count, target->mounted);
	if (push->options.on_note)
		push->options.on_note(note, push->options.arg);
	return 0;
}

int push_run(struct push *push, struct descriptor *ret_manifest, struct error *err)
{
	CLEANUP(registry_manifest_clear) struct registry_manifest manifest = { 0 };

	if (push_layers_find(push, err) < 0 || push_compress(push, err) < 0)
		return -1;
	manifest_write(push, &manifest);
	for (size_t i = 0; i < push->options.repository_count; i++) {
		if (target_send(push, &push->targets[i], &manifest, err) < 0)
			return -1;
	}
	*ret_manifest = manifest.descriptor;
	return 0;
}
