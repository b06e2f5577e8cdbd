/* SPDX-License-Identifier: Apache-2.0 */
#include "common/oci/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/fault.h"
#include "common/json/json.h"
#include "common/mem.h"
#include "common/oci/layout_dir.h"

#define POLL_MS 50

static int layout_fail(const struct layout *layout, const char *what, struct error *err)
{
	return error_set(err, errno == ENOSPC ? ERR_FULL : ERR_IO, "layout %s: %s: %s", layout->path, what, strerror(errno));
}

/* flock cannot wait for a time, and waiting for ever would keep a stopping worker from stopping. */
static int lock(struct layout *layout, int wait_ms, struct error *err)
{
	struct timespec pause = { .tv_nsec = POLL_MS * 1000000L };

	for (int waited_ms = 0; flock(layout->fd, LOCK_EX | LOCK_NB) < 0; waited_ms += POLL_MS) {
		if (errno == EINTR)
			continue;
		if (errno != EWOULDBLOCK)
			return layout_fail(layout, "lock", err);
		if (wait_ms >= 0 && waited_ms >= wait_ms)
			return 1;
		nanosleep(&pause, NULL);
	}
	return 0;
}

int layout_open(const char *dir, int wait_ms, struct layout **ret_layout, struct error *err)
{
	CLEANUP(layout_closep) struct layout *layout = mem_alloc(sizeof(*layout));
	int rc;

	layout->path = mem_strdup(dir);
	layout->fd = -1;
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return layout_fail(layout, "make the directory", err);
	layout->fd = FAULT() ? -1 : open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (layout->fd < 0)
		return layout_fail(layout, "open", err);
	rc = lock(layout, wait_ms, err);
	if (rc == 0)
		*ret_layout = TAKE(layout);
	return rc;
}

/* Closing gives the lock back: no other process or thread has this open file. */
void layout_close(struct layout *layout)
{
	if (!layout)
		return;
	if (layout->fd >= 0)
		close(layout->fd);
	mem_free(layout->path);
	mem_free(layout);
}

static int read_fd(int fd, int64_t size, struct buf *out)
{
	char chunk[64 * 1024];

	while ((int64_t)out->len <= size) {
		ssize_t got = read(fd, chunk, sizeof(chunk));

		if (got < 0)
			return -1;
		if (got == 0)
			return 0;
		buf_append(out, chunk, (size_t)got);
	}
	return 0;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

int layout_read_index(struct layout *layout, json_t **ret_root, struct error *err)
{
	CLEANUP(close_fd) int fd = openat(layout->fd, LAYOUT_INDEX, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	CLEANUP(buf_clear) struct buf text = { 0 };
	json_t *root;

	if (fd < 0 && errno == ENOENT)
		return error_set(err, ERR_NOT_FOUND, "layout %s: it has no index.json: nothing was written into it",
				 layout->path);
	if (fd < 0 || read_fd(fd, LAYOUT_INDEX_MAX_BYTES, &text) < 0)
		return layout_fail(layout, LAYOUT_INDEX, err);
	if (text.len > LAYOUT_INDEX_MAX_BYTES)
		return error_set(err, ERR_INVALID, "layout %s: index.json is larger than 4 MiB", layout->path);
	root = json_parse(buf_text(&text), text.len, err);
	if (!root)
		return error_wrap(err, "layout %s: index.json", layout->path);
	if (!json_is_array(json_object_get(root, "manifests"))) {
		json_decref(root);
		return error_set(err, ERR_INVALID, "layout %s: index.json has no array of manifests", layout->path);
	}
	*ret_root = root;
	return 0;
}

const char *layout_entry_tag(const json_t *entry)
{
	const json_t *annotations = json_object_get(entry, "annotations");

	return json_string_value(json_object_get(annotations, "org.opencontainers.image.ref.name"));
}

int layout_find(struct layout *layout, const char *tag, struct descriptor *ret_descriptor, struct error *err)
{
	json_auto_t *root = NULL;
	const json_t *entry, *found = NULL;
	size_t i;

	if (layout_read_index(layout, &root, err) < 0)
		return -1;
	json_array_foreach(json_object_get(root, "manifests"), i, entry) {
		const char *name = layout_entry_tag(entry);

		if (name && strcmp(name, tag) == 0)
			found = entry; /* the last one written */
	}
	if (!found)
		return error_set(err, ERR_NOT_FOUND, "layout %s: no image has the tag %s", layout->path, tag);
	if (descriptor_decode(found, "index.json", ret_descriptor, err) < 0)
		return error_wrap(err, "layout %s", layout->path);
	return 0;
}

int layout_open_blobs(struct layout *layout, struct error *err)
{
	CLEANUP(close_fd) int blobs = openat(layout->fd, "blobs", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int fd;

	if (blobs < 0)
		return layout_fail(layout, "blobs", err);
	fd = openat(blobs, "sha256", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return layout_fail(layout, "blobs/sha256", err);
	return fd;
}

int layout_open_blob(struct layout *layout, const struct descriptor *blob, int *ret_fd, struct error *err)
{
	CLEANUP(close_fd) int blobs = -1;
	CLEANUP(close_fd) int fd = -1;
	struct stat st;

	if (!digest_is_valid(blob->digest))
		return error_set(err, ERR_INVALID, "layout %s: \"%.80s\" is not a digest", layout->path, blob->digest);
	blobs = layout_open_blobs(layout, err);
	if (blobs < 0)
		return -1;
	/* The engine ran foreign code: a pipe or a link in place of a blob must neither hang nor lead elsewhere. */
	fd = FAULT() ? -1 : openat(blobs, strchr(blob->digest, ':') + 1, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return layout_fail(layout, blob->digest, err);
	if (!S_ISREG(st.st_mode))
		return error_set(err, ERR_INVALID, "layout %s: %s is not a plain file", layout->path, blob->digest);
	if (st.st_size != blob->size_bytes)
		return error_set(err, ERR_INVALID, "layout %s: %s has %lld bytes, its descriptor says %lld", layout->path,
				 blob->digest, (long long)st.st_size, (long long)blob->size_bytes);
	*ret_fd = fd;
	fd = -1;
	return 0;
}

int layout_read_blob(struct layout *layout, const struct descriptor *blob, int64_t max_bytes, struct buf *ret,
		     struct error *err)
{
	CLEANUP(close_fd) int fd = -1;
	CLEANUP(buf_clear) struct buf text = { 0 };
	char digest[DIGEST_TEXT_MAX];

	if (blob->size_bytes > max_bytes)
		return error_set(err, ERR_INVALID, "layout %s: %s has %lld bytes, %lld are allowed", layout->path,
				 blob->digest, (long long)blob->size_bytes, (long long)max_bytes);
	if (layout_open_blob(layout, blob, &fd, err) < 0)
		return -1;
	if (FAULT() || read_fd(fd, blob->size_bytes, &text) < 0)
		return layout_fail(layout, blob->digest, err);
	digest_of_bytes(buf_text(&text), text.len, digest);
	if (strcmp(digest, blob->digest) != 0)
		return error_set(err, ERR_INVALID, "layout %s: the bytes of %s have the digest %s", layout->path, blob->digest,
				 digest);
	*ret = text;
	text = (struct buf){ 0 };
	return 0;
}
