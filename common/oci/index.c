/* SPDX-License-Identifier: Apache-2.0 */
#include "common/oci/index.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json/json.h"
#include "common/mem.h"
#include "common/oci/manifest.h"

static int by_platform(const void *a, const void *b)
{
	const struct index_entry *left = a;
	const struct index_entry *right = b;

	return platform_compare(&left->platform, &right->platform);
}

static void put_member(struct buf *out, const char *indent, const char *name, const char *value)
{
	buf_printf(out, "%s\"%s\": ", indent, name);
	go_json_text(out, value);
}

static void put_entry(struct buf *out, const struct index_entry *entry)
{
	buf_puts(out, "    {\n");
	put_member(out, "      ", "mediaType", entry->descriptor.media_type);
	buf_puts(out, ",\n");
	put_member(out, "      ", "digest", entry->descriptor.digest);
	buf_printf(out, ",\n      \"size\": %lld,\n      \"platform\": {\n", (long long)entry->descriptor.size_bytes);
	put_member(out, "        ", "architecture", entry->platform.architecture);
	buf_puts(out, ",\n");
	put_member(out, "        ", "os", entry->platform.os);
	if (entry->platform.variant[0]) {
		buf_puts(out, ",\n");
		put_member(out, "        ", "variant", entry->platform.variant);
	}
	buf_puts(out, "\n      }\n    }");
}

static int check_entries(const struct index_entry *sorted, size_t count, struct error *err)
{
	char text[PLATFORM_TEXT_MAX];

	if (count == 0 || count > INDEX_ENTRIES_MAX)
		return error_set(err, ERR_INVALID, "an index needs 1 to %d images, not %zu", INDEX_ENTRIES_MAX, count);
	for (size_t i = 0; i < count; i++) {
		if (!sorted[i].has_platform)
			return error_set(err, ERR_INVALID, "index: %s has no platform", sorted[i].descriptor.digest);
		if (i == 0 || !platform_equal(&sorted[i - 1].platform, &sorted[i].platform))
			continue;
		platform_format(&sorted[i].platform, text);
		return error_set(err, ERR_INVALID, "index: two images for %s: %s and %s", text,
				 sorted[i - 1].descriptor.digest, sorted[i].descriptor.digest);
	}
	return 0;
}

int index_build(const struct index_entry *entries, size_t count, struct buf *out, struct error *err)
{
	CLEANUP(mem_freep) struct index_entry *sorted = mem_alloc(count * sizeof(*sorted));

	if (count) {
		memcpy(sorted, entries, count * sizeof(*sorted));
		qsort(sorted, count, sizeof(*sorted), by_platform);
	}
	if (check_entries(sorted, count, err) < 0)
		return -1;
	buf_puts(out, "{\n  \"schemaVersion\": 2,\n  \"mediaType\": \"" MEDIA_OCI_INDEX "\",\n  \"manifests\": [\n");
	for (size_t i = 0; i < count; i++) {
		if (i)
			buf_puts(out, ",\n");
		put_entry(out, &sorted[i]);
	}
	buf_puts(out, "\n  ]\n}");
	return 0;
}

static int entry_decode(const json_t *obj, size_t n, struct index_entry *entry, struct error *err)
{
	const json_t *platform = json_object_get(obj, "platform");
	const json_t *annotations = json_object_get(obj, "annotations");
	char os[64], architecture[64], variant[64], where[48];

	snprintf(where, sizeof(where), "index: image %zu", n);
	if (descriptor_decode(obj, where, &entry->descriptor, err) < 0)
		return -1;
	if (annotations && json_get_text_or(annotations, where, "vnd.docker.reference.type", entry->reference_type,
					    sizeof(entry->reference_type), "", err) < 0)
		return -1;
	if (!platform || json_is_null(platform))
		return 0;
	if (json_get_text(platform, where, "os", os, sizeof(os), err) < 0 ||
	    json_get_text(platform, where, "architecture", architecture, sizeof(architecture), err) < 0 ||
	    json_get_text_or(platform, where, "variant", variant, sizeof(variant), "", err) < 0)
		return -1;
	if (strcmp(os, "unknown") == 0 || strcmp(architecture, "unknown") == 0)
		return 0;
	if (platform_from_parts(os, architecture, variant, &entry->platform, err) < 0)
		return error_wrap(err, "%s", where);
	entry->has_platform = true;
	return 0;
}

static int decode(const json_t *root, const char *media_type, struct index_entry **ret_entries, size_t *ret_count,
		  struct error *err)
{
	const json_t *manifests = json_object_get(root, "manifests");
	size_t count = json_array_size(manifests);
	CLEANUP(mem_freep) struct index_entry *entries = NULL;
	char type[MEDIA_TYPE_MAX];

	if (!json_is_object(root))
		return error_set(err, ERR_INVALID, "index: not an object");
	if (manifest_media_type(root, media_type, type, err) < 0)
		return -1;
	if (!media_type_is_index(type) || !json_is_array(manifests))
		return error_set(err, ERR_INVALID, "this is not an index but %s", type);
	if (count > INDEX_ENTRIES_MAX)
		return error_set(err, ERR_INVALID, "index: %zu images, %d are allowed", count, INDEX_ENTRIES_MAX);
	entries = mem_alloc(count * sizeof(*entries));
	for (size_t i = 0; i < count; i++) {
		if (entry_decode(json_array_get(manifests, i), i, &entries[i], err) < 0)
			return -1;
	}
	*ret_entries = TAKE(entries);
	*ret_count = count;
	return 0;
}

int index_parse(const char *text, size_t len, const char *media_type, struct index_entry **ret_entries,
		size_t *ret_count, struct error *err)
{
	json_auto_t *root = NULL;

	if (len > MANIFEST_MAX_BYTES)
		return error_set(err, ERR_INVALID, "index: larger than 4 MiB");
	root = json_parse(text, len, err);
	if (!root)
		return error_wrap(err, "index");
	return decode(root, media_type, ret_entries, ret_count, err);
}
