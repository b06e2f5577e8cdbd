/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/core/attempt.h"

#include <string.h>

#include "common/mem.h"
#include "coordinator/core/job.h"
#include "coordinator/core/message.h"
#include "coordinator/core/pass.h"
#include "coordinator/core/queue.h"
#include "coordinator/core/text.h"
#include "coordinator/core/warm.h"

#define REPORTED_MAX 1024
#define BACKOFF_DOUBLINGS_MAX 5

int64_t backoff_ms(uint64_t salt, int64_t base_ms, int doublings)
{
	int64_t wait_ms = base_ms << (doublings < BACKOFF_DOUBLINGS_MAX ? doublings : BACKOFF_DOUBLINGS_MAX);

	return wait_ms - wait_ms / 4 + (int64_t)(mix64(salt) % (uint64_t)(wait_ms / 2 + 1));
}

bool attempt_excludes(const struct attempt *attempt)
{
	return attempt->row.state == ATTEMPT_LOST || attempt->row.state == ATTEMPT_REFUSED ||
	       (attempt->row.state == ATTEMPT_FAILED && attempt->row.failure == CLASS_INFRA);
}

struct attempt *attempt_new(struct core *core, struct job *job, struct worker *worker, const struct attempt_row *row)
{
	struct attempt *attempt = mem_alloc(sizeof(*attempt));

	attempt->row = *row;
	attempt->job = job;
	attempt->worker = worker;
	attempt->older = job->newest;
	attempt->offered_mono_ms = core->now.mono_ms;
	job->newest = attempt;
	map_put(&core->attempts, row->id, attempt);
	if (!attempt_state_is_final(row->state)) {
		list_push(&worker->live, attempt);
		job->build->project->live_count++;
	} else if (attempt_excludes(attempt)) {
		job_exclude(job, worker);
	}
	return attempt;
}

void attempt_offer(struct core *core, struct job *job, struct worker *worker)
{
	struct attempt_row row = {
		.id = ++core->last_attempt, .job = job->row.id, .state = ATTEMPT_OFFERED,
		.number = job->newest ? job->newest->row.number + 1 : 1,
		.log_bytes = -1, .offered_ms = core->now.wall_ms,
	};
	struct attempt *attempt;

	text_format(row.worker, sizeof(row.worker), "%s", worker->row.name);
	queue_take_out(job);
	job_move(&job->row.state, JOB_OFFERED);
	job->row.attempt = row.id;
	job->row.not_before_ms = 0;
	attempt = attempt_new(core, job, worker, &row);
	pass_touch_job(core, job);
	pass_touch_attempt(core, attempt);
	pass_note(core, subject_attempt(attempt), "job.offered", "offered to %s, attempt %d", worker->row.name, row.number);
	message_offer(core, attempt);
}

/* From here on nothing that arrives for it changes anything. */
static void attempt_end(struct core *core, struct attempt *attempt, enum attempt_state state, const char *reason)
{
	attempt_move(&attempt->row.state, state);
	text_format(attempt->row.reason, sizeof(attempt->row.reason), "%s", reason);
	attempt->row.ended_ms = core->now.wall_ms;
	list_remove(&attempt->worker->live, attempt);
	attempt->job->build->project->live_count--;
	if (attempt_excludes(attempt))
		job_exclude(attempt->job, attempt->worker);
	pass_touch_attempt(core, attempt);
}

/* Its worker told the end of it: what it still holds of it are bytes of the log, not to be abandoned. */
static void attempt_mark_reported(struct core *core, const struct attempt *attempt)
{
	if (!core->reported)
		core->reported = mem_alloc(REPORTED_MAX * sizeof(int64_t));
	core->reported[core->reported_at++ % REPORTED_MAX] = attempt->row.id;
}

bool attempt_was_reported(const struct core *core, int64_t attempt)
{
	for (size_t i = 0; core->reported && i < REPORTED_MAX; i++)
		if (core->reported[i] == attempt)
			return true;
	return false;
}

void attempt_accept(struct core *core, struct attempt *attempt)
{
	struct job *job = attempt->job;

	if (attempt->row.state != ATTEMPT_OFFERED)
		return;
	attempt_move(&attempt->row.state, ATTEMPT_RUNNING);
	attempt->row.started_ms = core->now.wall_ms;
	pass_touch_attempt(core, attempt);
	if (job->row.state == JOB_OFFERED) {
		job_move(&job->row.state, JOB_RUNNING);
		job->row.started_ms = core->now.wall_ms;
	}
	pass_touch_job(core, job);
	pass_note(core, subject_attempt(attempt), "attempt.running", "runs on %s", attempt->row.worker);
}

void attempt_start(struct core *core, struct attempt *attempt, const struct wire_started *started)
{
	attempt_accept(core, attempt);
	attempt->row.last_seq = started->seq;
	text_format(attempt->row.proof, sizeof(attempt->row.proof), "%s", started->proof);
	pass_touch_attempt(core, attempt);
}

static void attempt_take_result(struct attempt *attempt, const struct wire_result *result)
{
	struct attempt_row *row = &attempt->row;

	row->last_seq = result->seq;
	row->log_bytes = result->log_bytes;
	row->is_confirmed = true;
	row->exit_code = result->exit_code;
	text_format(row->failed_step, sizeof(row->failed_step), "%s", result->failed_step);
	row->engine_started_ms = result->engine_started_ms;
	row->engine_ended_ms = result->engine_ended_ms;
	row->pushed_ms = result->pushed_ms;
}

bool digest_is_sound(const char *digest)
{
	return strncmp(digest, "sha256:", 7) == 0 && strspn(digest + 7, "0123456789abcdef") == 64 && strlen(digest) == 71;
}

static void attempt_fail(struct core *core, struct attempt *attempt, enum failure_class failure, const char *reason)
{
	struct job *job = attempt->job;

	attempt->row.failure = failure;
	attempt_end(core, attempt, ATTEMPT_FAILED, reason);
	pass_note(core, subject_attempt(attempt), "attempt.failed", "failed on %s (%s): %s", attempt->row.worker,
		  failure_class_name(failure), reason);
	if (failure == CLASS_INFRA)
		job_retry(core, job, reason);
	else
		job_fail(core, job, failure, reason);
}

static void attempt_succeed(struct core *core, struct attempt *attempt, const struct wire_result *result)
{
	if (!digest_is_sound(result->digest) || !result->media_type[0] || result->size_bytes <= 0) {
		attempt_fail(core, attempt, CLASS_INFRA,
			     "its worker told a success without the digest, media type and size of a manifest");
		return;
	}
	attempt_end(core, attempt, ATTEMPT_SUCCEEDED, "");
	pass_note(core, subject_attempt(attempt), "attempt.succeeded", "succeeded on %s: %s", attempt->row.worker,
		  result->digest);
	warm_remember(core, attempt->job, attempt->worker);
	job_succeed(core, attempt->job, result);
}

static void attempt_end_cancelled(struct core *core, struct attempt *attempt, const char *reason)
{
	attempt_end(core, attempt, ATTEMPT_CANCELLED, reason);
	pass_note(core, subject_attempt(attempt), "attempt.cancelled", "cancelled on %s: %s", attempt->row.worker, reason);
	job_cancelled(core, attempt->job, reason);
}

void attempt_finish(struct core *core, struct attempt *attempt, const struct wire_result *result)
{
	bool is_named = result->failure > CLASS_NONE && result->failure < CLASS_COUNT;

	attempt_accept(core, attempt);
	attempt_take_result(attempt, result);
	attempt_mark_reported(core, attempt);
	if (attempt->job->row.state == JOB_CANCELLING)
		attempt_end_cancelled(core, attempt, "it ended by itself before the cancelling reached it");
	else if (result->is_success)
		attempt_succeed(core, attempt, result);
	else
		attempt_fail(core, attempt, is_named ? result->failure : CLASS_INFRA, result->reason);
}

void attempt_cancelled(struct core *core, struct attempt *attempt, const struct wire_cancelled *cancelled)
{
	attempt->row.last_seq = cancelled->seq;
	attempt->row.log_bytes = cancelled->log_bytes;
	attempt->row.is_confirmed = true;
	attempt_mark_reported(core, attempt);
	if (attempt->job->row.state == JOB_CANCELLING) {
		attempt_end_cancelled(core, attempt, "nothing of it runs any more");
		return;
	}
	attempt_accept(core, attempt);
	attempt_fail(core, attempt, CLASS_INFRA, "its worker ended it without being asked to");
}

void attempt_refuse(struct core *core, struct attempt *attempt, const char *reason)
{
	struct job *job = attempt->job;

	attempt_end(core, attempt, ATTEMPT_REFUSED, reason);
	pass_note(core, subject_attempt(attempt), "attempt.refused", "refused by %s: %s", attempt->row.worker, reason);
	if (job->row.state == JOB_CANCELLING)
		job_cancelled(core, job, "cancelled before it ran");
	else
		job_requeue(core, job, reason);
}

void attempt_lose(struct core *core, struct attempt *attempt, const char *reason)
{
	struct job *job = attempt->job;

	if (job->row.state == JOB_CANCELLING) {
		attempt_end_cancelled(core, attempt, reason);
		return;
	}
	attempt->row.failure = CLASS_INFRA;
	attempt_end(core, attempt, ATTEMPT_LOST, reason);
	pass_note(core, subject_attempt(attempt), "attempt.lost", "%s", reason);
	job_retry(core, job, reason);
}
