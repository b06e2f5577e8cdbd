/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The workers' WebSockets, on libwebsockets with a thread of its own. Checks the token (scope worker),
 * turns text frames into events for the core, log frames into appends for the log thread, and gives
 * log credit back as bytes become durable. A session id is never used again.
 * start/stop from main; everything else from any thread.
 */
#ifndef COORDINATOR_SESSIONS_SESSIONS_H
#define COORDINATOR_SESSIONS_SESSIONS_H

#include "coordinator/core/core.h"
#include "coordinator/logs/logs.h"

struct sessions;

struct sessions_config {
	const char *dir;          /* the data folder, for a store reader of its own */
	const char *listen;       /* "127.0.0.1:7481"; port 0 picks one */
	int64_t log_window_bytes; /* an attempt may be so far ahead of what is durable */
	int sessions_max;
	int silence_s;            /* a session not heard of for so long, pings included, is ended; 0: 45 */
	struct logs *logs;
	/* Takes event (heap): EVENT_MESSAGE, EVENT_LEFT. Called on the session thread. */
	void (*on_event)(struct core_event *event, void *arg);
	void *arg;
};

int sessions_start(const struct sessions_config *config, struct sessions **ret_sessions, struct error *err);
/* Ends all sessions and the thread: no event comes any more, and what is sent goes nowhere. Then free. */
void sessions_stop(struct sessions *sessions);
void sessions_free(struct sessions *sessions);
int sessions_port(const struct sessions *sessions);

/* Takes msg (heap). Dropped when the session is gone: its EVENT_LEFT has been or will be posted. */
void sessions_send(struct sessions *sessions, int64_t session, struct wire_message *msg);

/* Ends a session once what was sent before has left. */
void sessions_close(struct sessions *sessions, int64_t session);

/* So many bytes of the attempt's log are on disk: credit for whoever writes it. */
void sessions_log_durable(struct sessions *sessions, int64_t attempt, int64_t durable_bytes);

#endif
