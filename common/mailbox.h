/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages into a thread: many senders, one receiver, first in first out.
 * A message is a struct of the receiver's own kind that begins with
 * `struct message`; posting hands it over for good.
 */
#ifndef COMMON_MAILBOX_H
#define COMMON_MAILBOX_H

#include <stdint.h>

#include "common/error.h"

struct message {
	struct message *next;
	void (*free)(struct message *msg); /* called for messages never taken */
};

struct mailbox;

/* wake(arg) is called by a sender, on its thread, when the box was empty. */
struct mailbox *mailbox_new(void (*wake)(void *arg), void *arg);
void mailbox_free(struct mailbox *box); /* frees what was not taken */

/* Takes msg. Never blocks for long, never fails. */
void mailbox_post(struct mailbox *box, struct message *msg);

/* Everything posted so far, oldest first, linked by next; NULL when empty. The caller owns it. */
struct message *mailbox_take(struct mailbox *box);

/* Blocks until there is something; for threads that have no event loop. */
struct message *mailbox_wait(struct mailbox *box);

/* The same, but NULL when CLOCK_MONOTONIC reaches mono_ms before anything came. */
struct message *mailbox_wait_until(struct mailbox *box, int64_t mono_ms);

#endif
