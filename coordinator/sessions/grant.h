/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may send log bytes of which attempt, and how far: one grant per (session, attempt). Knows no
 * network; the session thread owns all of it. A session may send up to offset limit_bytes, which
 * follows what is durable by the window.
 */
#ifndef COORDINATOR_SESSIONS_GRANT_H
#define COORDINATOR_SESSIONS_GRANT_H

#include "common/wire/wire.h"

struct grant;
struct grants;

/* What a session keeps: its own grants. All zero at first. */
struct grant_list {
	struct grant *first;
	void *owner; /* given to on_due */
};

struct grants *grants_new(int64_t window_bytes);
void grants_free(struct grants *grants); /* after every list was cleared */

/* Again for the same attempt: as if it were new, so that the next credit tells what is durable. */
void grant_add(struct grants *grants, struct grant_list *list, int64_t attempt);
/* The worker will not send any more; the attempt was never its, or is whole. */
void grant_remove(struct grants *grants, struct grant_list *list, int64_t attempt);
void grant_list_clear(struct grants *grants, struct grant_list *list);

/* No more credit; frames on their way are dropped without complaint. */
void grant_abandon(struct grant_list *list, int64_t attempt);

/* The worker said how long the log is. True when a credit is due for that. */
bool grant_ends_at(struct grant_list *list, int64_t attempt, int64_t log_bytes);

/* So much is on disk. on_due(owner) for each list that has a credit to send now. */
void grants_durable(struct grants *grants, int64_t attempt, int64_t durable_bytes, void (*on_due)(void *owner));

/* The next credit to send, whole; false when none is due. */
bool grant_take_credit(struct grants *grants, struct grant_list *list, struct wire_log_credit *ret_credit);

#define GRANT_OVER 1 /* abandoned: drop the bytes */
/* 0: these bytes may be written; GRANT_OVER; -1 ERR_DENIED (never granted) or ERR_INVALID (beyond the limit). */
int grant_check(struct grant_list *list, int64_t attempt, int64_t offset, size_t len, struct error *err);

#endif
