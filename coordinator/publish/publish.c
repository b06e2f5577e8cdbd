/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/publish/publish.h"

#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "common/oci/image_config.h"
#include "common/oci/index.h"
#include "common/oci/manifest.h"

int publish_split_repository(const char *repository, char host[REPOSITORY_MAX], char path[REPOSITORY_MAX],
			     struct error *err)
{
	const char *slash = strchr(repository, '/');

	if (!slash || slash == repository || !slash[1] || strlen(repository) >= REPOSITORY_MAX)
		return error_set(err, ERR_INVALID, "\"%.200s\" is not a repository (host/name)", repository);
	snprintf(host, REPOSITORY_MAX, "%.*s", (int)(slash - repository), repository);
	snprintf(path, REPOSITORY_MAX, "%s", slash + 1);
	return 0;
}

/* The manifest as the job reported it, and the registry's bytes say the same. */
static int read_manifest(struct registry *registry, const char *path, const struct index_part *part,
			 struct manifest *ret_manifest, struct error *err)
{
	CLEANUP(registry_manifest_clear) struct registry_manifest got = { .body = { 0 } };

	if (registry_get_manifest(registry, path, part->digest, &got, err) < 0)
		return -1;
	if (got.descriptor.size_bytes != part->size_bytes)
		return error_set(err, ERR_INVALID, "manifest %s has %lld bytes, its job said %lld", part->digest,
				 (long long)got.descriptor.size_bytes, (long long)part->size_bytes);
	if (strcmp(got.descriptor.media_type, part->media_type) != 0)
		return error_set(err, ERR_INVALID, "manifest %s is %s, its job said %s", part->digest,
				 got.descriptor.media_type, part->media_type);
	return manifest_parse(buf_text(&got.body), got.body.len, got.descriptor.media_type, ret_manifest, err);
}

static int check_config(struct registry *registry, const char *path, const struct index_part *part,
			const struct manifest *manifest, struct error *err)
{
	CLEANUP(buf_clear) struct buf text = { 0 };
	CLEANUP(image_config_clear) struct image_config config = { .diff_ids = NULL };
	char is[PLATFORM_TEXT_MAX], asked[PLATFORM_TEXT_MAX];

	if (strcmp(manifest->config.media_type, MEDIA_OCI_CONFIG) != 0 &&
	    strcmp(manifest->config.media_type, MEDIA_DOCKER_CONFIG) != 0)
		return error_set(err, ERR_INVALID, "manifest %s is no image: its config is %s", part->digest,
				 manifest->config.media_type);
	if (manifest->config.size_bytes > IMAGE_CONFIG_MAX_BYTES)
		return error_set(err, ERR_INVALID, "manifest %s: its config is larger than 4 MiB", part->digest);
	if (registry_get_blob(registry, path, &manifest->config, &text, err) < 0 ||
	    image_config_parse(buf_text(&text), text.len, &config, err) < 0)
		return -1;
	if (!platform_equal(&config.platform, &part->platform)) {
		platform_format(&config.platform, is);
		platform_format(&part->platform, asked);
		return error_set(err, ERR_INVALID, "manifest %s is an image for %s, but the job was to build %s",
				 part->digest, is, asked);
	}
	if (config.diff_id_count != manifest->layer_count)
		return error_set(err, ERR_INVALID, "manifest %s has %zu layers, its config %zu", part->digest,
				 manifest->layer_count, config.diff_id_count);
	return 0;
}

static int check_layers(struct registry *registry, const char *path, const struct manifest *manifest,
			struct error *err)
{
	for (size_t i = 0; i < manifest->layer_count; i++) {
		const struct descriptor *layer = &manifest->layers[i];
		int64_t size_bytes = -1;
		int rc = registry_head_blob(registry, path, layer->digest, &size_bytes, err);

		if (rc < 0)
			return -1;
		if (rc > 0)
			return error_set(err, ERR_NOT_FOUND, "layer %zu, %s, is not in the registry", i, layer->digest);
		if (size_bytes >= 0 && size_bytes != layer->size_bytes)
			return error_set(err, ERR_INVALID, "layer %zu, %s, has %lld bytes, the manifest says %lld", i,
					 layer->digest, (long long)size_bytes, (long long)layer->size_bytes);
	}
	return 0;
}

static int verify(struct registry *registry, const char *path, const struct publish_order *order, struct error *err)
{
	CLEANUP(manifest_clear) struct manifest manifest = { .layers = NULL };

	if (order->part_count != 1)
		return error_set(err, ERR_INTERNAL, "a verify step has %zu manifests instead of one", order->part_count);
	if (read_manifest(registry, path, &order->parts[0], &manifest, err) < 0 ||
	    check_config(registry, path, &order->parts[0], &manifest, err) < 0)
		return -1;
	return check_layers(registry, path, &manifest, err);
}

static int build_index(const struct publish_order *order, struct buf *out, struct error *err)
{
	struct index_entry entries[SPEC_PLATFORMS_MAX];

	for (size_t i = 0; i < order->part_count; i++) {
		const struct index_part *part = &order->parts[i];
		struct index_entry *entry = &entries[i];

		*entry = (struct index_entry){ .platform = part->platform, .has_platform = true };
		entry->descriptor.size_bytes = part->size_bytes;
		memcpy(entry->descriptor.media_type, part->media_type, sizeof(entry->descriptor.media_type));
		memcpy(entry->descriptor.digest, part->digest, sizeof(entry->descriptor.digest));
	}
	return index_build(entries, order->part_count, out, err);
}

/* tag NULL: by digest. A tag only ever gets the bytes that were put by digest before. */
static int put_index(struct registry *registry, const char *path, const struct publish_order *order, const char *tag,
		     char ret_digest[DIGEST_TEXT_MAX], struct error *err)
{
	CLEANUP(registry_manifest_clear) struct registry_manifest index = { .descriptor.media_type = MEDIA_OCI_INDEX };
	char digest[DIGEST_TEXT_MAX];

	if (build_index(order, &index.body, err) < 0)
		return -1;
	digest_of_bytes(index.body.data, index.body.len, digest);
	if (order->expected_digest[0] && strcmp(order->expected_digest, digest) != 0)
		return error_set(err, ERR_INTERNAL, "the index would be %s now, but %s was put before", digest,
				 order->expected_digest);
	if (registry_put_manifest(registry, path, tag ? tag : digest, &index, err) < 0)
		return -1;
	memcpy(ret_digest, digest, sizeof(digest));
	return 0;
}

static int read_back(struct registry *registry, const char *path, const struct publish_order *order,
		     struct error *err)
{
	char digest[DIGEST_TEXT_MAX];
	int rc = registry_head_manifest(registry, path, order->tag, digest, err);

	if (rc < 0)
		return -1;
	if (rc > 0)
		return error_set(err, ERR_NOT_FOUND, "%s:%s is not there after it was put", order->repository, order->tag);
	if (strcmp(digest, order->expected_digest) != 0)
		return error_set(err, ERR_CONFLICT, "%s:%s is %s instead of %s: someone else moved it", order->repository,
				 order->tag, digest, order->expected_digest);
	return 0;
}

static int take(struct registry *registry, const struct publish_order *order, char digest[DIGEST_TEXT_MAX],
		struct error *err)
{
	char host[REPOSITORY_MAX], path[REPOSITORY_MAX];

	if (publish_split_repository(order->repository, host, path, err) < 0)
		return -1;
	switch (order->kind) {
	case STEP_VERIFY:
		return verify(registry, path, order, err);
	case STEP_INDEX:
		return put_index(registry, path, order, NULL, digest, err);
	case STEP_TAG:
		return put_index(registry, path, order, order->tag, digest, err);
	case STEP_READBACK:
		return read_back(registry, path, order, err);
	}
	return error_set(err, ERR_INTERNAL, "publish step of kind %d", (int)order->kind);
}

/* Some registries see late what was written: only looking again can tell. */
static bool is_retryable(const struct publish_order *order, enum err_code code)
{
	if (code == ERR_UNAVAILABLE)
		return true;
	return (order->kind == STEP_VERIFY && code == ERR_NOT_FOUND) ||
	       (order->kind == STEP_READBACK && (code == ERR_NOT_FOUND || code == ERR_CONFLICT));
}

void publish_take_step(struct registry *registry, const struct publish_order *order,
		       struct publish_outcome *ret_outcome)
{
	struct publish_outcome outcome = { .publish = order->publish, .n = order->n, .is_ok = true };
	struct error err;

	if (take(registry, order, outcome.digest, &err) < 0) {
		outcome.is_ok = false;
		outcome.is_retryable = is_retryable(order, err.code);
		snprintf(outcome.reason, sizeof(outcome.reason), "%s", err.msg);
	}
	*ret_outcome = outcome;
}
