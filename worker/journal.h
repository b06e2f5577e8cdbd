/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a worker must not forget about its attempts, in DIR/attempts/<attempt>/: offer.json, and
 * events, one message a line, on disk before it is said. A torn last line (the power went) counts
 * as never written. The agent's thread only.
 */
#ifndef WORKER_JOURNAL_H
#define WORKER_JOURNAL_H

#include "common/cleanup.h"
#include "common/wire/wire.h"

#define JOURNAL_EVENTS_MAX 2 /* started; result or cancelled */

struct journal;

int journal_open(const char *state_dir, struct journal **ret_journal, struct error *err);
void journal_close(struct journal *journal);
DEFINE_CLEANUP(struct journal *, journal_close)

/* Makes the attempt's folder and is on disk when it returns. ERR_FULL, ERR_IO. */
int journal_offer(struct journal *journal, const struct wire_offer *offer, struct error *err);

/* Appends a started, result or cancelled. On disk when it returns; on -1 nothing of it is. */
int journal_event(struct journal *journal, int64_t attempt, const struct wire_message *event, struct error *err);

/* seq of a started, result or cancelled; 0 for any other message. */
int64_t journal_seq(const struct wire_message *event);

/* The attempt's folder and all in it are gone. */
int journal_remove(struct journal *journal, int64_t attempt, struct error *err);

/* on_attempt gets what each folder's events file holds (none: nothing happened before the end). */
struct journal_entry {
	int64_t attempt;
	const struct wire_message *events;
	size_t event_count;
};
int journal_load(struct journal *journal, void (*on_attempt)(const struct journal_entry *entry, void *arg), void *arg,
		 struct error *err);

/* DIR/attempts/<attempt>/log, which the job writes. */
int journal_log_path(const struct journal *journal, int64_t attempt, char *path, size_t size);

#endif
