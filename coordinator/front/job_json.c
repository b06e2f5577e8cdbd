/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/mem.h"
#include "coordinator/front/view_json.h"

/* "until 12:03:10Z after attempt 1 was lost" */
static int backoff_words(struct front *front, const struct job_view *view, char *text, size_t size, struct error *err)
{
	time_t until = (time_t)((view->job.not_before_ms + 999) / 1000);
	struct attempt_row attempt = { 0 };
	struct tm parts = { 0 };
	char at[32];
	int rc = READER_NONE;

	if (view->job.attempt)
		rc = reader_attempt(front->reader, view->job.attempt, &attempt, err);
	if (rc < 0)
		return -1;
	gmtime_r(&until, &parts);
	strftime(at, sizeof(at), "%H:%M:%SZ", &parts);
	if (rc == READER_NONE)
		snprintf(text, size, "until %s", at);
	else if (attempt.state == ATTEMPT_FAILED)
		snprintf(text, size, "until %s after attempt %d failed", at, attempt.number);
	else
		snprintf(text, size, "until %s after attempt %d was %s", at, attempt.number,
			 attempt_state_name(attempt.state));
	return 0;
}

static void platform_words(struct front *front, const struct job_view *view, char *text, size_t size)
{
	char platform[PLATFORM_TEXT_MAX];

	platform_format(&view->job.platform, platform);
	for (size_t i = 0; i < front->reason_count; i++) {
		if (!strcmp(front->reasons[i].platform, platform)) {
			snprintf(text, size, "%s", front->reasons[i].text);
			return;
		}
	}
	snprintf(text, size, "its turn");
}

/* Why it does not run, in words; "" when there is nothing to wait for. */
static int waiting_words(struct front *front, const struct job_view *view, char *text, size_t size, struct error *err)
{
	text[0] = '\0';
	switch (view->job.state) {
	case JOB_QUEUED:
		if (view->job.not_before_ms > wall_ms())
			return backoff_words(front, view, text, size, err);
		platform_words(front, view, text, size);
		return 0;
	case JOB_OFFERED:
		snprintf(text, size, "worker %s to accept it", view->worker);
		return 0;
	case JOB_CANCELLING:
		snprintf(text, size, "worker %s to say that nothing of it runs any more", view->worker);
		return 0;
	default:
		return 0;
	}
}

static json_t *duration_json(const struct job_row *job)
{
	if (!job->started_ms)
		return json_null();
	return json_integer((job->finished_ms ? job->finished_ms : wall_ms()) - job->started_ms);
}

static json_t *step_now_json(const struct job_view *view)
{
	json_t *step;

	if (!view->step_n)
		return json_null();
	step = json_object();
	json_put(step, "n", json_integer(view->step_n));
	json_put(step, "total", view->step_total ? json_integer(view->step_total) : json_null());
	json_put(step, "name", json_words(view->step));
	return step;
}

int job_json(struct front *front, const struct job_view *view, json_t **ret_job, struct error *err)
{
	const struct job_row *job = &view->job;
	char platform[PLATFORM_TEXT_MAX], waiting[REASON_MAX];
	json_t *root;

	if (waiting_words(front, view, waiting, sizeof(waiting), err) < 0)
		return -1;
	platform_format(&job->platform, platform);
	root = json_object();
	json_put(root, "id", json_integer(job->id));
	json_put(root, "build", json_integer(job->build));
	json_put(root, "platform", json_words(platform));
	json_put(root, "state", json_string(job_state_name(job->state)));
	json_put(root, "repository", json_words(view->repository));
	json_put(root, "worker", json_words(view->worker));
	json_put(root, "attempt", job->attempt ? json_pack("{s:i,s:I}", "number", view->attempt_number, "id",
							   (json_int_t)job->attempt) : json_null());
	json_put(root, "step", step_now_json(view));
	json_put(root, "waiting_for", json_words(waiting));
	json_put(root, "reason", json_words(job->reason));
	json_put(root, "failure", json_words(failure_class_name(job->failure)));
	json_put(root, "digest", json_words(job->digest));
	json_put(root, "size", job->size_bytes ? json_integer(job->size_bytes) : json_null());
	json_put(root, "queued_at", json_time(job->queued_ms));
	json_put(root, "started_at", json_time(job->started_ms));
	json_put(root, "finished_at", json_time(job->finished_ms));
	json_put(root, "duration_ms", duration_json(job));
	*ret_job = root;
	return 0;
}

static void add_attempt(const struct attempt_row *row, void *arg)
{
	json_t *attempt = json_object();

	json_put(attempt, "id", json_integer(row->id));
	json_put(attempt, "number", json_integer(row->number));
	json_put(attempt, "worker", json_words(row->worker));
	json_put(attempt, "state", json_string(attempt_state_name(row->state)));
	json_put(attempt, "failure", json_words(failure_class_name(row->failure)));
	json_put(attempt, "reason", json_words(row->reason));
	json_put(attempt, "failed_step", json_words(row->failed_step));
	json_put(attempt, "exit_code", json_integer(row->exit_code));
	json_put(attempt, "log_bytes", row->log_bytes < 0 ? json_null() : json_integer(row->log_bytes));
	json_put(attempt, "confirmed", json_boolean(row->is_confirmed));
	json_put(attempt, "proof", json_words(row->proof));
	json_put(attempt, "offered_at", json_time(row->offered_ms));
	json_put(attempt, "started_at", json_time(row->started_ms));
	json_put(attempt, "ended_at", json_time(row->ended_ms));
	json_put(attempt, "engine_started_at", json_time(row->engine_started_ms));
	json_put(attempt, "engine_ended_at", json_time(row->engine_ended_ms));
	json_put(attempt, "pushed_at", json_time(row->pushed_ms));
	json_array_append_new(arg, attempt);
}

static void add_step(const struct step_row *row, void *arg)
{
	json_t *step = json_object();

	json_put(step, "n", json_integer(row->n));
	json_put(step, "total", row->total ? json_integer(row->total) : json_null());
	json_put(step, "name", json_words(row->name));
	json_put(step, "cached", json_boolean(row->is_cached));
	json_put(step, "started_at", json_time(row->started_ms));
	json_put(step, "ended_at", json_time(row->ended_ms));
	json_array_append_new(arg, step);
}

int job_json_full(struct front *front, const struct job_view *view, json_t **ret_job, struct error *err)
{
	json_auto_t *root = NULL;
	json_t *attempts = json_array(), *steps = json_array();
	int rc = job_json(front, view, &root, err);

	if (rc == 0)
		rc = reader_attempts(front->reader, view->job.id, add_attempt, attempts, err);
	if (rc == 0 && view->job.attempt)
		rc = reader_steps(front->reader, view->job.attempt, add_step, steps, err);
	if (rc != 0) {
		json_decref(attempts);
		json_decref(steps);
		return -1;
	}
	json_put(root, "attempts", attempts);
	json_put(root, "steps", steps);
	*ret_job = TAKE(root);
	return 0;
}

struct views {
	struct job_view *list;
	size_t count, cap;
};

static void add_view(const struct job_view *view, void *arg)
{
	struct views *views = arg;

	if (views->count == views->cap) {
		views->cap = views->cap ? 2 * views->cap : 8;
		views->list = mem_realloc(views->list, views->cap * sizeof(*views->list));
	}
	views->list[views->count++] = *view;
}

int jobs_json(struct front *front, const struct job_filter *filter, json_t **ret_jobs, struct error *err)
{
	json_auto_t *jobs = json_array();
	struct views views = { 0 };
	int rc = reader_jobs(front->reader, filter, add_view, &views, err);

	/* After the list's own statement: words about a job may need another row. */
	for (size_t i = 0; rc == 0 && i < views.count; i++) {
		json_t *job;

		rc = job_json(front, &views.list[i], &job, err);
		if (rc == 0)
			json_array_append_new(jobs, job);
	}
	mem_free(views.list);
	if (rc < 0)
		return -1;
	*ret_jobs = TAKE(jobs);
	return 0;
}
