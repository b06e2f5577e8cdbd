/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A few threads that take publish steps, so that a slow registry holds up nobody else. Orders are
 * taken first come first served, several at once: the core orders only what may run side by side.
 */
#ifndef COORDINATOR_PUBLISH_PUBLISH_POOL_H
#define COORDINATOR_PUBLISH_PUBLISH_POOL_H

#include "common/cleanup.h"
#include "common/oci/auth.h"
#include "coordinator/core/core.h"

#define PUBLISH_POOL_THREADS 4

struct publish_pool;

/* Called on the pool's threads, several at once. */
struct publish_pool_events {
	/* As auth_find: 0 found, 1 none, -1 with *err. The pool clears what it is given. */
	int (*credential)(const char *host, const char *path, struct credential *ret_credential, struct error *err,
			  void *arg);
	/* Once per order, but for those cut short or left over when the pool stops. */
	void (*on_outcome)(const struct publish_outcome *outcome, void *arg);
	void *arg;
};

struct publish_pool_options {
	struct publish_pool_events events;
	const char *ca_file; /* for registries; copied; NULL: the system's */
	int tries_max;       /* of each call inside a step, see registry.h; 0: its own */
	int wait_ms;
};

int publish_pool_start(const struct publish_pool_options *options, struct publish_pool **ret_pool,
		       struct error *err);

/* Takes the order (mem_free). Never blocks. From any thread. */
void publish_pool_post(struct publish_pool *pool, struct publish_order *order);

/*
 * Cuts short what runs, joins, frees. Steps cut short have no outcome: they stand as started in the
 * store and are taken again after the next start. Not from a callback.
 */
void publish_pool_stop(struct publish_pool *pool);
DEFINE_CLEANUP(struct publish_pool *, publish_pool_stop)

#endif
