/* SPDX-License-Identifier: Apache-2.0 */
/* Sentences in fixed arrays: what does not fit is cut, never inside a UTF-8 character. */
#ifndef COORDINATOR_CORE_TEXT_H
#define COORDINATOR_CORE_TEXT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

void text_format(char *dst, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void text_vformat(char *dst, size_t size, const char *fmt, va_list args) __attribute__((format(printf, 3, 0)));

/* "12:03:10 UTC" of a wall clock time. */
#define TEXT_CLOCK_MAX 16
void text_clock(char dst[TEXT_CLOCK_MAX], int64_t wall_ms);

#endif
