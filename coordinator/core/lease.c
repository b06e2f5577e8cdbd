/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/core/lease.h"

#include "coordinator/core/attempt.h"
#include "coordinator/core/message.h"
#include "coordinator/core/text.h"
#include "coordinator/core/worker.h"

void lease_renew(struct core *core, struct worker *worker)
{
	int64_t until_ms = core->now.mono_ms + core->config.lease_ms;

	worker->heard_mono_ms = core->now.mono_ms;
	if (until_ms > worker->lease_mono_ms)
		worker->lease_mono_ms = until_ms;
}

void lease_freshen_all(struct core *core)
{
	int64_t ms = core->config.restart_lease_ms > core->config.lease_ms ? core->config.restart_lease_ms : core->config.lease_ms;

	for (size_t i = 0; i < core->workers.count; i++) {
		struct worker *worker = core->workers.items[i];

		if (worker->session || worker->live.count)
			worker->lease_mono_ms = core->now.mono_ms + ms;
		for (size_t k = 0; k < worker->live.count; k++)
			((struct attempt *)worker->live.items[k])->offered_mono_ms = core->now.mono_ms;
	}
}

static bool lease_runs(const struct core *core, const struct worker *worker)
{
	return core->is_listening && worker->lease_mono_ms && (worker->session || worker->live.count);
}

/* While its worker is away an offer goes by the lease: the answer may be on its way back with it. */
static bool offer_runs(const struct worker *worker, const struct attempt *attempt)
{
	return worker->session && attempt->row.state == ATTEMPT_OFFERED;
}

static void lease_end(struct core *core, struct worker *worker)
{
	char reason[REASON_MAX];

	if (worker->heard_mono_ms)
		text_format(reason, sizeof(reason), "worker %s was lost: silent for %lld s", worker->row.name,
			    (long long)(core->now.mono_ms - worker->heard_mono_ms) / 1000);
	else
		text_format(reason, sizeof(reason), "worker %s was lost: it did not come back after a restart of the coordinator",
			    worker->row.name);
	if (worker->session) {
		message_bye(core, worker->session, reason, "");
		worker_leave(core, worker);
	}
	worker->lease_mono_ms = 0;
	for (size_t i = worker->live.count; i-- > 0;) {
		struct attempt *attempt = worker->live.items[i];

		if (attempt->row.state == ATTEMPT_OFFERED)
			attempt_refuse(core, attempt, reason);
		else
			attempt_lose(core, attempt, reason);
	}
}

static void offer_end(struct core *core, struct worker *worker, struct attempt *attempt)
{
	char reason[REASON_MAX];

	text_format(reason, sizeof(reason), "worker %s did not answer the offer within %lld s", worker->row.name,
		    (long long)core->config.offer_timeout_ms / 1000);
	attempt_refuse(core, attempt, reason);
	message_abandon(core, worker->session, attempt->row.id);
}

void lease_end_due(struct core *core)
{
	for (size_t i = 0; i < core->workers.count; i++) {
		struct worker *worker = core->workers.items[i];

		if (lease_runs(core, worker) && worker->lease_mono_ms <= core->now.mono_ms)
			lease_end(core, worker);
		for (size_t k = worker->live.count; k-- > 0;) {
			struct attempt *attempt = worker->live.items[k];

			if (offer_runs(worker, attempt) &&
			    attempt->offered_mono_ms + core->config.offer_timeout_ms <= core->now.mono_ms)
				offer_end(core, worker, attempt);
		}
	}
}

int64_t lease_next_mono_ms(const struct core *core)
{
	int64_t next_ms = INT64_MAX;

	for (size_t i = 0; i < core->workers.count; i++) {
		const struct worker *worker = core->workers.items[i];

		if (lease_runs(core, worker) && worker->lease_mono_ms < next_ms)
			next_ms = worker->lease_mono_ms;
		for (size_t k = 0; k < worker->live.count; k++) {
			const struct attempt *attempt = worker->live.items[k];

			if (offer_runs(worker, attempt) && attempt->offered_mono_ms + core->config.offer_timeout_ms < next_ms)
				next_ms = attempt->offered_mono_ms + core->config.offer_timeout_ms;
		}
	}
	return next_ms;
}
