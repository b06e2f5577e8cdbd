/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker says it holds against what it should. */
#include "common/mem.h"
#include "coordinator/core/attempt.h"
#include "coordinator/core/message.h"
#include "coordinator/core/text.h"
#include "coordinator/core/worker.h"

/* A beat may have been on its way when the offer was accepted. */
#define HELD_YOUNG_MS 5000

struct held {
	const int64_t *list;
	size_t count;
};

static bool held_has(const struct held *held, int64_t attempt)
{
	for (size_t i = 0; i < held->count; i++)
		if (held->list[i] == attempt)
			return true;
	return false;
}

/* Whatever ended without the worker's word must end there too. */
static void held_abandon(struct core *core, struct worker *worker, const struct held *held)
{
	for (size_t i = 0; i < held->count; i++)
		if (!worker_attempt(core, worker, held->list[i]) && !attempt_was_reported(core, held->list[i]))
			message_abandon(core, worker->session, held->list[i]);
}

static void reattach(struct core *core, struct worker *worker, struct attempt *attempt)
{
	attempt_accept(core, attempt);
	if (attempt->job->row.state == JOB_CANCELLING)
		message_cancel(core, worker->session, attempt->row.id);
}

static void lose_unheld(struct core *core, struct worker *worker, struct attempt *attempt)
{
	char reason[REASON_MAX];

	if (attempt->row.state == ATTEMPT_OFFERED) {
		text_format(reason, sizeof(reason), "the offer did not reach worker %s", worker->row.name);
		attempt->row.is_confirmed = true;
		attempt_refuse(core, attempt, reason);
		return;
	}
	text_format(reason, sizeof(reason), "worker %s was lost: it came back without attempt %lld", worker->row.name,
		    (long long)attempt->row.id);
	attempt_lose(core, attempt, reason);
}

void worker_reconcile(struct core *core, struct worker *worker, const struct wire_hello *hello)
{
	struct held held = { hello->held, hello->held_count };

	for (size_t i = worker->live.count; i-- > 0;) {
		struct attempt *attempt = worker->live.items[i];

		if (held_has(&held, attempt->row.id))
			reattach(core, worker, attempt);
		else if (held.count < WIRE_HELD_MAX)
			lose_unheld(core, worker, attempt);
	}
	held_abandon(core, worker, &held);
}

void worker_beat(struct core *core, struct worker *worker, const struct wire_beat *beat)
{
	struct held held = { beat->held, beat->held_count };

	for (size_t i = worker->live.count; i-- > 0;) {
		struct attempt *attempt = worker->live.items[i];
		bool is_young = core->now.mono_ms - attempt->offered_mono_ms < HELD_YOUNG_MS;
		char reason[REASON_MAX];

		if (attempt->row.state != ATTEMPT_RUNNING || is_young || held.count == WIRE_HELD_MAX ||
		    held_has(&held, attempt->row.id))
			continue;
		text_format(reason, sizeof(reason), "worker %s does not hold attempt %lld any more", worker->row.name,
			    (long long)attempt->row.id);
		attempt_lose(core, attempt, reason);
	}
	held_abandon(core, worker, &held);
}
