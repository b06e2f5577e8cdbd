/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection under guard: what evhttp leaves open is closed here. Counts connections, reads each
 * head before evhttp does, sets the body limit by who asks, ends what drips or is silent, and tells
 * the request that its client is gone.
 */
#ifndef COORDINATOR_FRONT_CONN_H
#define COORDINATOR_FRONT_CONN_H

#include <event2/http.h>
#include <stdint.h>

struct conn;
struct exchange;
struct front;

/* Makes http guarded; before it is given a listener. */
void conn_guard(struct front *front);

/* The listener may have failed to accept, or stopped at connections_max. */
void conn_resume_accepting(struct front *front);

/* Ends what is past its deadline. Each second. */
void conn_sweep(struct front *front, int64_t now_ms);

/* Closes it without another byte; on_gone of its exchange is called. */
void conn_abort(struct conn *conn);

/* The exchange has been answered and is gone. */
void conn_forget_exchange(struct conn *conn);

#endif
