/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The front: REST for CI and operators, and contexts for workers, on evhttp with a thread, a loop
 * and a store reader of its own. It reads committed rows and log files; whatever changes something
 * becomes an event for the core and is answered when the core's reply comes (which is after the commit).
 * start/stop from main; everything else from any thread.
 */
#ifndef COORDINATOR_FRONT_FRONT_H
#define COORDINATOR_FRONT_FRONT_H

#include <stdint.h>

#include "coordinator/core/core.h"

struct front;

struct front_config {
	const char *dir;          /* the data folder: manifold.db, contexts/, logs/ */
	const char *listen;       /* "127.0.0.1:8080", "[::1]:0"; port 0 picks one */
	int64_t context_max_bytes;/* of one context (8 MiB: one part) */
	int connections_max;
	int idle_timeout_s;       /* a silent connection is closed */
	int request_timeout_s;    /* from the first byte to the whole request, whatever drips */
	/* Takes event (heap). Called on the front's thread. */
	void (*on_event)(struct core_event *event, void *arg);
	void *arg;
};

int front_start(const struct front_config *config, struct front **ret_front, struct error *err);
void front_stop(struct front *front);
int front_port(const struct front *front);

/* The core's answer to a submit or cancel event; code 0: done. */
void front_reply(struct front *front, int64_t request, int64_t build, enum err_code code, const char *message);

/* Rows of this build changed: followers look again. */
void front_announce(struct front *front, int64_t build, int64_t job, int64_t attempt);

/* So many bytes of the attempt's log are on disk. */
void front_log_grew(struct front *front, int64_t attempt, int64_t durable_bytes);

/* Replaces why queued jobs wait. Takes list (mem_free). */
void front_set_reasons(struct front *front, struct wait_reason *list, size_t count);

/* A full disk: everything but reads is answered 507 until it is false again. */
void front_set_full(struct front *front, bool is_full);

/* /readyz says 200 only when ready: rows are loaded and workers are listened for. */
void front_set_ready(struct front *front, bool is_ready);

#endif
