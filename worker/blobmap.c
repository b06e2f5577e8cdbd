/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/blobmap.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/json/json.h"
#include "common/mem.h"
#include "worker/files.h"

#define FILE_MAX (64 * 1024 * 1024)
#define STORAGE_FILE_MAX (256 * 1024 * 1024)

/* As containers/storage numbers what it found a layer compressed with. */
#define STORAGE_GZIP 2
#define STORAGE_ZSTD 4

struct blobmap {
	char *path;
	struct blobmap_entry *entries; /* oldest first */
	size_t count, cap;
};

void blobmap_close(struct blobmap *map)
{
	if (!map)
		return;
	mem_free(map->path);
	mem_free(map->entries);
	mem_free(map);
}

static bool is_same(const struct blobmap_entry *a, const struct blobmap_entry *b)
{
	return strcmp(a->diff_id, b->diff_id) == 0 && strcmp(a->blob.digest, b->blob.digest) == 0 &&
	       strcmp(a->repository, b->repository) == 0;
}

static bool is_known(const struct blobmap *map, const struct blobmap_entry *entry)
{
	for (size_t i = 0; i < map->count; i++) {
		if (is_same(&map->entries[i], entry))
			return true;
	}
	return false;
}

static void keep(struct blobmap *map, const struct blobmap_entry *entry)
{
	if (map->count == map->cap) {
		map->cap = map->cap ? 2 * map->cap : 64;
		map->entries = mem_realloc(map->entries, map->cap * sizeof(*map->entries));
	}
	map->entries[map->count++] = *entry;
}

static void entry_line(const struct blobmap_entry *entry, struct buf *line)
{
	buf_printf(line, "%s %s %" PRId64 " %s %s\n", entry->diff_id, entry->blob.digest, entry->blob.size_bytes,
		   strcmp(entry->blob.media_type, MEDIA_OCI_LAYER_ZSTD) == 0 ? "zstd" : "gzip",
		   entry->repository[0] ? entry->repository : "-");
}

static bool line_parse(const char *line, struct blobmap_entry *ret)
{
	struct blobmap_entry entry = { 0 };
	char kind[8];

	if (sscanf(line, "%71s %71s %" SCNd64 " %7s %255s", entry.diff_id, entry.blob.digest, &entry.blob.size_bytes, kind,
		   entry.repository) != 5 ||
	    !digest_is_valid(entry.diff_id) || !digest_is_valid(entry.blob.digest) || entry.blob.size_bytes <= 0)
		return false;
	if (strcmp(entry.repository, "-") == 0)
		entry.repository[0] = '\0';
	text_copy(entry.blob.media_type, sizeof(entry.blob.media_type),
		  strcmp(kind, "zstd") == 0 ? MEDIA_OCI_LAYER_ZSTD : MEDIA_OCI_LAYER_GZIP);
	*ret = entry;
	return true;
}

/* The newer half, in one rename: whoever appends to the old file at this moment loses a line of a cache. */
static int halve(struct blobmap *map, struct error *err)
{
	size_t drop = map->count - BLOBMAP_ENTRIES_MAX / 2;
	CLEANUP(buf_clear) struct buf text = { 0 };
	char path[1024];

	memmove(map->entries, map->entries + drop, (map->count - drop) * sizeof(*map->entries));
	map->count -= drop;
	for (size_t i = 0; i < map->count; i++)
		entry_line(&map->entries[i], &text);
	snprintf(path, sizeof(path), "%s.%d", map->path, (int)gettid());
	if (file_write_text(path, buf_text(&text), err) < 0)
		return -1;
	return rename(path, map->path) < 0 ? error_set(err, ERR_IO, "%s: %s", map->path, strerror(errno)) : 0;
}

int blobmap_open(const char *state_dir, struct blobmap **ret_map, struct error *err)
{
	CLEANUP(blobmap_closep) struct blobmap *map = mem_alloc(sizeof(*map));
	CLEANUP(buf_clear) struct buf text = { 0 };
	size_t size = strlen(state_dir) + 16;

	map->path = mem_alloc(size);
	snprintf(map->path, size, "%s/blobmap", state_dir);
	if (file_read_text(map->path, FILE_MAX, &text, err) < 0 && err->code != ERR_NOT_FOUND)
		return -1;
	for (char *line = text.data; line && *line;) {
		size_t len = strcspn(line, "\n");
		bool is_last = line[len] == '\0';
		struct blobmap_entry entry;

		line[len] = '\0';
		if (line_parse(line, &entry))
			keep(map, &entry);
		line += len + !is_last;
	}
	if (map->count > BLOBMAP_ENTRIES_MAX && halve(map, err) < 0)
		return -1;
	*ret_map = TAKE(map);
	return 0;
}

int blobmap_add(struct blobmap *map, const struct blobmap_entry *entry, struct error *err)
{
	CLEANUP(buf_clear) struct buf line = { 0 };
	ssize_t done;
	int fd;

	if (is_known(map, entry))
		return 0;
	keep(map, entry);
	entry_line(entry, &line);
	fd = open(map->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	done = fd < 0 ? -1 : write(fd, line.data, line.len);
	if (done != (ssize_t)line.len)
		error_set(err, errno == ENOSPC ? ERR_FULL : ERR_IO, "%s: %s", map->path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return done == (ssize_t)line.len ? 0 : -1;
}

const struct blobmap_entry *blobmap_next(const struct blobmap *map, const char *diff_id,
					 const struct blobmap_entry *after)
{
	size_t at = after ? (size_t)(after - map->entries) : map->count;

	while (at-- > 0) {
		if (strcmp(map->entries[at].diff_id, diff_id) == 0)
			return &map->entries[at];
	}
	return NULL;
}

static json_t *storage_read(const char *storage_dir, const char *file)
{
	static const char *const drivers[] = { "overlay", "vfs" };
	struct error ignored;

	for (size_t i = 0; i < 2; i++) {
		CLEANUP(buf_clear) struct buf text = { 0 };
		char path[1024];

		snprintf(path, sizeof(path), "%s/%s-%s", storage_dir, drivers[i], file);
		if (file_read_text(path, STORAGE_FILE_MAX, &text, &ignored) == 0)
			return json_parse(buf_text(&text), text.len, &ignored);
	}
	return NULL;
}

static const char *text_of(const json_t *obj, const char *key)
{
	const char *text = json_string_value(json_object_get(obj, key));

	return text ? text : "";
}

static const json_t *layer_find(const json_t *layers, const char *id)
{
	for (size_t i = 0; i < json_array_size(layers); i++) {
		if (strcmp(text_of(json_array_get(layers, i), "id"), id) == 0)
			return json_array_get(layers, i);
	}
	return NULL;
}

static void layer_keep(struct blobmap *map, const json_t *layer, const char *repository)
{
	struct blobmap_entry entry = { .blob.size_bytes = json_integer_value(json_object_get(layer, "compressed-size")) };
	long long kind = json_integer_value(json_object_get(layer, "compression"));
	const char *digest = text_of(layer, "compressed-diff-digest"), *diff_id = text_of(layer, "diff-digest");

	if (!digest_is_valid(digest) || !digest_is_valid(diff_id) || strcmp(digest, diff_id) == 0 ||
	    entry.blob.size_bytes <= 0 || (kind != STORAGE_GZIP && kind != STORAGE_ZSTD))
		return;
	text_copy(entry.diff_id, sizeof(entry.diff_id), diff_id);
	text_copy(entry.blob.digest, sizeof(entry.blob.digest), digest);
	text_copy(entry.blob.media_type, sizeof(entry.blob.media_type),
		  kind == STORAGE_ZSTD ? MEDIA_OCI_LAYER_ZSTD : MEDIA_OCI_LAYER_GZIP);
	text_copy(entry.repository, sizeof(entry.repository), repository);
	if (!is_known(map, &entry))
		keep(map, &entry);
}

/* An image's name says where it and all layers below its top one came from. */
static void image_keep(struct blobmap *map, const json_t *image, const json_t *layers)
{
	const json_t *names = json_object_get(image, "names");

	for (size_t i = 0; i < json_array_size(names); i++) {
		char repository[REFERENCE_NAME_MAX];
		struct reference reference;
		struct error ignored;
		const json_t *layer = layer_find(layers, text_of(image, "layer"));

		if (!json_string_value(json_array_get(names, i)) ||
		    reference_parse(json_string_value(json_array_get(names, i)), &reference, &ignored) < 0)
			continue;
		reference_repository(&reference, repository);
		for (size_t depth = json_array_size(layers); layer && depth > 0; depth--) {
			layer_keep(map, layer, repository);
			layer = layer_find(layers, text_of(layer, "parent"));
		}
	}
}

void blobmap_read_storage(struct blobmap *map, const char *storage_dir)
{
	json_auto_t *layers = storage_read(storage_dir, "layers/layers.json");
	json_auto_t *images = storage_read(storage_dir, "images/images.json");

	for (size_t i = 0; i < json_array_size(layers); i++)
		layer_keep(map, json_array_get(layers, i), "");
	for (size_t i = 0; i < json_array_size(images); i++)
		image_keep(map, json_array_get(images, i), layers);
}
