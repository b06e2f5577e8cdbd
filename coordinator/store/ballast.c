/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/store/ballast.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/fault.h"

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

int ballast_init(struct ballast *ballast, const char *dir, int64_t size_bytes, struct error *err)
{
	memset(ballast, 0, sizeof(*ballast));
	ballast->size_bytes = size_bytes;
	if (snprintf(ballast->path, sizeof(ballast->path), "%s/ballast", dir) >= (int)sizeof(ballast->path))
		return error_set(err, ERR_INVALID, "data folder: the name is too long");
	return 0;
}

static bool has_room(int fd, int64_t missing_bytes)
{
	struct statvfs fs;

	/* Else filling it would itself make the disk full, and it would come and go. */
	return fstatvfs(fd, &fs) == 0 && (int64_t)(fs.f_bavail * fs.f_frsize) >= 2 * missing_bytes;
}

int ballast_fill(struct ballast *ballast, struct error *err)
{
	CLEANUP(close_fd) int fd = -1;
	struct stat st;
	int why;

	if (ballast->is_whole || ballast->size_bytes <= 0)
		return 0;
	fd = FAULT() ? (errno = EIO, -1) : open(ballast->path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0 && errno == ENOSPC)
		return BALLAST_NO_ROOM;
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set(err, ERR_IO, "open %s: %s", ballast->path, strerror(errno));
	/* st_blocks, not st_size: a hole is no ballast. */
	if (!has_room(fd, ballast->size_bytes - st.st_blocks * 512))
		return BALLAST_NO_ROOM;
	do
		why = posix_fallocate(fd, 0, ballast->size_bytes);
	while (why == EINTR);
	if (why == ENOSPC || why == EDQUOT)
		return BALLAST_NO_ROOM;
	if (why != 0)
		return error_set(err, ERR_IO, "fill %s: %s", ballast->path, strerror(why));
	if (st.st_size > ballast->size_bytes && ftruncate(fd, ballast->size_bytes) < 0)
		return error_set(err, ERR_IO, "shorten %s: %s", ballast->path, strerror(errno));
	ballast->is_whole = true;
	return 0;
}

bool ballast_free(struct ballast *ballast)
{
	struct stat st;
	bool had = stat(ballast->path, &st) == 0 && st.st_blocks > 0;

	unlink(ballast->path);
	ballast->is_whole = false;
	return had;
}
