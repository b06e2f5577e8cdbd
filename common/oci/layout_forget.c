/* SPDX-License-Identifier: Apache-2.0 */
/* Forgetting: first the tag goes, then mark what the others reach, then sweep what is not marked. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fault.h"
#include "common/mem.h"
#include "common/oci/index.h"
#include "common/oci/layout_dir.h"
#include "common/oci/manifest.h"

#define DEPTH_MAX 4
#define TEMPORARY ".index.json.new"
#define UNFINISHED "oci-put-blob" /* as containers/image begins the names of blobs it still writes */

/* Digests that stay. */
struct marks {
	char (*list)[DIGEST_TEXT_MAX];
	size_t count, cap;
};

static void marks_clear(struct marks *marks)
{
	mem_free(marks->list);
}

static void mark(struct marks *marks, const char *digest)
{
	if (marks->count == marks->cap) {
		marks->cap = marks->cap ? marks->cap * 2 : 64;
		marks->list = mem_realloc(marks->list, marks->cap * sizeof(*marks->list));
	}
	snprintf(marks->list[marks->count++], DIGEST_TEXT_MAX, "%.71s", digest);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int forget_fail(const struct layout *layout, const char *what, struct error *err)
{
	return error_set(err, errno == ENOSPC ? ERR_FULL : ERR_IO, "layout %s: %s: %s", layout->path, what, strerror(errno));
}

static int mark_image(struct layout *layout, const struct descriptor *top, int depth, struct marks *marks,
		      struct error *err)
{
	CLEANUP(buf_clear) struct buf text = { 0 };
	CLEANUP(manifest_clear) struct manifest manifest = { .layers = NULL };
	CLEANUP(mem_freep) struct index_entry *entries = NULL;
	size_t count;

	if (depth > DEPTH_MAX)
		return error_set(err, ERR_INVALID, "layout %s: an index holds an index, %d deep", layout->path, depth);
	mark(marks, top->digest);
	if (layout_read_blob(layout, top, MANIFEST_MAX_BYTES, &text, err) < 0)
		return -1;
	if (media_type_is_index(top->media_type)) {
		if (index_parse(text.data, text.len, top->media_type, &entries, &count, err) < 0)
			return -1;
		for (size_t i = 0; i < count; i++) {
			if (mark_image(layout, &entries[i].descriptor, depth + 1, marks, err) < 0)
				return -1;
		}
		return 0;
	}
	if (manifest_parse(buf_text(&text), text.len, top->media_type, &manifest, err) < 0)
		return -1;
	mark(marks, manifest.config.digest);
	for (size_t i = 0; i < manifest.layer_count; i++)
		mark(marks, manifest.layers[i].digest);
	return 0;
}

static int mark_all(struct layout *layout, const json_t *root, struct marks *marks, struct error *err)
{
	const json_t *entry;
	size_t i;

	json_array_foreach(json_object_get(root, "manifests"), i, entry) {
		struct descriptor top;

		if (descriptor_decode(entry, "index.json", &top, err) < 0 || mark_image(layout, &top, 0, marks, err) < 0)
			return error_wrap(err, "layout %s: nothing was removed", layout->path);
	}
	return 0;
}

static int write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t put = FAULT() ? -1 : write(fd, text, len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -1;
		text += put;
		len -= (size_t)put;
	}
	return 0;
}

static int write_index(struct layout *layout, const json_t *root, struct error *err)
{
	CLEANUP(mem_freep) char *text = json_text(root);
	int fd = openat(layout->fd, TEMPORARY, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	int rc;

	if (fd < 0)
		return forget_fail(layout, TEMPORARY, err);
	rc = write_all(fd, text, strlen(text));
	if (rc < 0)
		forget_fail(layout, TEMPORARY, err);
	close(fd);
	if (rc == 0 && renameat(layout->fd, TEMPORARY, layout->fd, LAYOUT_INDEX) < 0)
		rc = forget_fail(layout, LAYOUT_INDEX, err);
	if (rc < 0)
		unlinkat(layout->fd, TEMPORARY, 0);
	return rc;
}

/* buildah writing a tag again leaves the old entry behind without a tag: nobody will ask for that. */
static bool remove_tag(json_t *root, const char *tag)
{
	json_t *manifests = json_object_get(root, "manifests");
	size_t before = json_array_size(manifests);

	for (size_t i = before; i > 0; i--) {
		const char *name = layout_entry_tag(json_array_get(manifests, i - 1));

		if (!tag || !name || strcmp(name, tag) == 0)
			json_array_remove(manifests, i - 1);
	}
	return json_array_size(manifests) != before;
}

static int sweep(struct layout *layout, struct marks *marks, struct error *err)
{
	int fd = layout_open_blobs(layout, err);
	struct dirent *file;
	DIR *dir;

	if (fd < 0)
		return -1;
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return forget_fail(layout, "blobs", err);
	}
	if (marks->count)
		qsort(marks->list, marks->count, sizeof(*marks->list), by_text);
	while ((file = readdir(dir))) {
		char digest[sizeof("sha256:") + sizeof(file->d_name)];

		snprintf(digest, sizeof(digest), "sha256:%s", file->d_name);
		if (!digest_is_valid(digest))
			continue;
		if (marks->count && bsearch(digest, marks->list, marks->count, sizeof(*marks->list), by_text))
			continue;
		unlinkat(dirfd(dir), file->d_name, 0);
	}
	closedir(dir);
	return 0;
}

/* What an engine that was killed had not yet given its name. Nobody writes while we hold the lock. */
static void remove_unfinished(struct layout *layout)
{
	int fd = openat(layout->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *file;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((file = readdir(dir))) {
		if (strncmp(file->d_name, UNFINISHED, strlen(UNFINISHED)) == 0)
			unlinkat(layout->fd, file->d_name, 0);
	}
	closedir(dir);
}

int layout_forget(struct layout *layout, const char *tag, const char *const *keep, size_t keep_count,
		  struct error *err)
{
	CLEANUP(marks_clear) struct marks marks = { .list = NULL };
	json_auto_t *root = NULL;

	if (layout_read_index(layout, &root, err) < 0)
		return err->code == ERR_NOT_FOUND ? 0 : -1;
	if (remove_tag(root, tag) && write_index(layout, root, err) < 0)
		return -1;
	for (size_t i = 0; i < keep_count; i++)
		mark(&marks, keep[i]);
	if (mark_all(layout, root, &marks, err) < 0)
		return -1;
	remove_unfinished(layout);
	return sweep(layout, &marks, err);
}
