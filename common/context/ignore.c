/* SPDX-License-Identifier: Apache-2.0 */
#include "common/context/ignore.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/context/pattern.h"
#include "common/mem.h"

#define FILE_MAX (1024 * 1024)
#define LINE_MAX_BYTES (64 * 1024)
#define PATTERNS_MAX 10000

struct line {
	struct pattern *pattern;
	bool is_exception; /* ! */
};

struct ignore {
	struct line *lines;
	size_t count;
	bool has_exceptions;
};

void ignore_free(struct ignore *ignore)
{
	if (!ignore)
		return;
	for (size_t i = 0; i < ignore->count; i++)
		pattern_free(ignore->lines[i].pattern);
	mem_free(ignore->lines);
	mem_free(ignore);
}

size_t ignore_count(const struct ignore *ignore)
{
	return ignore->count;
}

static char *trim(char *text)
{
	char *end = text + strlen(text);

	while (end > text && isspace((unsigned char)end[-1]))
		*--end = '\0';
	while (isspace((unsigned char)*text))
		text++;
	return text;
}

/* Go's filepath.Clean on "/" paths, in place: no empty or "." component, ".." eats its parent. */
static void path_clean(char *path)
{
	bool is_rooted = path[0] == '/';
	char *out = path + is_rooted, *floor = out; /* nothing before floor can be eaten */
	const char *in = path;

	while (*in) {
		size_t len = strcspn(in, "/");
		bool is_up = len == 2 && in[0] == '.' && in[1] == '.';

		if (is_up && out > floor) {
			while (out > floor && out[-1] != '/')
				out--;
			if (out > floor)
				out--;
		} else if (len > 0 && !(len == 1 && in[0] == '.') && !(is_up && is_rooted)) {
			if (out != path + is_rooted)
				*out++ = '/';
			memmove(out, in, len);
			out += len;
			if (is_up)
				floor = out;
		}
		in += len;
		in += *in == '/';
	}
	if (out == path)
		*out++ = '.';
	*out = '\0';
}

static int line_add(struct ignore *ignore, char *text, struct error *err)
{
	struct line line = { .is_exception = text[0] == '!' };

	if (line.is_exception)
		text = trim(text + 1);
	if (text[0] == '\0')
		return error_set(err, ERR_INVALID, "\"!\" alone excludes nothing: name what is to be kept");
	path_clean(text);
	if (text[0] == '/' && text[1] != '\0')
		text++;
	if (ignore->count == PATTERNS_MAX)
		return error_set(err, ERR_INVALID, "more than %d patterns", PATTERNS_MAX);
	if (pattern_new(text, &line.pattern, err) < 0)
		return error_wrap(err, "pattern \"%.100s\"", text);
	ignore->lines = mem_realloc(ignore->lines, (ignore->count + 1) * sizeof(*ignore->lines));
	ignore->lines[ignore->count++] = line;
	ignore->has_exceptions |= line.is_exception;
	return 0;
}

int ignore_parse(const char *text, size_t len, struct ignore **ret_ignore, struct error *err)
{
	CLEANUP(ignore_freep) struct ignore *ignore = mem_alloc(sizeof(*ignore));
	const char *end = text + len;

	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		text += 3;
	for (int number = 1; text < end; number++) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		size_t line_len = (size_t)((newline ? newline : end) - text);
		CLEANUP(mem_freep) char *line = NULL;
		char *trimmed;

		if (line_len > LINE_MAX_BYTES)
			return error_set(err, ERR_INVALID, "line %d is longer than 64 KiB", number);
		line = mem_strndup(text, line_len);
		trimmed = trim(line);
		if (text[0] != '#' && trimmed[0] && line_add(ignore, trimmed, err) < 0)
			return error_wrap(err, "line %d", number);
		text += line_len + 1;
	}
	*ret_ignore = TAKE(ignore);
	return 0;
}

static void fd_close(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* 1: there is no such file. */
static int file_read(int dir_fd, const char *name, struct buf *text, struct error *err)
{
	CLEANUP(fd_close) int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	char piece[16384];
	ssize_t got;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 1;
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set(err, ERR_IO, "%s: %s", name, strerror(errno));
	if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX)
		return error_set(err, ERR_INVALID, "%s: is no file of at most 1 MiB", name);
	while ((got = read(fd, piece, sizeof(piece))) > 0 && text->len <= FILE_MAX)
		buf_append(text, piece, (size_t)got);
	if (got < 0)
		return error_set(err, ERR_IO, "%s: %s", name, strerror(errno));
	return 0;
}

int ignore_load(int dir_fd, const char *dockerfile, struct ignore **ret_ignore, char ret_name[IGNORE_NAME_MAX],
		struct error *err)
{
	CLEANUP(buf_clear) struct buf text = { 0 };
	char name[IGNORE_NAME_MAX];
	int rc, len = snprintf(name, sizeof(name), "%s.dockerignore", dockerfile);

	if (len < 0 || len >= (int)sizeof(name))
		return error_set(err, ERR_INVALID, "the Dockerfile's path is longer than %d bytes", IGNORE_NAME_MAX);
	rc = file_read(dir_fd, name, &text, err);
	if (rc == 1) {
		text_copy(name, sizeof(name), ".dockerignore");
		rc = file_read(dir_fd, name, &text, err);
	}
	if (rc < 0)
		return -1;
	if (ignore_parse(buf_text(&text), text.len, ret_ignore, err) < 0)
		return error_wrap(err, "%s", name);
	text_copy(ret_name, IGNORE_NAME_MAX, rc == 1 ? "" : name);
	return 0;
}

/* Without the parent's results: does the pattern match one of the path's parents? */
static bool parent_matches(const struct pattern *pattern, const char *path)
{
	CLEANUP(mem_freep) char *parent = mem_strdup(path);

	for (char *slash = strchr(parent, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (pattern_matches(pattern, parent))
			return true;
		*slash = '/';
	}
	return false;
}

bool ignore_matches_below(const struct ignore *ignore, const char *path, const bool *parent, bool *own)
{
	bool is_left_out = false;

	for (size_t i = 0; i < ignore->count; i++) {
		const struct line *line = &ignore->lines[i];

		own[i] = parent && parent[i];
		/* A pattern that could not change the verdict is not looked at, and its bit stays off: so BuildKit. */
		if (!own[i] && line->is_exception != is_left_out)
			continue;
		if (!own[i])
			own[i] = pattern_matches(line->pattern, path) ||
				 (!parent && parent_matches(line->pattern, path));
		if (own[i])
			is_left_out = !line->is_exception;
	}
	return is_left_out;
}

bool ignore_matches(const struct ignore *ignore, const char *path)
{
	CLEANUP(mem_freep) bool *own = mem_alloc(ignore->count);

	return ignore_matches_below(ignore, path, NULL, own);
}

bool ignore_may_bring_back(const struct ignore *ignore, const char *dir)
{
	size_t len = strlen(dir);

	if (!ignore->has_exceptions)
		return false;
	for (size_t i = 0; i < ignore->count; i++) {
		const struct pattern *pattern = ignore->lines[i].pattern;
		const char *text = pattern_text(pattern);

		if (!ignore->lines[i].is_exception)
			continue;
		if (!pattern_is_literal(pattern) || (strncmp(text, dir, len) == 0 && text[len] == '/'))
			return true;
	}
	return false;
}
