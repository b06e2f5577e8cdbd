/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory where running out of it ends the process, saying so. For what is small
 * and bounded by a limit checked before; whoever handles sizes that come from
 * outside uses malloc and an error instead.
 */
#ifndef COMMON_MEM_H
#define COMMON_MEM_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/cleanup.h"

void *mem_alloc(size_t size);              /* zeroed */
void *mem_realloc(void *ptr, size_t size);
char *mem_strdup(const char *text);        /* NULL gives NULL */
char *mem_strndup(const char *text, size_t len);

static inline void mem_free(void *ptr)
{
	free(ptr);
}

/* CLEANUP(mem_freep) char *x: freed at the end of the scope. */
static inline void mem_freep(void *pointer_to_pointer)
{
	free(*(void **)pointer_to_pointer);
}

/* CLEANUP(file_closep) FILE *x, CLEANUP(fd_closep) int x (-1: none): closed at the end of the scope. */
static inline void file_closep(FILE **file)
{
	if (*file)
		fclose(*file);
}

static inline void fd_closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* Copies text into a fixed array; returns 0, or -1 when it does not fit (dst is then ""). */
int text_copy(char *dst, size_t size, const char *text);

#endif
