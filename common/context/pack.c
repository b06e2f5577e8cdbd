/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk goes by directory descriptors, each directory's names sorted by bytes, a directory before
 * what is in it. A directory that is left out is written only when something in it is not.
 */
#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/context/context.h"
#include "common/context/ignore.h"
#include "common/mem.h"

#define DEPTH_MAX 200
#define PATH_MAX_BYTES 4000
#define PIECE (128 * 1024)

struct pack {
	const struct context_options *options;
	struct archive *archive;
	struct ignore *ignore;
	char ignore_name[IGNORE_NAME_MAX];
	bool is_time_set;
	int64_t time_s;
	mode_t mode_mask; /* off in a checkout, where the umask put them */
	struct digest_state *digest;
	struct context_summary summary;
	char *piece;
	bool has_data_failed; /* *err says why */
	struct error *err;
};

/* A directory being walked. */
struct level {
	struct level *parent;
	int fd;
	int depth;
	const char *path; /* "" at the top */
	struct stat st;
	bool is_left_out, is_written;
	const bool *matches; /* of the ignore patterns; NULL at the top */
};

static void fd_close(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static void warn(const struct pack *pack, const char *path, const char *what)
{
	char text[PATH_MAX_BYTES + 100];

	if (!pack->options->on_warning)
		return;
	snprintf(text, sizeof(text), "%s: %s", path, what);
	pack->options->on_warning(text, pack->options->arg);
}

static la_ssize_t on_archive_data(struct archive *archive, void *arg, const void *data, size_t len)
{
	struct pack *pack = arg;

	if (pack->options->on_data(data, len, pack->options->arg, pack->err) < 0) {
		archive_set_error(archive, EIO, "%s", pack->err->msg);
		pack->has_data_failed = true;
		return -1;
	}
	digest_update(pack->digest, data, len);
	pack->summary.size_bytes += (int64_t)len;
	return (la_ssize_t)len;
}

static int archive_fail(struct pack *pack, const char *path)
{
	const char *why = archive_error_string(pack->archive);

	if (pack->has_data_failed)
		return -1;
	return error_set(pack->err, ERR_IO, "%s: cannot be written to the context: %s", path, why ? why : "no reason given");
}

static void entry_freep(struct archive_entry **entry)
{
	archive_entry_free(*entry);
}

static int header_write(struct pack *pack, const char *path, const struct stat *st, const char *link)
{
	CLEANUP(entry_freep) struct archive_entry *entry = archive_entry_new();

	archive_entry_set_pathname(entry, path);
	archive_entry_set_filetype(entry, st->st_mode & S_IFMT);
	archive_entry_set_perm(entry, S_ISLNK(st->st_mode) ? 0777 : st->st_mode & 07777 & ~pack->mode_mask);
	archive_entry_set_size(entry, S_ISREG(st->st_mode) ? st->st_size : 0);
	archive_entry_set_mtime(entry, pack->is_time_set ? pack->time_s : st->st_mtim.tv_sec, 0);
	archive_entry_set_uid(entry, 0);
	archive_entry_set_gid(entry, 0);
	if (link)
		archive_entry_set_symlink(entry, link);
	/* A warning is a name it could not translate: nothing is translated, names are bytes. */
	if (archive_write_header(pack->archive, entry) < ARCHIVE_WARN)
		return archive_fail(pack, path);
	pack->summary.entry_count++;
	return 0;
}

static int parents_write(struct pack *pack, struct level *level)
{
	if (!level->parent || level->is_written)
		return 0;
	if (parents_write(pack, level->parent) < 0)
		return -1;
	level->is_written = true;
	return header_write(pack, level->path, &level->st, NULL);
}

static int file_write(struct pack *pack, const struct level *level, const char *name, const char *path)
{
	CLEANUP(fd_close) int fd = openat(level->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	int64_t left;
	struct stat st;
	ssize_t got = 0;

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set(pack->err, ERR_IO, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return error_set(pack->err, ERR_CONFLICT, "%s changed while the context was read", path);
	if (header_write(pack, path, &st, NULL) < 0)
		return -1;
	for (left = st.st_size; left > 0; left -= got) {
		got = read(fd, pack->piece, left < PIECE ? (size_t)left : PIECE);
		if (got < 0)
			return error_set(pack->err, ERR_IO, "%s: %s", path, strerror(errno));
		if (got == 0)
			break;
		if (archive_write_data(pack->archive, pack->piece, (size_t)got) < 0)
			return archive_fail(pack, path);
	}
	if (left > 0 || read(fd, pack->piece, 1) != 0)
		return error_set(pack->err, ERR_CONFLICT, "%s changed its size while the context was read", path);
	return 0;
}

static int link_write(struct pack *pack, const struct level *level, const char *name, const char *path)
{
	char target[PATH_MAX];
	struct stat st;
	ssize_t len = readlinkat(level->fd, name, target, sizeof(target) - 1);

	if (len < 0 || fstatat(level->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_set(pack->err, ERR_IO, "%s: %s", path, strerror(errno));
	target[len] = '\0';
	return header_write(pack, path, &st, target);
}

/* The Dockerfile and the ignore file are sent whatever the patterns say, and so the way to them is walked. */
static bool is_needed(const struct pack *pack, const char *path)
{
	return strcmp(path, pack->options->dockerfile) == 0 || strcmp(path, pack->ignore_name) == 0;
}

static bool is_above_needed(const struct pack *pack, const char *path)
{
	size_t len = strlen(path);

	return (strncmp(pack->options->dockerfile, path, len) == 0 && pack->options->dockerfile[len] == '/') ||
	       (strncmp(pack->ignore_name, path, len) == 0 && pack->ignore_name[len] == '/');
}

static int level_walk(struct pack *pack, struct level *level);

static int dir_write(struct pack *pack, const char *name, struct level *level)
{
	CLEANUP(fd_close) int fd = -1;

	if (level->is_left_out && !ignore_may_bring_back(pack->ignore, level->path) && !is_above_needed(pack, level->path))
		return 0;
	fd = openat(level->parent->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return error_set(pack->err, ERR_IO, "%s: %s", level->path, strerror(errno));
	level->fd = fd;
	if (!level->is_left_out && parents_write(pack, level) < 0)
		return -1;
	return level_walk(pack, level);
}

static int entry_write(struct pack *pack, struct level *level, const char *name)
{
	CLEANUP(mem_freep) bool *matches = mem_alloc(ignore_count(pack->ignore) + 1);
	char path[PATH_MAX_BYTES];
	int len = snprintf(path, sizeof(path), "%s%s%s", level->path, level->path[0] ? "/" : "", name);
	struct stat st;
	bool is_left_out;

	if (len < 0 || len >= PATH_MAX_BYTES)
		return error_set(pack->err, ERR_INVALID, "%.60s...: a path of more than %d bytes", path, PATH_MAX_BYTES);
	if (fstatat(level->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_set(pack->err, ERR_IO, "%s: %s", path, strerror(errno));
	is_left_out = ignore_matches_below(pack->ignore, path, level->matches, matches) && !is_needed(pack, path);
	if (S_ISDIR(st.st_mode)) {
		struct level below = { .parent = level, .depth = level->depth + 1, .path = path, .st = st,
				       .is_left_out = is_left_out, .matches = matches };

		return dir_write(pack, name, &below);
	}
	if (is_left_out)
		return 0;
	if (!S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode)) {
		warn(pack, path, "left out: a context holds files, directories and symbolic links");
		return 0;
	}
	if (parents_write(pack, level) < 0)
		return -1;
	return S_ISREG(st.st_mode) ? file_write(pack, level, name, path) : link_write(pack, level, name, path);
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_no_dot(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static int level_walk(struct pack *pack, struct level *level)
{
	struct dirent **names = NULL;
	int count, rc = 0;

	if (level->depth > DEPTH_MAX)
		return error_set(pack->err, ERR_INVALID, "%s: more than %d directories deep", level->path, DEPTH_MAX);
	count = scandirat(level->fd, ".", &names, is_no_dot, by_bytes);
	if (count < 0)
		return error_set(pack->err, ERR_IO, "%s: %s", level->path[0] ? level->path : pack->options->dir,
				 strerror(errno));
	for (int i = 0; i < count; i++) {
		if (rc == 0)
			rc = entry_write(pack, level, names[i]->d_name);
		mem_free(names[i]);
	}
	mem_free(names);
	return rc;
}

static int archive_start(struct pack *pack)
{
	/* Names are bytes whatever the locale is; every block is full but the last. */
	if (archive_write_set_format_pax_restricted(pack->archive) != ARCHIVE_OK ||
	    archive_write_set_options(pack->archive, "hdrcharset=BINARY") != ARCHIVE_OK ||
	    archive_write_set_bytes_per_block(pack->archive, 65536) != ARCHIVE_OK ||
	    archive_write_set_bytes_in_last_block(pack->archive, 512) != ARCHIVE_OK ||
	    archive_write_open(pack->archive, pack, NULL, on_archive_data, NULL) != ARCHIVE_OK)
		return archive_fail(pack, pack->options->dir);
	return 0;
}

static void pack_clear(struct pack *pack)
{
	/* What was not closed is not to be written to the end either. */
	if (pack->archive)
		archive_write_fail(pack->archive);
	archive_write_free(pack->archive);
	digest_free(pack->digest);
	ignore_free(pack->ignore);
	mem_free(pack->piece);
}

static int pack_prepare(struct pack *pack, int dir_fd)
{
	const char *dockerfile = pack->options->dockerfile;
	struct stat st;
	int time_kind;

	if (fstatat(dir_fd, dockerfile, &st, 0) < 0)
		return error_set(pack->err, ERR_NOT_FOUND, "no Dockerfile at %s/%s: %s", pack->options->dir, dockerfile,
				 strerror(errno));
	if (ignore_load(dir_fd, dockerfile, &pack->ignore, pack->ignore_name, pack->err) < 0)
		return -1;
	time_kind = context_time(pack->options, &pack->time_s, pack->err);
	if (time_kind < 0)
		return -1;
	pack->is_time_set = time_kind != 0;
	pack->mode_mask = time_kind == CONTEXT_TIME_COMMIT ? 022 : 0;
	return archive_start(pack);
}

int context_stream(const struct context_options *options, struct context_summary *ret_summary, struct error *err)
{
	CLEANUP(fd_close) int fd = open(options->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP(pack_clear) struct pack pack = { .options = options, .err = err };
	struct level top = { .fd = fd, .path = "" };

	if (fd < 0)
		return error_set(err, errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND : ERR_IO,
				 "context %s: %s", options->dir, strerror(errno));
	pack.archive = archive_write_new();
	pack.digest = digest_new();
	pack.piece = mem_alloc(PIECE);
	if (pack_prepare(&pack, fd) < 0 || level_walk(&pack, &top) < 0)
		return -1;
	if (archive_write_close(pack.archive) != ARCHIVE_OK)
		return archive_fail(&pack, options->dir);
	digest_final(pack.digest, pack.summary.digest);
	*ret_summary = pack.summary;
	return 0;
}

struct to_fd {
	const struct context_options *options;
	int fd;
};

static int on_fd_data(const void *data, size_t len, void *arg, struct error *err)
{
	const struct to_fd *to = arg;
	const char *at = data;

	while (len > 0) {
		ssize_t done = write(to->fd, at, len);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return error_set(err, errno == ENOSPC || errno == EDQUOT ? ERR_FULL : ERR_IO,
					 "write the context: %s", strerror(errno));
		at += done;
		len -= (size_t)done;
	}
	return 0;
}

static void on_fd_warning(const char *text, void *arg)
{
	const struct to_fd *to = arg;

	if (to->options->on_warning)
		to->options->on_warning(text, to->options->arg);
}

int context_pack(const struct context_options *options, int fd, struct context_summary *ret_summary, struct error *err)
{
	struct to_fd to = { options, fd };
	struct context_options own = *options;

	own.on_data = on_fd_data;
	own.on_warning = on_fd_warning;
	own.arg = &to;
	return context_stream(&own, ret_summary, err);
}
