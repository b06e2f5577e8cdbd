/* SPDX-License-Identifier: Apache-2.0 */
/* Small things with files that several parts of the worker do. Any thread. */
#ifndef WORKER_FILES_H
#define WORKER_FILES_H

#include <stddef.h>

#include "common/buf.h"
#include "common/error.h"

/* With all its parents; mode 0700 for those that are new. */
int dir_make_all(const char *path, struct error *err);

/* With everything in it, following no link. What cannot be removed stays. */
void dir_remove_all(int dir_fd, const char *name);

/* Truncates; mode 0600. Not durable. ERR_FULL, ERR_IO. */
int file_write_text(const char *path, const char *text, struct error *err);

/* A plain file of at most max bytes, appended to text. ERR_NOT_FOUND, ERR_INVALID, ERR_IO. */
int file_read_text(const char *path, size_t max, struct buf *text, struct error *err);

#endif
