/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/mem.h"

static void fd_close(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static int os_fail(const char *path, struct error *err)
{
	return error_set(err, errno == ENOSPC || errno == EDQUOT ? ERR_FULL : errno == ENOENT ? ERR_NOT_FOUND : ERR_IO,
			 "%.300s: %s", path, strerror(errno));
}

int dir_make_all(const char *path, struct error *err)
{
	CLEANUP(mem_freep) char *copy = mem_strdup(path);

	for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(copy, 0700) < 0 && errno != EEXIST)
			return os_fail(copy, err);
		*slash = '/';
	}
	return mkdir(copy, 0700) < 0 && errno != EEXIST ? os_fail(copy, err) : 0;
}

/* Removes what is in the directory, which it takes and closes. */
static void dir_empty(int fd)
{
	DIR *dir = fdopendir(fd);
	struct dirent *entry;

	if (!dir) {
		close(fd);
		return;
	}
	while ((entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			dir_remove_all(dirfd(dir), entry->d_name);
	}
	closedir(dir);
}

void dir_remove_all(int dir_fd, const char *name)
{
	int fd;

	if (unlinkat(dir_fd, name, 0) == 0 || (errno != EISDIR && errno != EPERM))
		return;
	fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return;
	dir_empty(fd);
	unlinkat(dir_fd, name, AT_REMOVEDIR);
}

int file_write_text(const char *path, const char *text, struct error *err)
{
	CLEANUP(fd_close) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	size_t len = strlen(text);

	if (fd < 0)
		return os_fail(path, err);
	while (len > 0) {
		ssize_t done = write(fd, text, len);

		if (done < 0 && errno != EINTR)
			return os_fail(path, err);
		if (done > 0) {
			text += done;
			len -= (size_t)done;
		}
	}
	return 0;
}

int file_read_text(const char *path, size_t max, struct buf *text, struct error *err)
{
	CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char piece[16384];
	struct stat st;
	ssize_t got;

	if (fd < 0 || fstat(fd, &st) < 0)
		return os_fail(path, err);
	if (!S_ISREG(st.st_mode) || (size_t)st.st_size > max)
		return error_set(err, ERR_INVALID, "%.300s is no file of at most %zu bytes", path, max);
	while ((got = read(fd, piece, sizeof(piece))) > 0) {
		buf_append(text, piece, (size_t)got);
		if (text->len > max)
			return error_set(err, ERR_INVALID, "%.300s grew beyond %zu bytes", path, max);
	}
	return got < 0 ? os_fail(path, err) : 0;
}
