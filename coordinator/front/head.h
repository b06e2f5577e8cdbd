/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of a request, read strictly before evhttp sees it. evhttp takes two Content-Lengths,
 * "Transfer-Encoding : chunked", bare LF and more; what two parsers read differently is how
 * requests are smuggled past a proxy. So only what has one meaning gets through. Pure, no I/O.
 */
#ifndef COORDINATOR_FRONT_HEAD_H
#define COORDINATOR_FRONT_HEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"

#define HEAD_BYTES_MAX 16384
#define BEARER_MAX 256

/* Why a request is refused: answered as an error and the connection closed. */
struct refusal {
	int status;
	char code[32];
	char message[256];
	char allow[64];           /* 405: the methods that would do */
};

/* Fills *ret_refusal and returns -1, so that a caller can write `return refuse(...)`. */
int refuse(struct refusal *ret_refusal, int status, const char *code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

struct head {
	struct buf raw;           /* as received so far; head_clear frees */
	char method[16];
	char *target;             /* into raw: path and query, percent-encoded */
	int minor;                /* of HTTP/1.x */
	int64_t content_length;   /* 0 when there is none */
	bool has_authorization;
	char bearer[BEARER_MAX];  /* "" unless Authorization was a bearer token */
};

/*
 * Takes bytes as they come. 0: more is needed; HEAD_COMPLETE: the members above are set and the
 * rest of data is not the head's; -1: refused.
 */
#define HEAD_COMPLETE 1
int head_feed(struct head *head, const char *data, size_t len, struct refusal *ret_refusal);

/* Ready for the next request. */
void head_clear(struct head *head);

#endif
