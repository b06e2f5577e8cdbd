/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/core/text.h"

#include <stdio.h>
#include <string.h>

/* Drops the bytes of a last character that was cut. */
static void text_trim(char *text)
{
	size_t len = strlen(text), tail = 0, want;
	unsigned char first;

	while (tail < len && tail < 4 && ((unsigned char)text[len - 1 - tail] & 0xc0) == 0x80)
		tail++;
	if (tail == len || tail == 4)
		return;
	first = (unsigned char)text[len - 1 - tail];
	want = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc0 ? 1 : 0;
	if (tail < want)
		text[len - 1 - tail] = '\0';
}

void text_vformat(char *dst, size_t size, const char *fmt, va_list args)
{
	int len = vsnprintf(dst, size, fmt, args);

	if (len < 0)
		dst[0] = '\0';
	else if ((size_t)len >= size)
		text_trim(dst);
}

void text_format(char *dst, size_t size, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	text_vformat(dst, size, fmt, args);
	va_end(args);
}

void text_clock(char dst[TEXT_CLOCK_MAX], int64_t wall_ms)
{
	int seconds = (int)((wall_ms / 1000 % 86400 + 86400) % 86400);

	text_format(dst, TEXT_CLOCK_MAX, "%02d:%02d:%02d UTC", seconds / 3600, seconds / 60 % 60, seconds % 60);
}
