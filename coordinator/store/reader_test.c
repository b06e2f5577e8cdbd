/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/store/reader.h"

#include "common/fault.h"
#include "common/test_fds.h"
#include "coordinator/store/test_store.h"

/* Opened by the fixture, in a folder of the test's own. */
static struct store *store;
static struct reader *reader;
static struct error err;

/* Ids of a list in the order they came. */
struct ids {
	int64_t list[600];
	int count;
};

static void on_job(const struct job_view *view, void *arg)
{
	struct ids *ids = arg;

	ids->list[ids->count++] = view->job.id;
}

static void on_build(const struct build_row *build, void *arg)
{
	struct ids *ids = arg;

	ck_assert_ptr_nonnull(strstr(build->spec, "c0ffee"));
	ids->list[ids->count++] = build->id;
}

static void open_both(void)
{
	make_folder();
	store = opened();
	ck_assert_msg(reader_open(dir, &reader, &err) == 0, "%s", err.msg);
}

static void close_both(void)
{
	reader_close(reader);
	store_close(store);
	remove_folder();
}

static void jobs_are(struct job_filter filter, const char *want)
{
	struct ids ids = { 0 };
	char have[512] = "";

	if (filter.limit == 0)
		filter.limit = 50;
	ck_assert_msg(reader_jobs(reader, &filter, on_job, &ids, &err) == 0, "%s", err.msg);
	for (int i = 0; i < ids.count; i++)
		snprintf(have + strlen(have), sizeof(have) - strlen(have), "%s%d", i ? " " : "", (int)ids.list[i]);
	ck_assert_str_eq(have, want);
}

static void builds_are(struct build_filter filter, const char *want)
{
	struct ids ids = { 0 };
	char have[512] = "";

	if (filter.limit == 0)
		filter.limit = 50;
	ck_assert_msg(reader_builds(reader, &filter, on_build, &ids, &err) == 0, "%s", err.msg);
	for (int i = 0; i < ids.count; i++)
		snprintf(have + strlen(have), sizeof(have) - strlen(have), "%s%d", i ? " " : "", (int)ids.list[i]);
	ck_assert_str_eq(have, want);
}

/* Two projects, builds 1 to 4, jobs 1 to 8: the odd ones amd64, the even ones arm64. */
static void fill(void)
{
	struct row *other = build_of(3, BUILD_OPEN);

	by_hand("INSERT INTO projects (id, name, created_ms) VALUES (2, 'other', 1)");
	other->build.project = 2;
	COMMIT(store, build_of(1, BUILD_FAILED), build_of(2, BUILD_OPEN), other, build_of(4, BUILD_PUBLISHING),
	       job_of(1, 1, JOB_FAILED), job_of(2, 1, JOB_SUCCEEDED), job_of(3, 2, JOB_QUEUED), job_of(4, 2, JOB_RUNNING),
	       job_of(5, 3, JOB_OFFERED), job_of(6, 3, JOB_CANCELLING), job_of(7, 4, JOB_SUCCEEDED),
	       job_of(8, 4, JOB_SUCCEEDED));
}

START_TEST(jobs_come_newest_first_page_by_page)
{
	fill();
	jobs_are((struct job_filter){ .state = -1, .limit = 3 }, "8 7 6");
	jobs_are((struct job_filter){ .state = -1, .limit = 3, .before = 6 }, "5 4 3");
	jobs_are((struct job_filter){ .state = -1, .before = 1 }, "");
}
END_TEST

START_TEST(jobs_are_those_that_the_whole_filter_fits)
{
	fill();
	jobs_are((struct job_filter){ .state = -1, .build = 2 }, "4 3");
	jobs_are((struct job_filter){ .state = -2, .build = 2, .platform = "linux/arm64" }, "4");
	jobs_are((struct job_filter){ .state = -2 }, "6 5 4 3");
	jobs_are((struct job_filter){ .state = -2, .project = 2 }, "6 5");
	jobs_are((struct job_filter){ .state = -2, .before = 5 }, "4 3");
	jobs_are((struct job_filter){ .state = JOB_SUCCEEDED }, "8 7 2");
	jobs_are((struct job_filter){ .state = JOB_QUEUED }, "3");
	jobs_are((struct job_filter){ .state = JOB_SUCCEEDED, .platform = "linux/amd64" }, "7");
	jobs_are((struct job_filter){ .state = -1, .platform = "linux/amd64", .before = 7 }, "5 3 1");
	jobs_are((struct job_filter){ .state = -1, .project = 2 }, "6 5");
	jobs_are((struct job_filter){ .state = JOB_OFFERED, .project = 2 }, "5");
	jobs_are((struct job_filter){ .state = JOB_OFFERED, .project = 1 }, "");
	jobs_are((struct job_filter){ .state = -1, .build = 3, .project = 1 }, "");
	jobs_are((struct job_filter){ .state = -1, .platform = "linux/arm64' OR 1 --" }, "");
}
END_TEST

START_TEST(builds_are_those_that_the_whole_filter_fits)
{
	fill();
	builds_are((struct build_filter){ .state = -1 }, "4 3 2 1");
	builds_are((struct build_filter){ .state = -1, .limit = 2, .before = 4 }, "3 2");
	builds_are((struct build_filter){ .state = -2 }, "4 3 2");
	builds_are((struct build_filter){ .state = -2, .project = 1 }, "4 2");
	builds_are((struct build_filter){ .state = BUILD_OPEN }, "3 2");
	builds_are((struct build_filter){ .state = BUILD_OPEN, .project = 2 }, "3");
	builds_are((struct build_filter){ .state = -1, .project = 1 }, "4 2 1");
}
END_TEST

START_TEST(a_page_has_an_upper_limit)
{
	struct ids ids = { 0 };

	by_hand("INSERT INTO builds (project, spec, state, reason, index_digest, is_cancelling, created_ms, finished_ms)"
		" WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600)"
		" SELECT 1, '{\"source\":{\"context\":\"c0ffee\"}}', 3, '', '', 0, 1, 2 FROM n");
	ck_assert_int_eq(reader_builds(reader, &(struct build_filter){ .state = -1, .limit = 100000 }, on_build, &ids, &err), 0);
	ck_assert_int_eq(ids.count, READER_LIMIT_MAX);
	ids.count = 0;
	ck_assert_int_eq(reader_builds(reader, &(struct build_filter){ .state = -1, .limit = -5 }, on_build, &ids, &err), 0);
	ck_assert_int_eq(ids.count, 1);
}
END_TEST

START_TEST(a_job_is_shown_with_its_worker_repository_and_the_newest_step_that_runs)
{
	struct row *job = job_of(5, 1, JOB_RUNNING);
	struct row *attempt = attempt_of(50, 5, ATTEMPT_RUNNING);
	struct row *steps[] = { step_of(50, 1, 9), step_of(50, 2, 0), step_of(50, 3, 0), step_of(50, 4, 9) };
	struct job_view view;

	attempt->attempt.log_bytes = -1;
	SET(steps[2]->step.name, "RUN make");
	ck_assert_int_eq(reader_job(reader, 5, &view, &err), READER_NONE);
	COMMIT(store, build_of(1, BUILD_OPEN), tag_of(2, 1, "r.example:5000/team/app:v1", TAG_PENDING),
	       tag_of(3, 1, "z.example/app:v1", TAG_PENDING));
	ck_assert_int_eq(store_commit(store, &job, 1, &err), 0);
	COMMIT(store, attempt_of(49, 5, ATTEMPT_LOST), attempt, steps[0], steps[1], steps[2], steps[3]);
	ck_assert_int_eq(reader_job(reader, 5, &view, &err), 0);
	same_row(ROW_JOB, &view.job, &job->job);
	ck_assert_int_eq(view.project, 1);
	ck_assert_str_eq(view.repository, "r.example:5000/team/app");
	ck_assert_str_eq(view.worker, "w0");
	ck_assert_int_eq(view.attempt_number, 50);
	ck_assert_int_eq(view.build_state, BUILD_OPEN);
	ck_assert_str_eq(view.step, "RUN make");
	ck_assert_int_eq(view.step_n, 3);
	ck_assert_int_eq(view.log_bytes, -1);
	COMMIT(store, step_of(50, 2, 9), step_of(50, 3, 9));
	ck_assert_int_eq(reader_job(reader, 5, &view, &err), 0);
	ck_assert_int_eq(view.step_n, 4);
	free_row(job);
}
END_TEST

START_TEST(a_job_without_tags_attempts_and_steps_is_shown_too)
{
	struct job_view view;

	COMMIT(store, build_of(1, BUILD_OPEN), job_of(1, 1, JOB_QUEUED));
	ck_assert_int_eq(reader_job(reader, 1, &view, &err), 0);
	ck_assert_str_eq(view.repository, "");
	ck_assert_str_eq(view.worker, "");
	ck_assert_str_eq(view.step, "");
	ck_assert_int_eq(view.attempt_number, 0);
	ck_assert_int_eq(view.log_bytes, -1);
	jobs_are((struct job_filter){ .state = -1 }, "1");
}
END_TEST

/* The rows of a list against those that were saved, in their order. */
struct expected {
	struct row *rows[3];
	int seen;
};

#define ON(name, kind, member) \
	static void name(const struct member##_row *row, void *arg) \
	{ \
		struct expected *expected = arg; \
		same_row(kind, row, &expected->rows[expected->seen++]->member); \
	}
ON(on_attempt, ROW_ATTEMPT, attempt)
ON(on_step, ROW_STEP, step)
ON(on_tag, ROW_TAG, tag)
ON(on_publish, ROW_PUBLISH, publish)
ON(on_publish_step, ROW_PUBLISH_STEP, publish_step)
ON(on_event, ROW_EVENT, event)

static struct expected saved(struct row *first, struct row *second)
{
	struct expected expected = { { first, second }, 0 };

	ck_assert_msg(store_commit(store, expected.rows, 2, &err) == 0, "%s", err.msg);
	return expected;
}

static void all_seen(struct expected *expected)
{
	ck_assert_int_eq(expected->seen, 2);
	free_row(expected->rows[0]);
	free_row(expected->rows[1]);
}

START_TEST(every_list_of_a_build_gives_what_was_saved_in_order)
{
	struct expected expected;

	COMMIT(store, build_of(1, BUILD_OPEN), job_of(2, 1, JOB_RUNNING), build_of(9, BUILD_OPEN), publish_of(8, 9));
	expected = saved(attempt_of(3, 2, ATTEMPT_LOST), attempt_of(4, 2, ATTEMPT_RUNNING));
	ck_assert_int_eq(reader_attempts(reader, 2, on_attempt, &expected, &err), 0);
	all_seen(&expected);
	expected = saved(step_of(3, 1, 5), step_of(3, 2, 0));
	ck_assert_int_eq(reader_steps(reader, 3, on_step, &expected, &err), 0);
	all_seen(&expected);
	expected = saved(tag_of(5, 1, "r/z:1", TAG_PENDING), tag_of(6, 1, "r/a:1", TAG_MOVED));
	ck_assert_int_eq(reader_tags(reader, 1, on_tag, &expected, &err), 0);
	all_seen(&expected);
	expected = saved(publish_of(5, 1), publish_of(6, 1));
	ck_assert_int_eq(reader_publishes(reader, 1, on_publish, &expected, &err), 0);
	all_seen(&expected);
	expected = saved(publish_step_of(8, 1), publish_step_of(8, 2));
	ck_assert_int_eq(reader_publish_steps(reader, 8, on_publish_step, &expected, &err), 0);
	all_seen(&expected);
	expected = saved(event_of(1), event_of(1));
	ck_assert_int_eq(reader_events(reader, 1, on_event, &expected, &err), 0);
	all_seen(&expected);
}
END_TEST

START_TEST(one_row_is_found_by_its_id_or_is_none)
{
	struct row *build = build_of(1, BUILD_OPEN);
	struct row *attempt = attempt_of(3, 2, ATTEMPT_RUNNING);
	struct build_row build_row;
	struct attempt_row attempt_row;

	ck_assert_int_eq(store_commit(store, &build, 1, &err), 0);
	COMMIT(store, job_of(2, 1, JOB_RUNNING));
	ck_assert_int_eq(store_commit(store, &attempt, 1, &err), 0);
	ck_assert_int_eq(reader_build(reader, 1, &build_row, &err), 0);
	same_row(ROW_BUILD, &build_row, &build->build);
	ck_assert_int_eq(reader_build(reader, 2, &build_row, &err), READER_NONE);
	ck_assert_int_eq(reader_attempt(reader, 3, &attempt_row, &err), 0);
	same_row(ROW_ATTEMPT, &attempt_row, &attempt->attempt);
	ck_assert_int_eq(reader_attempt(reader, 4, &attempt_row, &err), READER_NONE);
	mem_free(build_row.spec);
	free_row(build);
	free_row(attempt);
}
END_TEST

static void on_worker(const struct worker_row *row, int live_attempts, void *arg)
{
	int *live = arg;

	ck_assert_int_eq(row->name[0], 'w');
	ck_assert(row->is_connected);
	live[row->name[1] - '0'] = live_attempts;
}

START_TEST(a_worker_is_shown_with_the_attempts_it_holds)
{
	struct row *workers[] = { full_row(ROW_WORKER), full_row(ROW_WORKER), full_row(ROW_WORKER) };
	int live[3] = { -1, -1, -1 };

	SET(workers[0]->worker.name, "w0"), SET(workers[1]->worker.name, "w1"), SET(workers[2]->worker.name, "w2");
	COMMIT(store, workers[0], workers[1], workers[2], build_of(1, BUILD_OPEN), job_of(1, 1, JOB_RUNNING),
	       attempt_of(1, 1, ATTEMPT_LOST), attempt_of(3, 1, ATTEMPT_RUNNING), attempt_of(5, 1, ATTEMPT_OFFERED),
	       attempt_of(2, 1, ATTEMPT_SUCCEEDED));
	ck_assert_int_eq(reader_workers(reader, on_worker, live, &err), 0);
	ck_assert_int_eq(live[0], 0);
	ck_assert_int_eq(live[1], 2);
	ck_assert_int_eq(live[2], 0);
}
END_TEST

START_TEST(what_is_read_between_begin_and_end_is_one_moment)
{
	fill();
	ck_assert_int_eq(reader_begin(reader, &err), 0);
	jobs_are((struct job_filter){ .state = -1, .limit = 1 }, "8");
	COMMIT(store, job_of(9, 4, JOB_QUEUED));
	jobs_are((struct job_filter){ .state = -1, .limit = 1 }, "8");
	reader_end(reader);
	jobs_are((struct job_filter){ .state = -1, .limit = 1 }, "9");
}
END_TEST

static bool is_wanted(const char *digest)
{
	bool wanted;

	ck_assert_int_eq(reader_context_is_wanted(reader, digest, &wanted, &err), 0);
	return wanted;
}

START_TEST(a_context_is_wanted_while_its_build_is_open_or_one_of_its_jobs_lives)
{
	COMMIT(store, build_of(1, BUILD_OPEN), job_of(1, 1, JOB_QUEUED));
	ck_assert(is_wanted("sha256:c0ffee"));
	ck_assert(!is_wanted("sha256:c0ffe"));
	COMMIT(store, build_of(1, BUILD_FAILED), job_of(1, 1, JOB_CANCELLING));
	ck_assert(is_wanted("sha256:c0ffee"));
	COMMIT(store, job_of(1, 1, JOB_CANCELLED));
	ck_assert(!is_wanted("sha256:c0ffee"));
}
END_TEST

START_TEST(a_file_of_another_schema_is_not_read)
{
	struct reader *other = NULL;

	by_hand("PRAGMA user_version = 2");
	ck_assert_int_eq(reader_open(dir, &other, &err), -1);
	ck_assert_int_eq(err.code, ERR_CONFLICT);
	ck_assert_ptr_null(other);
}
END_TEST

START_TEST(a_text_that_is_too_long_is_an_error_and_not_cut)
{
	struct attempt_row row;

	COMMIT(store, build_of(1, BUILD_OPEN), job_of(1, 1, JOB_RUNNING), attempt_of(3, 1, ATTEMPT_RUNNING));
	by_hand("UPDATE attempts SET worker = printf('%.*c', 64, 'x')");
	ck_assert_int_eq(reader_attempt(reader, 3, &row, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "column worker"));
	by_hand("UPDATE attempts SET worker = printf('%.*c', 63, 'x'), exit_code = 5000000000");
	ck_assert_int_eq(reader_attempt(reader, 3, &row, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "column exit_code"));
}
END_TEST

static int use_reader(void)
{
	CLEANUP(reader_closep) struct reader *own = NULL;
	struct build_row build = { 0 };
	struct job_view view;
	struct token_info info;
	struct ids ids = { 0 };
	bool wanted;
	int rc = reader_open(dir, &own, &err);

	if (rc == 0)
		rc = reader_begin(own, &err);
	if (rc == 0)
		rc = reader_build(own, 1, &build, &err);
	mem_free(build.spec);
	if (rc == 0)
		rc = reader_job(own, 1, &view, &err);
	if (rc == 0)
		rc = reader_jobs(own, &(struct job_filter){ .state = -2, .limit = 9 }, on_job, &ids, &err);
	if (rc == 0)
		rc = reader_builds(own, &(struct build_filter){ .state = -1, .limit = 9 }, on_build, &ids, &err);
	if (rc == 0)
		rc = reader_context_is_wanted(own, "x", &wanted, &err);
	if (rc == 0)
		rc = reader_token(own, "mfd_x", 1, &info, &err) == READER_NONE ? 0 : -1;
	return rc;
}

START_TEST(every_failure_is_reported_and_leaks_nothing)
{
	int nth = 1;

	fill();
	for (;; nth++) {
		int rc;

		memset(&err, 0, sizeof(err));
		fault_arm(nth);
		rc = use_reader();
		if (!fault_fired()) {
			ck_assert_int_eq(rc, 0);
			break;
		}
		fault_arm(0);
		ck_assert_int_eq(rc, -1);
		ck_assert_int_ne(err.code, 0);
	}
	ck_assert_int_gt(nth, 40);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reader");
	TCase *tc = tcase_create("reader");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, count_files, no_file_left_open);
	tcase_add_checked_fixture(tc, open_both, close_both);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, jobs_come_newest_first_page_by_page);
	tcase_add_test(tc, jobs_are_those_that_the_whole_filter_fits);
	tcase_add_test(tc, builds_are_those_that_the_whole_filter_fits);
	tcase_add_test(tc, a_page_has_an_upper_limit);
	tcase_add_test(tc, a_job_is_shown_with_its_worker_repository_and_the_newest_step_that_runs);
	tcase_add_test(tc, a_job_without_tags_attempts_and_steps_is_shown_too);
	tcase_add_test(tc, every_list_of_a_build_gives_what_was_saved_in_order);
	tcase_add_test(tc, one_row_is_found_by_its_id_or_is_none);
	tcase_add_test(tc, a_worker_is_shown_with_the_attempts_it_holds);
	tcase_add_test(tc, what_is_read_between_begin_and_end_is_one_moment);
	tcase_add_test(tc, a_context_is_wanted_while_its_build_is_open_or_one_of_its_jobs_lives);
	tcase_add_test(tc, a_file_of_another_schema_is_not_read);
	tcase_add_test(tc, a_text_that_is_too_long_is_an_error_and_not_cut);
	tcase_add_test(tc, every_failure_is_reported_and_leaks_nothing);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
