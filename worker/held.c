/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/held.h"

#include "common/mem.h"

#define STEPS_MAX 1024

enum { SEQ_STARTED = 1, SEQ_END = 2 };

struct held *held_new(const struct journal *journal, int64_t attempt)
{
	struct held *held = mem_alloc(sizeof(*held));
	char path[4096];

	held->attempt = attempt;
	held->log_bytes = -1;
	journal_log_path(journal, attempt, path, sizeof(path));
	spool_init(&held->spool, attempt, path);
	return held;
}

void held_free(struct held *held)
{
	struct wire_step step;

	if (!held)
		return;
	while (held_next_step(held, &step))
		;
	spool_clear(&held->spool);
	mem_free(held);
}

static void note_end(struct held *held, const struct wire_message *event)
{
	if (event->type == WIRE_RESULT)
		held->log_bytes = event->result.log_bytes;
	else if (event->type == WIRE_CANCELLED)
		held->log_bytes = event->cancelled.log_bytes;
}

void held_restore(struct held *held, const struct journal_entry *entry)
{
	for (size_t i = 0; i < entry->event_count; i++) {
		held->events[i] = entry->events[i];
		note_end(held, &entry->events[i]);
	}
	held->event_count = held->journaled_count = entry->event_count;
}

void held_add_event(struct held *held, const struct wire_message *event)
{
	struct wire_message *own;

	if (held->event_count == JOURNAL_EVENTS_MAX)
		return;
	own = &held->events[held->event_count++];
	*own = *event;
	if (own->type == WIRE_STARTED)
		own->started.seq = SEQ_STARTED;
	else if (own->type == WIRE_RESULT)
		own->result.seq = SEQ_END;
	else
		own->cancelled.seq = SEQ_END;
	note_end(held, own);
	if (held->log_bytes >= 0)
		spool_grew(&held->spool, held->log_bytes);
}

int held_write_events(struct held *held, struct journal *journal, struct error *err)
{
	while (held->journaled_count < held->event_count) {
		const struct wire_message *event = &held->events[held->journaled_count];

		/* An end that counts bytes promises them. */
		if (event->type != WIRE_STARTED && spool_sync(&held->spool, err) < 0)
			return -1;
		if (journal_event(journal, held->attempt, event, err) < 0)
			return -1;
		held->journaled_count++;
	}
	return 0;
}

const struct wire_message *held_next_event(struct held *held)
{
	while (held->said_count < held->journaled_count) {
		const struct wire_message *event = &held->events[held->said_count++];

		if (journal_seq(event) > held->acked_seq)
			return event;
	}
	return NULL;
}

void held_add_step(struct held *held, const struct wire_step *step)
{
	struct held_step **end = &held->steps;
	struct held_step *own;

	if (held->step_count == STEPS_MAX)
		return;
	while (*end)
		end = &(*end)->next;
	own = mem_alloc(sizeof(*own));
	own->step = *step;
	*end = own;
	held->step_count++;
}

bool held_next_step(struct held *held, struct wire_step *ret_step)
{
	struct held_step *step = held->steps;

	if (!step)
		return false;
	held->steps = step->next;
	held->step_count--;
	*ret_step = step->step;
	mem_free(step);
	return true;
}

void held_cut(struct held *held)
{
	held->said_count = 0;
	spool_cut(&held->spool);
}

bool held_is_done(const struct held *held)
{
	return !held->job && held->log_bytes >= 0 && held->acked_seq >= SEQ_END &&
	       held->spool.durable_bytes >= held->log_bytes;
}
