/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A context's tar from the coordinator into this host's cache STATE/contexts/, verified by its digest.
 * Several attempts may want the same one at once: one fetches, the others wait for it.
 */
#ifndef WORKER_CONTEXT_FETCH_H
#define WORKER_CONTEXT_FETCH_H

#include "common/error.h"
#include "common/http/http.h"

#define CONTEXT_AWAY_LIMIT_S 300            /* without a byte from the coordinator */
#define CONTEXT_CACHE_MAX_BYTES (8LL << 30) /* the longest unused go first */

struct context_source {
	const char *state_dir;
	const char *front_url;
	const char *token;
	const char *ca_file;
	const char *digest;
	struct http *http;
	int cancel_fd;        /* readable: stop, with ERR_UNAVAILABLE; http_abort the call, too */
	int away_limit_s;     /* 0: CONTEXT_AWAY_LIMIT_S */
};

/* A descriptor to read the tar from, at its start; the caller closes it. ERR_NOT_FOUND, ERR_DENIED, ERR_UNAVAILABLE, ERR_FULL, ERR_IO. */
int context_fetch(const struct context_source *source, int *ret_fd, struct error *err);

#endif
