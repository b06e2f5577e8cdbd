/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A libevent base with a mailbox into it: how other threads reach one that waits in an event loop.
 * One thread runs it; on_message is called there, oldest message first.
 */
#ifndef COMMON_LOOP_H
#define COMMON_LOOP_H

#include <event2/event.h>

#include "common/cleanup.h"
#include "common/error.h"
#include "common/mailbox.h"

struct loop;

/* on_message takes msg. */
int loop_new(void (*on_message)(struct message *msg, void *arg), void *arg, struct loop **ret_loop,
	     struct error *err);
/* After loop_run has returned. Messages never taken are freed by their own free. */
void loop_free(struct loop *loop);
DEFINE_CLEANUP(struct loop *, loop_free)

/* For events of the thread that runs the loop, or of anyone before it runs. */
struct event_base *loop_base(struct loop *loop);

/* Takes msg. From any thread, also before the loop runs. */
void loop_post(struct loop *loop, struct message *msg);

/* Until loop_stop; -1 when the base itself failed. */
int loop_run(struct loop *loop, struct error *err);

/* From any thread, also before the loop runs: messages posted earlier are handled, then loop_run returns. */
void loop_stop(struct loop *loop);

#endif
