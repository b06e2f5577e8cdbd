/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/roster.h"

#include "common/log.h"

struct held *roster_find(const struct roster *roster, int64_t attempt)
{
	struct held *held = roster->first;

	while (held && held->attempt != attempt)
		held = held->next;
	return held;
}

void roster_add(struct roster *roster, struct held *held)
{
	struct held **end = &roster->first;

	while (*end)
		end = &(*end)->next;
	held->next = NULL;
	*end = held;
	roster->count++;
}

static void take_out(struct roster *roster, const struct held *held)
{
	struct held **link = &roster->first;

	while (*link != held)
		link = &(*link)->next;
	*link = held->next;
	roster->count--;
}

size_t roster_running(const struct roster *roster)
{
	size_t count = 0;

	for (const struct held *held = roster->first; held; held = held->next)
		count += held->job ? 1 : 0;
	return count;
}

size_t roster_list(const struct roster *roster, int64_t list[WIRE_HELD_MAX])
{
	size_t count = 0;

	for (const struct held *held = roster->first; held && count < WIRE_HELD_MAX; held = held->next)
		list[count++] = held->attempt;
	return count;
}

void roster_cut(struct roster *roster)
{
	for (struct held *held = roster->first; held; held = held->next)
		held_cut(held);
}

void roster_forget(struct roster *roster, struct held *held)
{
	struct error err;

	take_out(roster, held);
	if (journal_remove(roster->journal, held->attempt, &err) < 0)
		LOG(LOG_WARN, "attempt.not-removed", KV("attempt", held->attempt), KV("error", err.msg));
	held_free(held);
}

bool roster_forget_done(struct roster *roster, struct held *held)
{
	if (!held_is_done(held))
		return false;
	roster_forget(roster, held);
	return true;
}

void roster_clear(struct roster *roster)
{
	while (roster->first) {
		struct held *held = roster->first;

		take_out(roster, held);
		held_free(held);
	}
}

bool roster_next_frame(struct roster *roster, unsigned char frame[SPOOL_FRAME_MAX], size_t *ret_len)
{
	struct held *held = roster->first;
	struct error err;
	int rc;

	while (held && !spool_has_frame(&held->spool))
		held = held->next;
	if (!held)
		return false;
	rc = spool_next(&held->spool, frame, ret_len, &err);
	if (rc < 0) {
		LOG(LOG_ERROR, "spool.failed", KV("attempt", held->attempt), KV("error", err.msg));
		spool_cut(&held->spool);
	}
	take_out(roster, held);
	roster_add(roster, held);
	return rc == 0;
}
