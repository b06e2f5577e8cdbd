/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A context: the files a build reads, as one canonical tar. Sorted by bytes, owner 0:0, no user
 * names, no extended attributes; modification times are SOURCE_DATE_EPOCH, or the commit's in a clean
 * git checkout, else kept to the second: two checkouts of one commit are one context. What
 * .dockerignore leaves out is not in it, but for the Dockerfile and the ignore file themselves.
 */
#ifndef COMMON_CONTEXT_CONTEXT_H
#define COMMON_CONTEXT_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/oci/digest.h"

struct context_options {
	const char *dir;
	const char *dockerfile; /* path inside dir */
	/* A socket, fifo or device was left out, and the like. NULL: not wanted. */
	void (*on_warning)(const char *text, void *arg);
	/* context_stream's bytes; on -1 *err is filled in by it. */
	int (*on_data)(const void *data, size_t len, void *arg, struct error *err);
	void *arg;
};

struct context_summary {
	char digest[DIGEST_TEXT_MAX]; /* of the tar, uncompressed */
	int64_t size_bytes;           /* of the tar */
	int64_t entry_count;
};

/* ERR_NOT_FOUND: no such dir or Dockerfile; ERR_INVALID: .dockerignore; ERR_CONFLICT: a file changed meanwhile; ERR_IO. */
int context_stream(const struct context_options *options, struct context_summary *ret_summary, struct error *err);

/* Writes it to fd from where that stands. on_data is not used. ERR_FULL when the disk is. */
int context_pack(const struct context_options *options, int fd, struct context_summary *ret_summary, struct error *err);

/* 1: SOURCE_DATE_EPOCH is set. 2: clean git checkout, its commit's time. 0: neither. ERR_INVALID: not a number. */
#define CONTEXT_TIME_EPOCH 1
#define CONTEXT_TIME_COMMIT 2
int context_time(const struct context_options *options, int64_t *ret_time_s, struct error *err);

struct context_limits {
	int64_t entries_max;
	int64_t size_max_bytes; /* of all files together */
};

/*
 * Unpacks a tar (not compressed) read from fd into an empty directory. Refuses with ERR_INVALID, naming the
 * entry: absolute paths, "..", a path through a symbolic link, a hard link out of it, devices, sockets and
 * fifos, a path twice, more than the limits. What was unpacked until then stays. ERR_FULL, ERR_IO.
 */
int context_unpack(int fd, int dir_fd, const struct context_limits *limits, struct error *err);

#endif
