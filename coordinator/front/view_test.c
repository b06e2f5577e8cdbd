/* SPDX-License-Identifier: Apache-2.0 */
/* Rows as the API shows them. */
#include <time.h>

#include "coordinator/front/test_front.h"

#define SET(array, text) snprintf(array, sizeof(array), "%s", text)

static json_t *get_json(const char *path, const char *token_text)
{
	struct reply reply = get(path, token_text);

	return json_of(&reply, 200);
}

static void is_at(const json_t *root, const char *path, const char *text)
{
	ck_assert_msg(!strcmp(at(root, path), text), "%s: %s, not %s", path, at(root, path), text);
}

static void set_reason(const char *platform, const char *text)
{
	struct wait_reason *list = mem_alloc(sizeof(*list));

	SET(list->platform, platform);
	SET(list->text, text);
	front_set_reasons(world.front, list, 1);
}

START_TEST(a_waiting_job_says_what_for)
{
	json_auto_t *before = NULL, *after = NULL;

	start();
	commit_build(1, 1, BUILD_OPEN);
	commit(job_row(1, 1, JOB_QUEUED, 0));
	before = get_json("/v1/jobs", world.reader);
	is_at(before, "jobs.0.waiting_for", "\"its turn\"");
	is_at(before, "jobs.0.attempt", "null");
	is_at(before, "jobs.0.started_at", "null");
	is_at(before, "jobs.0.duration_ms", "null");
	is_at(before, "jobs.0.queued_at", "\"2023-11-14T22:13:20.000Z\"");
	set_reason("linux/arm64", "not this one");
	set_reason("linux/amd64", "no connected worker offers linux/amd64");
	after = get_json("/v1/jobs/1", world.reader);
	is_at(after, "waiting_for", "\"no connected worker offers linux/amd64\"");
}
END_TEST

START_TEST(a_job_in_back_off_says_until_when_and_why)
{
	struct row *job = job_row(1, 1, JOB_QUEUED, 10);
	json_auto_t *root = NULL;
	char wanted[128];
	struct tm parts;
	time_t until = time(NULL) + 3600;

	start();
	commit_build(1, 1, BUILD_OPEN);
	job->job.not_before_ms = (int64_t)until * 1000;
	commit(job);
	commit(attempt_row(10, 1, 3, ATTEMPT_LOST));
	gmtime_r(&until, &parts);
	strftime(wanted, sizeof(wanted), "\"until %H:%M:%SZ after attempt 3 was lost\"", &parts);
	root = get_json("/v1/jobs/1", world.reader);
	is_at(root, "waiting_for", wanted);
}
END_TEST

START_TEST(other_states_wait_for_a_worker_or_nothing)
{
	json_auto_t *root = NULL;

	start();
	commit_build(1, 1, BUILD_OPEN);
	commit(job_row(1, 1, JOB_OFFERED, 10));
	commit(attempt_row(10, 1, 1, ATTEMPT_OFFERED));
	commit(job_row(2, 1, JOB_CANCELLING, 20));
	commit(attempt_row(20, 2, 1, ATTEMPT_RUNNING));
	commit(job_row(3, 1, JOB_RUNNING, 30));
	commit(attempt_row(30, 3, 1, ATTEMPT_RUNNING));
	root = get_json("/v1/jobs", world.reader);
	is_at(root, "jobs.2.waiting_for", "\"worker w1 to accept it\"");
	is_at(root, "jobs.1.waiting_for", "\"worker w1 to say that nothing of it runs any more\"");
	is_at(root, "jobs.0.waiting_for", "null");
	is_at(root, "next_before", "null");
}
END_TEST

static struct row *finished_job(void)
{
	struct row *job = job_row(1, 1, JOB_FAILED, 10);

	job->job.started_ms = job->job.queued_ms + 1000;
	job->job.finished_ms = job->job.queued_ms + 3500;
	job->job.failure = CLASS_BUILD;
	SET(job->job.reason, "RUN make failed with exit status 2");
	SET(job->job.digest, DIGEST_A);
	job->job.size_bytes = 1234;
	return job;
}

static struct row *finished_attempt(void)
{
	struct row *row = attempt_row(10, 1, 2, ATTEMPT_FAILED);

	row->attempt.failure = CLASS_BUILD;
	row->attempt.exit_code = 2;
	row->attempt.log_bytes = 77;
	SET(row->attempt.failed_step, "RUN make");
	SET(row->attempt.proof, "executed amd64");
	row->attempt.engine_started_ms = 1700000001001;
	row->attempt.pushed_ms = 1700000001002;
	return row;
}

static struct row *step_row(int n, const char *name)
{
	struct row *row = row_new(ROW_STEP);

	row->step.attempt = 10;
	row->step.n = n;
	row->step.total = 4;
	row->step.started_ms = 1700000001000 + n;
	SET(row->step.name, name);
	return row;
}

START_TEST(one_job_comes_with_its_attempts_and_steps)
{
	json_auto_t *root = NULL;

	start();
	commit_build(1, 1, BUILD_FAILED);
	commit(finished_job());
	commit(attempt_row(9, 1, 1, ATTEMPT_LOST));
	commit(finished_attempt());
	commit(step_row(1, "FROM base"));
	commit(step_row(2, "RUN make"));
	root = get_json("/v1/jobs/1", world.reader);
	is_at(root, "state", "\"failed\"");
	is_at(root, "failure", "\"build\"");
	is_at(root, "reason", "\"RUN make failed with exit status 2\"");
	is_at(root, "duration_ms", "2500");
	is_at(root, "size", "1234");
	is_at(root, "digest", "\"" DIGEST_A "\"");
	is_at(root, "worker", "\"w1\"");
	is_at(root, "attempt", "{\"id\":10,\"number\":2}");
	is_at(root, "platform", "\"linux/amd64\"");
	is_at(root, "step.name", "\"RUN make\"");
	is_at(root, "step.n", "2");
	is_at(root, "step.total", "4");
	is_at(root, "attempts.0.state", "\"lost\"");
	is_at(root, "attempts.0.log_bytes", "null");
	is_at(root, "attempts.1.number", "2");
	is_at(root, "attempts.1.log_bytes", "77");
	is_at(root, "attempts.1.exit_code", "2");
	is_at(root, "attempts.1.failed_step", "\"RUN make\"");
	is_at(root, "attempts.1.proof", "\"executed amd64\"");
	is_at(root, "attempts.1.engine_started_at", "\"2023-11-14T22:13:21.001Z\"");
	is_at(root, "attempts.1.engine_ended_at", "null");
	is_at(root, "attempts.1.pushed_at", "\"2023-11-14T22:13:21.002Z\"");
	is_at(root, "steps.0.name", "\"FROM base\"");
	is_at(root, "steps.1.n", "2");
}
END_TEST

static void commit_publish(void)
{
	struct row *tag = row_new(ROW_TAG), *publish = row_new(ROW_PUBLISH), *step = row_new(ROW_PUBLISH_STEP);
	struct row *event = row_new(ROW_EVENT);

	tag->tag.id = 3;
	tag->tag.build = 1;
	tag->tag.state = TAG_MOVED;
	SET(tag->tag.reference, "r.example/a:1");
	SET(tag->tag.digest, DIGEST_A);
	tag->tag.moved_ms = 1700000009000;
	commit(tag);
	publish->publish.id = 4;
	publish->publish.build = 1;
	publish->publish.number = 1;
	publish->publish.state = PUBLISH_DONE;
	SET(publish->publish.index_digest, DIGEST_A);
	commit(publish);
	step->publish_step.publish = 4;
	step->publish_step.n = 1;
	step->publish_step.kind = STEP_TAG;
	step->publish_step.state = STEP_DONE;
	step->publish_step.tag = 3;
	step->publish_step.tries = 2;
	commit(step);
	event->event.build = 1;
	event->event.at_ms = 1700000009001;
	SET(event->event.kind, "tag.moved");
	/* A text that was cut in the middle of a character. */
	SET(event->event.text, "moved r.example/a:1 \xc3");
	commit(event);
}

START_TEST(one_build_comes_with_everything_of_it)
{
	json_auto_t *root = NULL, *list = NULL;

	start();
	commit_build(1, 1, BUILD_SUCCEEDED);
	commit(job_row(1, 1, JOB_SUCCEEDED, 0));
	commit(job_row(2, 1, JOB_SUCCEEDED, 0));
	commit_publish();
	root = get_json("/v1/builds/1", world.reader);
	is_at(root, "state", "\"succeeded\"");
	is_at(root, "spec.source.context", "\"" DIGEST_A "\"");
	is_at(root, "platforms.0", "\"linux/amd64\"");
	is_at(root, "created_at", "\"2023-11-14T22:13:20.123Z\"");
	is_at(root, "finished_at", "null");
	is_at(root, "tags.0.reference", "\"r.example/a:1\"");
	is_at(root, "tags.0.state", "\"moved\"");
	is_at(root, "tags.0.digest", "\"" DIGEST_A "\"");
	is_at(root, "jobs.0.id", "1");
	is_at(root, "jobs.1.id", "2");
	is_at(root, "jobs.0.repository", "\"r.example/a\"");
	is_at(root, "publishes.0.state", "\"done\"");
	is_at(root, "publishes.0.steps.0.kind", "\"tag\"");
	is_at(root, "publishes.0.steps.0.tag", "\"r.example/a:1\"");
	is_at(root, "publishes.0.steps.0.tries", "2");
	is_at(root, "events.0.kind", "\"tag.moved\"");
	is_at(root, "events.0.text", "\"moved r.example/a:1 ?\"");
	list = get_json("/v1/builds", world.reader);
	is_at(list, "builds.0.id", "1");
	is_at(list, "builds.0.tags.0.state", "\"moved\"");
	is_at(list, "builds.0.spec", "(absent)");
}
END_TEST

START_TEST(lists_go_on_by_key)
{
	json_auto_t *first = NULL, *second = NULL, *third = NULL;

	start();
	for (int id = 1; id <= 5; id++)
		commit_build(id, 1, id == 3 ? BUILD_FAILED : BUILD_OPEN);
	first = get_json("/v1/builds?limit=2", world.reader);
	is_at(first, "builds.0.id", "5");
	is_at(first, "next_before", "4");
	second = get_json("/v1/builds?limit=2&before=4&state=open", world.reader);
	is_at(second, "builds.0.id", "2");
	is_at(second, "builds.1.id", "1");
	third = get_json("/v1/builds?state=failed", world.reader);
	is_at(third, "builds.0.id", "3");
	is_at(third, "builds.1", "(absent)");
	is_at(third, "next_before", "null");
}
END_TEST

START_TEST(jobs_are_filtered)
{
	static const struct { const char *query, *first, *second; } cases[] = {
		{ "", "3", "2" }, { "?build=1", "2", "1" }, { "?state=running", "2", "(absent)" },
		{ "?state=live", "3", "2" }, { "?state=succeeded", "1", "(absent)" }, { "?before=3", "2", "1" },
		{ "?platform=linux/amd64", "3", "2" }, { "?platform=linux/arm64", "(absent)", "(absent)" },
		{ "?platform=linux%2Fx86_64&build=2", "3", "(absent)" }, { "?limit=1", "3", "(absent)" },
	};

	start();
	commit_build(1, 1, BUILD_OPEN);
	commit_build(2, 1, BUILD_OPEN);
	commit(job_row(1, 1, JOB_SUCCEEDED, 0));
	commit(job_row(2, 1, JOB_RUNNING, 0));
	commit(job_row(3, 2, JOB_QUEUED, 0));
	for (size_t i = 0; i < LENGTH(cases); i++) {
		json_auto_t *root = NULL;
		char path[128];

		snprintf(path, sizeof(path), "/v1/jobs%s", cases[i].query);
		root = get_json(path, world.reader);
		is_at(root, "jobs.0.id", cases[i].first);
		is_at(root, "jobs.1.id", cases[i].second);
	}
}
END_TEST

START_TEST(bad_filters_are_named)
{
	static const struct { const char *path, *says; } cases[] = {
		{ "/v1/jobs?state=done", "state=done" }, { "/v1/builds?state=live", "state=live" },
		{ "/v1/jobs?platform=amd64", "amd64" }, { "/v1/jobs?limit=0", "limit=0" },
		{ "/v1/jobs?limit=201", "200" }, { "/v1/builds?before=0", "before" }, { "/v1/builds?page=2", "page" },
		 { "/v1/builds/1?x=1", "unknown parameter x" }, { "/v1/jobs?build", "name=value" },
	};

	start();
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct reply reply = get(cases[i].path, world.reader);

		is_error(&reply, 400, "invalid", cases[i].says);
	}
}
END_TEST

START_TEST(a_project_sees_only_its_own)
{
	static const char *const others[] = { "/v1/builds/1", "/v1/jobs/1", "/v1/jobs/1/log" };
	json_auto_t *builds = NULL, *jobs = NULL, *all = NULL;
	struct reply reply;

	start();
	commit_build(1, 1, BUILD_OPEN);
	commit(job_row(1, 1, JOB_QUEUED, 0));
	commit_build(2, 2, BUILD_OPEN);
	commit(job_row(2, 2, JOB_QUEUED, 0));
	for (size_t i = 0; i < LENGTH(others); i++) {
		reply = get(others[i], world.stranger);
		is_error(&reply, 404, "not_found", " 1");
		reply = get(others[i], world.admin);
		ck_assert_int_eq(reply.status, 200);
		reply_clear(&reply);
	}
	reply = post("/v1/builds/1/cancel", world.stranger, NULL);
	is_error(&reply, 404, "not_found", "no build 1");
	builds = get_json("/v1/builds", world.stranger);
	is_at(builds, "builds.0.id", "2");
	is_at(builds, "builds.1", "(absent)");
	jobs = get_json("/v1/jobs", world.stranger);
	is_at(jobs, "jobs.0.id", "2");
	is_at(jobs, "jobs.1", "(absent)");
	all = get_json("/v1/jobs", world.admin);
	is_at(all, "jobs.1.id", "1");
}
END_TEST

START_TEST(workers_are_listed_with_what_refuses_them)
{
	struct row *row = row_new(ROW_WORKER);
	json_auto_t *root = NULL;

	start();
	SET(row->worker.name, "w1");
	row->worker.is_connected = true;
	row->worker.slots = 3;
	SET(row->worker.platforms, "linux/amd64,linux/amd64/v3");
	SET(row->worker.refused_because, "a foreign binfmt_misc handler is enabled");
	SET(row->worker.remedy, "echo -1 > /proc/sys/fs/binfmt_misc/qemu-aarch64");
	row->worker.first_seen_ms = 1700000000000;
	commit(row);
	commit_build(1, 1, BUILD_OPEN);
	commit(job_row(1, 1, JOB_RUNNING, 10));
	commit(attempt_row(10, 1, 1, ATTEMPT_RUNNING));
	root = get_json("/v1/workers", world.reader);
	is_at(root, "workers.0.name", "\"w1\"");
	is_at(root, "workers.0.connected", "true");
	is_at(root, "workers.0.platforms", "[\"linux/amd64\",\"linux/amd64/v3\"]");
	is_at(root, "workers.0.slots", "3");
	is_at(root, "workers.0.live_attempts", "1");
	is_at(root, "workers.0.remedy", "\"echo -1 > /proc/sys/fs/binfmt_misc/qemu-aarch64\"");
	is_at(root, "workers.0.first_seen_at", "\"2023-11-14T22:13:20.000Z\"");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("view");

	tcase_add_test(tcase, a_waiting_job_says_what_for);
	tcase_add_test(tcase, a_job_in_back_off_says_until_when_and_why);
	tcase_add_test(tcase, other_states_wait_for_a_worker_or_nothing);
	tcase_add_test(tcase, one_job_comes_with_its_attempts_and_steps);
	tcase_add_test(tcase, one_build_comes_with_everything_of_it);
	tcase_add_test(tcase, lists_go_on_by_key);
	tcase_add_test(tcase, jobs_are_filtered);
	tcase_add_test(tcase, bad_filters_are_named);
	tcase_add_test(tcase, a_project_sees_only_its_own);
	tcase_add_test(tcase, workers_are_listed_with_what_refuses_them);
	return run_tests(tcase, "view");
}
