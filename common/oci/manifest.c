/* SPDX-License-Identifier: Apache-2.0 */
#include "common/oci/manifest.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/json/json.h"
#include "common/mem.h"

void manifest_clear(struct manifest *manifest)
{
	mem_free(manifest->layers);
	*manifest = (struct manifest){ .layers = NULL };
}

int manifest_media_type(const json_t *root, const char *said, char ret_media_type[MEDIA_TYPE_MAX], struct error *err)
{
	char own[MEDIA_TYPE_MAX];
	char header[MEDIA_TYPE_MAX] = "";

	if (json_get_text_or(root, "manifest", "mediaType", own, sizeof(own), "", err) < 0)
		return -1;
	if (said) {
		size_t len = strcspn(said, "; \t");

		if (len < sizeof(header))
			snprintf(header, sizeof(header), "%.*s", (int)len, said);
	}
	/* application/json and the like make no claim: files served by a plain web server look so. */
	if (own[0] && strncasecmp(header, "application/vnd.", 16) == 0 && strcasecmp(own, header) != 0)
		return error_set(err, ERR_INVALID, "the manifest says it is %s, but was sent as %s", own, header);
	if (!own[0] && !header[0])
		return error_set(err, ERR_INVALID, "the manifest has no mediaType, and was sent without one");
	snprintf(ret_media_type, MEDIA_TYPE_MAX, "%s", own[0] ? own : header);
	return 0;
}

static int decode_layers(const json_t *root, struct manifest *manifest, struct error *err)
{
	const json_t *layers = json_object_get(root, "layers");
	size_t count = json_array_size(layers);

	if (!json_is_array(layers))
		return error_set(err, ERR_INVALID, "manifest: layers is missing or no array");
	if (count > MANIFEST_LAYERS_MAX)
		return error_set(err, ERR_INVALID, "manifest: %zu layers, %d are allowed", count, MANIFEST_LAYERS_MAX);
	manifest->layers = mem_alloc(count * sizeof(*manifest->layers));
	for (size_t i = 0; i < count; i++) {
		char where[32];

		snprintf(where, sizeof(where), "layer %zu", i);
		if (descriptor_decode(json_array_get(layers, i), where, &manifest->layers[i], err) < 0)
			return -1;
	}
	manifest->layer_count = count;
	return 0;
}

static int decode(const json_t *root, const char *media_type, struct manifest *manifest, struct error *err)
{
	int64_t version;

	if (!json_is_object(root))
		return error_set(err, ERR_INVALID, "manifest: not an object");
	if (json_get_int(root, "manifest", "schemaVersion", &version, err) < 0)
		return -1;
	if (version != 2)
		return error_set(err, ERR_INVALID, "manifest: schemaVersion %lld is too old, 2 is needed", (long long)version);
	if (manifest_media_type(root, media_type, manifest->media_type, err) < 0)
		return -1;
	if (json_object_get(root, "manifests") || media_type_is_index(manifest->media_type))
		return error_set(err, ERR_INVALID, "this is an index of several images, not the manifest of one");
	if (!media_type_is_manifest(manifest->media_type))
		return error_set(err, ERR_INVALID, "manifest: media type %s is not that of an image", manifest->media_type);
	if (descriptor_decode(json_object_get(root, "config"), "config", &manifest->config, err) < 0)
		return -1;
	return decode_layers(root, manifest, err);
}

int manifest_parse(const char *text, size_t len, const char *media_type, struct manifest *ret_manifest,
		   struct error *err)
{
	CLEANUP(manifest_clear) struct manifest manifest = { .layers = NULL };
	json_auto_t *root = NULL;

	if (len > MANIFEST_MAX_BYTES)
		return error_set(err, ERR_INVALID, "manifest: larger than 4 MiB");
	root = json_parse(text, len, err);
	if (!root)
		return error_wrap(err, "manifest");
	if (decode(root, media_type, &manifest, err) < 0)
		return -1;
	*ret_manifest = manifest;
	manifest.layers = NULL;
	return 0;
}

static void put_descriptor(struct buf *out, const struct descriptor *descriptor)
{
	buf_puts(out, "{\"mediaType\":");
	go_json_text(out, descriptor->media_type);
	buf_puts(out, ",\"digest\":");
	go_json_text(out, descriptor->digest);
	buf_printf(out, ",\"size\":%lld}", (long long)descriptor->size_bytes);
}

void manifest_build(const struct manifest *manifest, struct buf *out)
{
	buf_puts(out, "{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_MANIFEST "\",\"config\":");
	put_descriptor(out, &manifest->config);
	buf_puts(out, ",\"layers\":[");
	for (size_t i = 0; i < manifest->layer_count; i++) {
		if (i)
			buf_puts(out, ",");
		put_descriptor(out, &manifest->layers[i]);
	}
	buf_puts(out, "]}");
}
