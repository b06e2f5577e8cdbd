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
#include "common/mem.h"

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

int ballast_init(struct ballast *ballast, const char *dir, int64_t size_bytes, struct error *err)
{
	memset(ballast, 0, sizeof(*ballast));
	ballast->size_bytes = size_bytes;
	if (text_copy(ballast->dir, sizeof(ballast->dir), dir) < 0)
		return error_set(err, ERR_INVALID, "data folder: the name is too long");
	snprintf(ballast->path, sizeof(ballast->path), "%s/ballast", dir);
	return 0;
}

/* Else filling it would itself make the disk full, and it would come and go. */
static bool has_room(const struct ballast *ballast)
{
	struct statvfs fs;
	struct stat st;
	/* st_blocks, not st_size: a hole is no ballast. */
	int64_t have = stat(ballast->path, &st) == 0 ? (int64_t)st.st_blocks * 512 : 0;

	return statvfs(ballast->dir, &fs) == 0 &&
	       (int64_t)(fs.f_bavail * fs.f_frsize) >= 2 * (ballast->size_bytes - have);
}

static int allocate(int fd, int64_t size_bytes)
{
	int why;

	do
		why = FAULT() ? EIO : posix_fallocate(fd, 0, size_bytes);
	while (why == EINTR);
	if (why == 0 && ftruncate(fd, size_bytes) < 0)
		why = errno;
	return why;
}

int ballast_fill(struct ballast *ballast, struct error *err)
{
	CLEANUP(close_fd) int fd = -1;
	int why;

	if (ballast->is_whole || ballast->size_bytes <= 0)
		return 0;
	if (!has_room(ballast))
		return BALLAST_NO_ROOM;
	fd = FAULT() ? (errno = EIO, -1) : open(ballast->path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	why = fd < 0 ? errno : allocate(fd, ballast->size_bytes);
	if (why == ENOSPC || why == EDQUOT)
		return BALLAST_NO_ROOM;
	if (why != 0)
		return error_set(err, ERR_IO, "make %s: %s", ballast->path, strerror(why));
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
