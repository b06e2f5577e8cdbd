/* SPDX-License-Identifier: Apache-2.0 */
/* STATE/contexts/<hex>.part grows, is continued after a break, and becomes <hex>.tar when its digest is right. */
#include "worker/context_fetch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/oci/digest.h"
#include "worker/files.h"
#include "worker/process.h"

#define PATH_SIZE 640
#define LOCK_POLL_MS 100
#define BREAK_WAIT_MS 500
#define BREAK_WAIT_MAX_MS 5000

struct fetch {
	const struct context_source *source;
	char dir[PATH_SIZE - 100], part[PATH_SIZE], tar[PATH_SIZE];
	int fd;
	int64_t have_bytes;
	bool is_disk_full;
	int64_t moved_ms;      /* when the last byte came */
};

static void fd_close(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static bool is_cancelled(const struct context_source *source, int wait_ms)
{
	struct pollfd cancel = { .fd = source->cancel_fd, .events = POLLIN };

	return poll(&cancel, 1, wait_ms) > 0;
}

static int cancelled(struct error *err)
{
	return error_set(err, ERR_UNAVAILABLE, "the fetch of the context was ended");
}

static int on_data(const char *data, size_t len, void *arg)
{
	struct fetch *fetch = arg;

	while (len > 0) {
		ssize_t done = pwrite(fetch->fd, data, len, fetch->have_bytes);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0) {
			fetch->is_disk_full = errno == ENOSPC || errno == EDQUOT;
			return -1;
		}
		data += done;
		len -= (size_t)done;
		fetch->have_bytes += done;
	}
	fetch->moved_ms = monotonic_ms();
	return 0;
}

static int status_fail(const struct fetch *fetch, long status, struct error *err)
{
	enum err_code code = status == 404 ? ERR_NOT_FOUND : status == 401 || status == 403 ? ERR_DENIED : ERR_UNAVAILABLE;

	return error_set(err, code, "the coordinator answers %ld for context %s", status, fetch->source->digest);
}

/* One request for what is missing. 1: it broke off, or the coordinator is not well: again. */
static int request(struct fetch *fetch, struct error *err)
{
	const struct context_source *source = fetch->source;
	CLEANUP(http_response_clear) struct http_response response = { 0 };
	char url[512], range[64], content_range[64] = "";
	const char *const headers[] = { fetch->have_bytes > 0 ? range : NULL, NULL };
	int64_t begun_bytes = fetch->have_bytes;
	struct http_request call = { .url = url, .headers = headers, .bearer = source->token, .ca_file = source->ca_file,
				     .on_data = on_data, .arg = fetch };
	int rc;

	snprintf(url, sizeof(url), "%.300s/v1/contexts/%s", source->front_url, source->digest);
	snprintf(range, sizeof(range), "Range: bytes=%" PRId64 "-", fetch->have_bytes);
	rc = http_call(source->http, &call, &response, err);
	if (fetch->is_disk_full)
		return error_set(err, ERR_FULL, "the disk is full: the context cannot be kept in %.300s", fetch->dir);
	if (rc < 0)
		return err->code == ERR_UNAVAILABLE ? 1 : -1;
	/* A server that gives everything again has written behind what we had. */
	if (begun_bytes > 0 && (response.status == 200 || response.status == 416 ||
				!http_header(&response, "Content-Range", content_range, sizeof(content_range)))) {
		fetch->have_bytes = 0;
		if (ftruncate(fetch->fd, 0) < 0)
			return error_set(err, ERR_IO, "%s: %s", fetch->part, strerror(errno));
		return response.status == 200 || response.status == 416 || response.status >= 500 ? 1 : status_fail(fetch, response.status, err);
	}
	if (response.status == 200 || response.status == 206)
		return 0;
	status_fail(fetch, response.status, err);
	return err->code == ERR_UNAVAILABLE ? 1 : -1;
}

static int download(struct fetch *fetch, struct error *err)
{
	int limit_s = fetch->source->away_limit_s > 0 ? fetch->source->away_limit_s : CONTEXT_AWAY_LIMIT_S;
	int wait_ms = BREAK_WAIT_MS, rc;

	fetch->moved_ms = monotonic_ms();
	while ((rc = request(fetch, err)) == 1) {
		if (monotonic_ms() - fetch->moved_ms > (int64_t)limit_s * 1000)
			return error_set(err, ERR_UNAVAILABLE, "the coordinator gave no byte of the context for %d s", limit_s);
		if (is_cancelled(fetch->source, wait_ms))
			return cancelled(err);
		wait_ms = wait_ms * 2 > BREAK_WAIT_MAX_MS ? BREAK_WAIT_MAX_MS : wait_ms * 2;
	}
	return rc;
}

/* Under the lock on the part: fetches it unless another has done so meanwhile. */
static int complete(struct fetch *fetch, struct error *err)
{
	char digest[DIGEST_TEXT_MAX];
	struct stat st;

	for (int tries = 0; access(fetch->tar, R_OK) < 0; tries++) {
		if (fstat(fetch->fd, &st) < 0)
			return error_set(err, ERR_IO, "%s: %s", fetch->part, strerror(errno));
		fetch->have_bytes = st.st_size;
		if (download(fetch, err) < 0)
			return -1;
		if (digest_of_fd(fetch->fd, digest, NULL, err) < 0)
			return -1;
		if (strcmp(digest, fetch->source->digest) == 0) {
			if (fdatasync(fetch->fd) < 0 || rename(fetch->part, fetch->tar) < 0)
				return error_set(err, ERR_IO, "%s: %s", fetch->tar, strerror(errno));
			return 0;
		}
		if (ftruncate(fetch->fd, 0) < 0 || tries > 0)
			return error_set(err, ERR_IO, "what came as context %s has the digest %s", fetch->source->digest, digest);
	}
	return 0;
}

/* The part, locked. Another's part may become its tar while we wait: then the name is no longer this file. */
static int part_lock(struct fetch *fetch, struct error *err)
{
	for (;;) {
		struct stat own, named;

		fetch->fd = open(fetch->part, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		if (fetch->fd < 0)
			return error_set(err, errno == ENOSPC ? ERR_FULL : ERR_IO, "%s: %s", fetch->part, strerror(errno));
		while (flock(fetch->fd, LOCK_EX | LOCK_NB) < 0) {
			if (is_cancelled(fetch->source, LOCK_POLL_MS))
				return cancelled(err);
		}
		if (access(fetch->tar, R_OK) == 0 ||
		    (fstat(fetch->fd, &own) == 0 && stat(fetch->part, &named) == 0 && own.st_ino == named.st_ino))
			return 0;
		close(fetch->fd);
	}
}

/* The file longest unused, when together they are too many bytes; 1 when there is none to remove. */
static int cache_trim_one(const char *dir, const char *spared)
{
	DIR *list = opendir(dir);
	char oldest[300] = "";
	struct timespec oldest_time = { 0 };
	int64_t sum = 0;
	struct dirent *entry;
	bool is_too_much;

	while (list && (entry = readdir(list))) {
		struct stat st;

		if (fstatat(dirfd(list), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
			continue;
		sum += st.st_size;
		if (strcmp(entry->d_name, spared) != 0 && (!oldest[0] || st.st_mtim.tv_sec < oldest_time.tv_sec)) {
			snprintf(oldest, sizeof(oldest), "%s", entry->d_name);
			oldest_time = st.st_mtim;
		}
	}
	is_too_much = sum > CONTEXT_CACHE_MAX_BYTES && oldest[0];
	if (is_too_much)
		unlinkat(dirfd(list), oldest, 0);
	if (list)
		closedir(list);
	return is_too_much ? 0 : 1;
}

static int tar_open(const struct fetch *fetch, int *ret_fd, struct error *err)
{
	int fd = open(fetch->tar, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? 1 : error_set(err, ERR_IO, "%s: %s", fetch->tar, strerror(errno));
	futimens(fd, NULL); /* used now */
	*ret_fd = fd;
	return 0;
}

int context_fetch(const struct context_source *source, int *ret_fd, struct error *err)
{
	struct fetch fetch = { .source = source };
	CLEANUP(fd_close) int part_fd = -1;
	const char *hex = source->digest + strlen("sha256:");
	int rc;

	if (!digest_is_valid(source->digest))
		return error_set(err, ERR_INVALID, "\"%.80s\" is no digest of a context", source->digest);
	snprintf(fetch.dir, sizeof(fetch.dir), "%.500s/contexts", source->state_dir);
	snprintf(fetch.part, sizeof(fetch.part), "%s/%s.part", fetch.dir, hex);
	snprintf(fetch.tar, sizeof(fetch.tar), "%s/%s.tar", fetch.dir, hex);
	if (dir_make_all(fetch.dir, err) < 0)
		return -1;
	rc = tar_open(&fetch, ret_fd, err);
	if (rc <= 0)
		return rc;
	rc = part_lock(&fetch, err);
	part_fd = fetch.fd;
	if (rc < 0 || complete(&fetch, err) < 0)
		return -1;
	rc = tar_open(&fetch, ret_fd, err);
	if (rc == 1)
		return error_set(err, ERR_IO, "%s was removed", fetch.tar);
	while (rc == 0 && cache_trim_one(fetch.dir, strrchr(fetch.tar, '/') + 1) == 0)
		;
	return rc;
}
