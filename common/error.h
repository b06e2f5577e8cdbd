/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a call failed: a code for programs, a sentence for people.
 *
 * A function that can fail takes `struct error *err` last and returns
 *    0   it did what its name says
 *   >0   an expected outcome, named in the header that declares it
 *   -1   it failed; *err is filled in and nothing was changed
 * *err is only written on -1. It never allocates, so it also works when memory is out.
 */
#ifndef COMMON_ERROR_H
#define COMMON_ERROR_H

#include <stddef.h>

/* A code exists because some caller acts on it. */
enum err_code {
	ERR_INTERNAL = 1, /* our bug, or one we cannot name better */
	ERR_INVALID,      /* the caller's input is wrong */
	ERR_NOT_FOUND,
	ERR_CONFLICT,     /* the thing is not in the state this needs */
	ERR_DENIED,       /* who asks may not do this */
	ERR_NO_MEMORY,
	ERR_IO,           /* file, socket, child process */
	ERR_DATABASE,
	ERR_FULL,         /* the disk; the same call may succeed later */
	ERR_UNAVAILABLE,  /* try again later */
};

struct error {
	enum err_code code;
	char msg[512];
};

/* Fills *err and returns -1, so that a caller can write `return error_set(...)`. */
int error_set(struct error *err, enum err_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "<context>: " before the message, keeps the code, returns -1. */
int error_wrap(struct error *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

const char *err_code_name(enum err_code code);

#endif
