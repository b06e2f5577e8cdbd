/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing byte buffer that always ends in a NUL (not counted in len).
 * Memory running out while one grows ends the process: a caller that must
 * survive a large size checks its limit before it appends.
 */
#ifndef COMMON_BUF_H
#define COMMON_BUF_H

#include <stddef.h>

#include "common/cleanup.h"

struct buf {
	char *data; /* NULL until something is appended */
	size_t len;
	size_t cap;
};

void buf_append(struct buf *buf, const void *data, size_t len);
void buf_puts(struct buf *buf, const char *text);
void buf_printf(struct buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The text so far, "" when empty; valid until the next change. */
const char *buf_text(const struct buf *buf);

/* Hands the memory on to the caller (free) and leaves the buffer empty; never NULL. */
char *buf_take(struct buf *buf);

/* Frees; the buffer is empty and may be used again. Fits CLEANUP(buf_clear). */
void buf_clear(struct buf *buf);

#endif
