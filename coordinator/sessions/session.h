/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One worker's WebSocket: pieces become messages and log bytes, messages become frames, in a bounded
 * queue. Control messages go before credits. Session thread only.
 */
#ifndef COORDINATOR_SESSIONS_SESSION_H
#define COORDINATOR_SESSIONS_SESSION_H

#include <libwebsockets.h>

#include "coordinator/sessions/grant.h"
#include "coordinator/sessions/sessions.h"
#include "coordinator/store/reader.h"

struct session;

/* What all sessions share. */
struct session_world {
	const struct sessions_config *config;
	struct reader *reader;
	struct grants *grants;
};

struct session *session_new(struct lws *wsi, int64_t id, const struct session_world *world);
/* Posts EVENT_LEFT: it is the last that is heard of the session. */
void session_free(struct session *session);

int64_t session_id(const struct session *session);

/* A piece of a frame came. -1: end the connection now (a close reason is set). */
int session_receive(struct session *session, const void *piece, size_t len);
/* Anything at all came, a pong for instance. */
void session_heard(struct session *session);

/* One frame may be written. -1: end the connection now. */
int session_write(struct session *session);

/* Queues msg (takes it). A session that does not read is killed. */
void session_send(struct session *session, struct wire_message *msg);
/* Ends the session when its queue is empty. */
void session_close(struct session *session, enum lws_close_status status, const char *why);

/* A grant has credit to tell. */
void session_credit_due(struct session *session);

/* Pings a session silent for a third of silence_ms, kills one silent for all of it. */
void session_watch(struct session *session, int64_t silence_ms);

#endif
