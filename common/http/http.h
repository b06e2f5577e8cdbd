/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A blocking HTTP/1.1 client (libcurl), for threads that may wait: the command line, a worker's
 * job thread, the coordinator's publish pool. One struct http per thread; it keeps connections
 * alive between calls. Redirects are never followed here: callers decide (no Authorization to
 * another host, ever). The process calls http_global_init once, before threads.
 */
#ifndef COMMON_HTTP_HTTP_H
#define COMMON_HTTP_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/error.h"

void http_global_init(void);

struct http;

struct http *http_new(void);
void http_free(struct http *http);

/* From another thread: the call in progress and all later ones end at once with ERR_UNAVAILABLE. */
void http_abort(struct http *http);

struct http_request {
	const char *method;              /* NULL: GET */
	const char *url;
	const char *const *headers;      /* "Name: value", NULL-ended; or NULL */
	const char *bearer;              /* Authorization: Bearer, or NULL */
	const char *username, *password; /* Authorization: Basic, or NULL */
	const void *body;                /* NULL: none, unless body_fd >= 0 with has_body_fd */
	size_t body_len;
	bool has_body_fd;                /* send body_fd_size bytes from body_fd at offset 0 */
	int body_fd;
	int64_t body_fd_size;
	int64_t response_max;            /* bytes kept in memory; more is ERR_INVALID. 0: 4 MiB */
	/* When set, body bytes of a 2xx go here instead of memory; return -1 to end the transfer. */
	int (*on_data)(const char *data, size_t len, void *arg);
	void *arg;
	int connect_timeout_s;           /* 0: 10 */
	int timeout_s;                   /* of the whole call; 0: none */
	int silence_timeout_s;           /* no byte for that long; 0: 60 */
	const char *ca_file;             /* NULL: the system's */
};

struct http_response {
	long status;
	struct buf body;
	struct buf headers; /* as received, "Name: value\r\n" lines */
};

/* 0 for every status; -1 when there was no complete response: ERR_UNAVAILABLE (network), ERR_INVALID (limits). */
int http_call(struct http *http, const struct http_request *request, struct http_response *ret_response,
	      struct error *err);

/* First header of that name (any case), value copied and trimmed; false when absent or too long. */
bool http_header(const struct http_response *response, const char *name, char *dst, size_t size);
/* The nth (from 0) header of that name: several WWW-Authenticate lines are usual. */
bool http_header_nth(const struct http_response *response, const char *name, int n, char *dst, size_t size);
void http_response_clear(struct http_response *response);

#endif
