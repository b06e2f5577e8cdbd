/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A context comes from whoever may submit builds: hostile input. Every path is walked component by
 * component from the target directory, following no symbolic link, so what is written stays in it.
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/context/context.h"
#include "common/mem.h"

#define DEPTH_MAX 1000

/* Modes and times of directories are set last: writing into one changes its time and may need its write bit. */
struct late_dir {
	struct late_dir *next;
	mode_t mode;
	int64_t mtime_s;
	char path[];
};

struct unpack {
	struct archive *archive;
	int dir_fd;
	const struct context_limits *limits;
	int64_t entry_count, size_bytes;
	struct late_dir *late;
	struct error *err;
};

static void fd_close(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static int refuse(struct unpack *unpack, const char *path, const char *why)
{
	return error_set(unpack->err, ERR_INVALID, "context entry \"%.200s\" %s", path, why);
}

static int os_fail(struct unpack *unpack, const char *path)
{
	switch (errno) {
	case EEXIST:
		return refuse(unpack, path, "appears twice");
	case ELOOP:
	case ENOTDIR:
		return refuse(unpack, path, "goes through something that is no directory");
	case ENAMETOOLONG:
		return refuse(unpack, path, "has a name that is too long");
	case ENOSPC:
	case EDQUOT:
		return error_set(unpack->err, ERR_FULL, "unpack the context: %s", strerror(errno));
	default:
		return error_set(unpack->err, ERR_IO, "unpack the context: %.200s: %s", path, strerror(errno));
	}
}

/* NULL when it is absolute, empty or leads up. "./a//b/" becomes "a/b", "./" becomes "". */
static char *path_normal(const char *path)
{
	char *normal = mem_alloc(strlen(path) + 1), *out = normal;

	if (path[0] == '/' || path[0] == '\0') {
		mem_free(normal);
		return NULL;
	}
	while (*path) {
		size_t len = strcspn(path, "/");

		if (len == 2 && path[0] == '.' && path[1] == '.') {
			mem_free(normal);
			return NULL;
		}
		if (len > 0 && !(len == 1 && path[0] == '.')) {
			if (out != normal)
				*out++ = '/';
			memcpy(out, path, len);
			out += len;
		}
		path += len + (path[len] == '/');
	}
	*out = '\0';
	return normal;
}

/* Opens the directory the path's last component is in, making what is missing. */
static int parent_open(struct unpack *unpack, char *path, const char **ret_name)
{
	int fd = fcntl(unpack->dir_fd, F_DUPFD_CLOEXEC, 0), depth = 0;
	char *name = path;

	for (char *slash = strchr(name, '/'); slash && fd >= 0; slash = strchr(name, '/')) {
		int below;

		*slash = '\0';
		if (mkdirat(fd, name, 0755) < 0 && errno != EEXIST)
			below = -1;
		else
			below = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		*slash = '/';
		name = slash + 1;
		if (++depth > DEPTH_MAX && below >= 0) {
			close(below);
			below = -1;
			errno = ENAMETOOLONG;
		}
		close(fd);
		fd = below;
	}
	*ret_name = name;
	return fd;
}

static int times_set(int dir_fd, const char *name, int64_t mtime_s)
{
	const struct timespec times[2] = { { .tv_sec = mtime_s }, { .tv_sec = mtime_s } };

	return utimensat(dir_fd, name, times, AT_SYMLINK_NOFOLLOW);
}

static int data_write(struct unpack *unpack, int fd, const char *path, int64_t size)
{
	const void *data;
	size_t len;
	int64_t offset;
	int rc;

	while ((rc = archive_read_data_block(unpack->archive, &data, &len, &offset)) == ARCHIVE_OK) {
		const char *at = data;

		if (offset < 0 || offset > size || (int64_t)len > size - offset)
			return refuse(unpack, path, "holds more than its header says");
		while (len > 0) {
			ssize_t done = pwrite(fd, at, len, offset);

			if (done < 0 && errno != EINTR)
				return os_fail(unpack, path);
			if (done < 0)
				continue;
			at += done;
			offset += done;
			len -= (size_t)done;
		}
	}
	if (rc != ARCHIVE_EOF)
		return refuse(unpack, path, "is cut short or damaged");
	return ftruncate(fd, size) < 0 ? os_fail(unpack, path) : 0;
}

static int file_unpack(struct unpack *unpack, struct archive_entry *entry, int dir_fd, const char *name)
{
	const char *path = archive_entry_pathname(entry);
	int64_t size = archive_entry_size(entry);
	CLEANUP(fd_close) int fd = -1;

	if (size < 0 || size > unpack->limits->size_max_bytes - unpack->size_bytes)
		return error_set(unpack->err, ERR_INVALID, "context entry \"%.200s\": the files are larger than the %lld bytes allowed",
				 path, (long long)unpack->limits->size_max_bytes);
	unpack->size_bytes += size;
	fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return os_fail(unpack, path);
	if (data_write(unpack, fd, path, size) < 0)
		return -1;
	if (fchmod(fd, archive_entry_perm(entry) & 07777) < 0 || times_set(dir_fd, name, archive_entry_mtime(entry)) < 0)
		return os_fail(unpack, path);
	return 0;
}

static int dir_unpack(struct unpack *unpack, struct archive_entry *entry, int dir_fd, const char *path)
{
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	struct late_dir *late;
	struct stat st;

	/* A directory may come after what is in it, or again; the top itself is the caller's. */
	if (path[0] == '\0')
		return 0;
	if (mkdirat(dir_fd, name, 0700) < 0 &&
	    (errno != EEXIST || fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode)))
		return os_fail(unpack, path);
	late = mem_alloc(sizeof(*late) + strlen(path) + 1);
	late->mode = archive_entry_perm(entry) & 07777;
	late->mtime_s = archive_entry_mtime(entry);
	memcpy(late->path, path, strlen(path) + 1);
	late->next = unpack->late;
	unpack->late = late;
	return 0;
}

static int link_unpack(struct unpack *unpack, struct archive_entry *entry, int dir_fd, const char *name)
{
	const char *target = archive_entry_symlink(entry);

	if (!target || target[0] == '\0')
		return refuse(unpack, archive_entry_pathname(entry), "is a symbolic link to nothing");
	if (symlinkat(target, dir_fd, name) < 0 || times_set(dir_fd, name, archive_entry_mtime(entry)) < 0)
		return os_fail(unpack, archive_entry_pathname(entry));
	return 0;
}

static int hardlink_unpack(struct unpack *unpack, struct archive_entry *entry, int dir_fd, const char *name)
{
	CLEANUP(mem_freep) char *target = path_normal(archive_entry_hardlink(entry));
	CLEANUP(fd_close) int target_fd = -1;
	const char *target_name;
	struct stat st;

	if (!target || target[0] == '\0')
		return refuse(unpack, archive_entry_pathname(entry), "is a hard link that leads out of the context");
	target_fd = parent_open(unpack, target, &target_name);
	if (target_fd < 0 || fstatat(target_fd, target_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
		return refuse(unpack, archive_entry_pathname(entry), "is a hard link to no file of the context");
	return linkat(target_fd, target_name, dir_fd, name, 0) < 0 ? os_fail(unpack, archive_entry_pathname(entry)) : 0;
}

static int entry_unpack(struct unpack *unpack, struct archive_entry *entry)
{
	const char *given = archive_entry_pathname(entry);
	CLEANUP(mem_freep) char *path = given ? path_normal(given) : NULL;
	CLEANUP(fd_close) int fd = -1;
	const char *name;

	if (!path)
		return refuse(unpack, given ? given : "", "is absolute, empty or leads up with \"..\"");
	if (++unpack->entry_count > unpack->limits->entries_max)
		return error_set(unpack->err, ERR_INVALID, "the context has more than the %lld entries allowed",
				 (long long)unpack->limits->entries_max);
	if (path[0] == '\0' && archive_entry_filetype(entry) != AE_IFDIR)
		return refuse(unpack, given, "names the context's own directory");
	fd = parent_open(unpack, path, &name);
	if (fd < 0)
		return os_fail(unpack, given);
	if (archive_entry_hardlink(entry))
		return hardlink_unpack(unpack, entry, fd, name);
	switch (archive_entry_filetype(entry)) {
	case AE_IFREG:
		return file_unpack(unpack, entry, fd, name);
	case AE_IFDIR:
		return dir_unpack(unpack, entry, fd, path);
	case AE_IFLNK:
		return link_unpack(unpack, entry, fd, name);
	default:
		return refuse(unpack, given, "is a device, socket or fifo");
	}
}

/* The last made first, so that a directory is done after those in it. */
static int late_apply(struct unpack *unpack)
{
	for (struct late_dir *late = unpack->late; late; late = late->next) {
		const char *name;
		CLEANUP(fd_close) int fd = parent_open(unpack, late->path, &name);
		CLEANUP(fd_close) int own = fd < 0 ? -1 : openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (own < 0 || fchmod(own, late->mode) < 0 || times_set(fd, name, late->mtime_s) < 0)
			return os_fail(unpack, late->path);
	}
	return 0;
}

static void unpack_clear(struct unpack *unpack)
{
	while (unpack->late) {
		struct late_dir *late = unpack->late;

		unpack->late = late->next;
		mem_free(late);
	}
	archive_read_free(unpack->archive);
}

int context_unpack(int fd, int dir_fd, const struct context_limits *limits, struct error *err)
{
	CLEANUP(unpack_clear) struct unpack unpack = { .dir_fd = dir_fd, .limits = limits, .err = err };
	struct archive_entry *entry;
	int rc;

	unpack.archive = archive_read_new();
	if (archive_read_support_format_tar(unpack.archive) != ARCHIVE_OK ||
	    archive_read_open_fd(unpack.archive, fd, 128 * 1024) != ARCHIVE_OK)
		return error_set(err, ERR_INVALID, "the context is no tar: %s", archive_error_string(unpack.archive));
	/* A warning is a name that the locale cannot show; its bytes are right all the same. */
	while ((rc = archive_read_next_header(unpack.archive, &entry)) == ARCHIVE_OK || rc == ARCHIVE_WARN) {
		if (entry_unpack(&unpack, entry) < 0)
			return -1;
	}
	if (rc != ARCHIVE_EOF)
		return error_set(err, ERR_INVALID, "the context's tar cannot be read: %s",
				 archive_error_string(unpack.archive));
	return late_apply(&unpack);
}
