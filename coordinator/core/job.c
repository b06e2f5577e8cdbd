/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/core/job.h"

#include <string.h>

#include "common/mem.h"
#include "coordinator/core/attempt.h"
#include "coordinator/core/build.h"
#include "coordinator/core/message.h"
#include "coordinator/core/pass.h"
#include "coordinator/core/queue.h"
#include "coordinator/core/text.h"

struct job *job_new(struct core *core, struct build *build, const struct job_row *row)
{
	struct job *job = mem_alloc(sizeof(*job));

	job->row = *row;
	job->build = build;
	job->queue = queue_of(core, &row->platform);
	build->jobs[build->job_count++] = job;
	map_put(&core->jobs, row->id, job);
	return job;
}

void job_free(struct core *core, struct job *job)
{
	struct attempt *attempt = job->newest;

	while (attempt) {
		struct attempt *older = attempt->older;

		map_remove(&core->attempts, attempt->row.id);
		mem_free(attempt);
		attempt = older;
	}
	queue_take_out(job);
	list_clear(&job->excluded);
	map_remove(&core->jobs, job->row.id);
	mem_free(job);
}

void job_exclude(struct job *job, struct worker *worker)
{
	size_t at = 0;

	while (at < job->excluded.count && strcmp(((struct worker *)job->excluded.items[at])->row.name, worker->row.name) < 0)
		at++;
	if (at == job->excluded.count || job->excluded.items[at] != worker)
		list_insert(&job->excluded, at, worker);
}

static void job_finish(struct core *core, struct job *job, enum job_state state)
{
	job_move(&job->row.state, state);
	job->row.finished_ms = core->now.wall_ms;
	pass_touch_job(core, job);
	build_settle(core, job->build);
}

void job_requeue(struct core *core, struct job *job, const char *why)
{
	const struct attempt *last = job->newest;
	int64_t wait_ms = backoff_ms(core->config.seed ^ (uint64_t)last->row.id, core->config.backoff_ms,
				     last->row.number - 1);

	job_move(&job->row.state, JOB_QUEUED);
	job->row.not_before_ms = core->now.wall_ms + wait_ms;
	job->row.started_ms = 0;
	text_format(job->row.reason, sizeof(job->row.reason), "%s", why);
	pass_touch_job(core, job);
	pass_note(core, subject_attempt(last), "job.requeued", "waits %lld.%lld s before the next try: %s",
		  (long long)wait_ms / 1000, (long long)wait_ms % 1000 / 100, why);
	queue_add(core, job);
}

void job_retry(struct core *core, struct job *job, const char *why)
{
	char reason[REASON_MAX];

	job->row.attempt_count++;
	if (job->row.attempt_count < core->config.attempts_max) {
		job->row.failure = CLASS_INFRA;
		job_requeue(core, job, why);
		return;
	}
	text_format(reason, sizeof(reason), "given up after %d tries, the last: %s", job->row.attempt_count, why);
	job_fail(core, job, CLASS_INFRA, reason);
}

void job_succeed(struct core *core, struct job *job, const struct wire_result *result)
{
	job->row.failure = CLASS_NONE;
	job->row.reason[0] = '\0';
	text_format(job->row.media_type, sizeof(job->row.media_type), "%s", result->media_type);
	text_format(job->row.digest, sizeof(job->row.digest), "%s", result->digest);
	job->row.size_bytes = result->size_bytes;
	job_finish(core, job, JOB_SUCCEEDED);
}

void job_fail(struct core *core, struct job *job, enum failure_class failure, const char *reason)
{
	job->row.failure = failure;
	text_format(job->row.reason, sizeof(job->row.reason), "%s", reason);
	job_finish(core, job, JOB_FAILED);
}

void job_cancel(struct core *core, struct job *job)
{
	const struct attempt *attempt = job->newest;

	if (job->row.state == JOB_QUEUED) {
		queue_take_out(job);
		text_format(job->row.reason, sizeof(job->row.reason), "cancelled while it was queued");
		job_finish(core, job, JOB_CANCELLED);
	} else if (job->row.state == JOB_OFFERED || job->row.state == JOB_RUNNING) {
		job_move(&job->row.state, JOB_CANCELLING);
		pass_touch_job(core, job);
		if (attempt->worker->session)
			message_cancel(core, attempt->worker->session, attempt->row.id);
	}
}

void job_cancelled(struct core *core, struct job *job, const char *reason)
{
	text_format(job->row.reason, sizeof(job->row.reason), "%s", reason);
	job_finish(core, job, JOB_CANCELLED);
}
