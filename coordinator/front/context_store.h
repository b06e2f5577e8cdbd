/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contexts as files: DIR/contexts/sha256/<hex>, complete or not there. Checking and writing are
 * done by a thread of its own, one upload after the other; the rest is for the front's thread.
 */
#ifndef COORDINATOR_FRONT_CONTEXT_STORE_H
#define COORDINATOR_FRONT_CONTEXT_STORE_H

#include <event2/buffer.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "common/oci/digest.h"

struct context_store;

struct context_put {
	int64_t number;                  /* the caller's */
	char digest[DIGEST_TEXT_MAX];    /* what the body must be */
	bool was_there;                  /* outcome: nothing had to be written */
	int rc;                          /* outcome: 0 or -1 with err */
	struct error err;
};

/* Makes the folders, removes what an interrupted write left. on_put: on the store's thread. */
int context_store_start(const char *dir, void (*on_put)(const struct context_put *put, void *arg), void *arg,
			struct context_store **ret_store, struct error *err);
/* Ends after the upload at work; on_put may be called until it returns. */
void context_store_stop(struct context_store *store);

/* Takes what is in body (the caller keeps the emptied buffer). */
void context_store_put(struct context_store *store, int64_t number, const char *digest, struct evbuffer *body);

/* ERR_NOT_FOUND. ret_fd NULL: only the size. The caller closes. */
int context_store_open(struct context_store *store, const char *digest, int *ret_fd, int64_t *ret_bytes,
		       struct error *err);

#endif
