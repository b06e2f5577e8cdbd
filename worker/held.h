/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An attempt this worker holds: from the offer until its last event is acknowledged and its log is
 * whole at the coordinator. Events are on disk before they may be said. The agent's thread only.
 */
#ifndef WORKER_HELD_H
#define WORKER_HELD_H

#include "worker/job.h"
#include "worker/journal.h"
#include "worker/spool.h"

struct held_step {
	struct held_step *next;
	struct wire_step step;
};

struct held {
	struct held *next;
	int64_t attempt;
	struct job *job;               /* NULL: nothing of it runs any more */
	struct wire_message events[JOURNAL_EVENTS_MAX];
	size_t event_count;
	size_t journaled_count;        /* of events, on disk */
	size_t said_count;             /* of events, in this session */
	int64_t acked_seq;
	int64_t log_bytes;             /* -1 until it ended */
	struct spool spool;
	struct held_step *steps;       /* not said yet, oldest first */
	size_t step_count;
	bool is_cancelled;             /* the coordinator wants it ended and told */
	bool is_abandoned;             /* the coordinator wants it ended and forgotten */
};

struct held *held_new(const struct journal *journal, int64_t attempt);
void held_free(struct held *held);

/* From the journal of an earlier life. */
void held_restore(struct held *held, const struct journal_entry *entry);

/* Numbers and keeps a started, result or cancelled. */
void held_add_event(struct held *held, const struct wire_message *event);
/* Writes down what is not yet. -1: to be tried again later; nothing of it is said meanwhile. */
int held_write_events(struct held *held, struct journal *journal, struct error *err);
/* The next event that may be said; NULL when there is none. Counts it as said. */
const struct wire_message *held_next_event(struct held *held);

void held_add_step(struct held *held, const struct wire_step *step);
/* The next step to say; false when there is none. */
bool held_next_step(struct held *held, struct wire_step *ret_step);

/* The session ended: everything not acknowledged is to be said again. */
void held_cut(struct held *held);

/* Nothing of it runs, everything is acknowledged, every byte of the log arrived. */
bool held_is_done(const struct held *held);

#endif
