/* SPDX-License-Identifier: Apache-2.0 */
/*
 * .dockerignore as BuildKit reads it: patterns in order, the last one that matches a path or one of
 * its parents decides, `!` brings back. Pure but for ignore_load, which reads one file.
 */
#ifndef COMMON_CONTEXT_IGNORE_H
#define COMMON_CONTEXT_IGNORE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/cleanup.h"
#include "common/error.h"

#define IGNORE_NAME_MAX 1024

struct ignore;

/* ERR_INVALID names the line and what is wrong with it. */
int ignore_parse(const char *text, size_t len, struct ignore **ret_ignore, struct error *err);
void ignore_free(struct ignore *ignore);
DEFINE_CLEANUP(struct ignore *, ignore_free)

/*
 * The one that counts for this Dockerfile: <dockerfile>.dockerignore, else .dockerignore, else one without
 * patterns. ret_name is the path of the file it came from, "" for none. ERR_INVALID, ERR_IO.
 */
int ignore_load(int dir_fd, const char *dockerfile, struct ignore **ret_ignore, char ret_name[IGNORE_NAME_MAX],
		struct error *err);

/* Is the path (relative, no "./") left out? Looks at its parents too. */
bool ignore_matches(const struct ignore *ignore, const char *path);

/*
 * The same for a walk from the top: parent is what the call for the parent directory wrote (NULL at the
 * top), own gets ignore_count() entries. Cheaper, and what BuildKit's walk does.
 */
size_t ignore_count(const struct ignore *ignore);
bool ignore_matches_below(const struct ignore *ignore, const char *path, const bool *parent, bool *own);

/* Could a `!` pattern bring something below this directory back? Otherwise a left out one need not be walked. */
bool ignore_may_bring_back(const struct ignore *ignore, const char *dir);

#endif
