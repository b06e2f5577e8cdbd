/* SPDX-License-Identifier: Apache-2.0 */
/* A file, or a part of it, as the answer: piece by piece by pread, never by mmap or sendfile. */
#ifndef COORDINATOR_FRONT_FILE_REPLY_H
#define COORDINATOR_FRONT_FILE_REPLY_H

#include "coordinator/front/internal.h"

#define PIECE_BYTES (128 * 1024)

struct file_part {
	int fd;          /* taken: closed at the end */
	int64_t from, bytes;
	int status;      /* 200, or 206 with Content-Range already set */
	const char *type;
};

/* Answers ex. A file that turns out shorter than said cuts the connection. */
void file_reply(struct exchange *ex, const struct file_part *part);

/*
 * What "Range: bytes=..." asks of a file of that many bytes. 0: no range, or one we ignore (several,
 * another unit); RANGE_PART: *ret_from and *ret_bytes; RANGE_OUTSIDE: 416.
 */
#define RANGE_PART 1
#define RANGE_OUTSIDE 2
int range_read(const char *text, int64_t size, int64_t *ret_from, int64_t *ret_bytes);

/* Appends up to max bytes at offset; -1 on a read error or the end of the file. */
int evbuffer_pread(struct evbuffer *out, int fd, int64_t offset, int64_t max);

#endif
