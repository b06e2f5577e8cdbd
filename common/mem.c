/* SPDX-License-Identifier: Apache-2.0 */
#include "common/mem.h"

#include <stdio.h>
#include <string.h>

static void *or_die(void *ptr)
{
	if (ptr)
		return ptr;
	fputs("out of memory\n", stderr);
	abort();
}

void *mem_alloc(size_t size)
{
	return or_die(calloc(1, size ? size : 1));
}

void *mem_realloc(void *ptr, size_t size)
{
	return or_die(realloc(ptr, size ? size : 1));
}

char *mem_strdup(const char *text)
{
	return text ? or_die(strdup(text)) : NULL;
}

char *mem_strndup(const char *text, size_t len)
{
	return or_die(strndup(text, len));
}

int text_copy(char *dst, size_t size, const char *text)
{
	size_t len = strlen(text);

	if (len >= size) {
		dst[0] = '\0';
		return -1;
	}
	memcpy(dst, text, len + 1);
	return 0;
}
