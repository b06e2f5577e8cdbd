/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/store/sql.h"

#include "common/test_fds.h"
#include "coordinator/store/test_store.h"

static bool is_list(enum query query)
{
	return query >= Q_READER_FIRST && query < Q_READER_END && query != Q_WORKERS;
}

/* Every line of the plan of a statement goes to line(). */
static void explain(sqlite3 *handle, const char *statement, void (*line)(const char *statement, const char *detail))
{
	char *text = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", statement);
	sqlite3_stmt *stmt;
	int lines = 0;

	ck_assert_msg(sqlite3_prepare_v2(handle, text, -1, &stmt, NULL) == SQLITE_OK, "%s", sqlite3_errmsg(handle));
	for (; sqlite3_step(stmt) == SQLITE_ROW; lines++)
		line(statement, (const char *)sqlite3_column_text(stmt, 3));
	ck_assert_int_gt(lines, 0);
	sqlite3_finalize(stmt);
	sqlite3_free(text);
}

static void no_scan(const char *statement, const char *detail)
{
	/* A constant row (the EXISTS of the context look-up) is no table. */
	ck_assert_msg(strncmp(detail, "SCAN ", 5) != 0 || strstr(detail, "CONSTANT ROW"), "%s: %s", detail, statement);
}

static void no_sort_of_a_list(const char *statement, const char *detail)
{
	if (strstr(statement, "LIMIT :limit") && !strstr(statement, "JOIN"))
		ck_assert_msg(!strstr(detail, "TEMP B-TREE"), "%s: %s", detail, statement);
}

START_TEST(no_statement_of_the_reader_scans_a_table)
{
	struct store *store = opened();
	sqlite3 *handle;

	store_close(store);
	ck_assert_int_eq(sqlite3_open(in_folder("manifold.db"), &handle), SQLITE_OK);
	for (enum query q = Q_READER_FIRST; q < Q_READER_END; q++) {
		if (!is_list(q))
			continue;
		explain(handle, query_sql(q), no_scan);
		explain(handle, query_sql(q), no_sort_of_a_list);
	}
	sqlite3_close(handle);
}
END_TEST

/* The whole plan of a statement, for the lists whose own steps sort a few rows. */
static char plan[8192];

static void remember(const char *statement, const char *detail)
{
	(void)statement;
	snprintf(plan + strlen(plan), sizeof(plan) - strlen(plan), "%s\n", detail);
}

START_TEST(each_list_of_jobs_is_led_by_its_own_index)
{
	static const struct { enum query query; const char *lead; } want[] = {
		{ Q_JOBS, "SEARCH j USING INTEGER PRIMARY KEY (rowid<?)" },
		{ Q_JOBS_BUILD, "SEARCH j USING INDEX jobs_build (build=? AND rowid<?)" },
		{ Q_JOBS_LIVE, "SEARCH j USING INDEX jobs_live (id<?)" },
		{ Q_JOBS_STATE, "SEARCH j USING INDEX jobs_state (state=? AND rowid<?)" },
		{ Q_JOBS_PROJECT, "SEARCH j USING INDEX jobs_project (project=? AND rowid<?)" },
		{ Q_JOBS_PROJECT_STATE, "SEARCH j USING INDEX jobs_project_state (project=? AND state=? AND rowid<?)" },
		{ Q_JOBS_PLATFORM, "SEARCH j USING INDEX jobs_platform (platform=? AND rowid<?)" },
	};
	struct store *store = opened();
	sqlite3 *handle;

	store_close(store);
	ck_assert_int_eq(sqlite3_open(in_folder("manifold.db"), &handle), SQLITE_OK);
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		plan[0] = '\0';
		explain(handle, query_sql(want[i].query), remember);
		ck_assert_msg(strncmp(plan, want[i].lead, strlen(want[i].lead)) == 0, "want %s, have %s", want[i].lead, plan);
	}
	sqlite3_close(handle);
}
END_TEST

/* One job that runs, one that failed, one that backs off; and one that waits. */
static void fill(void)
{
	CLEANUP(store_closep) struct store *store = opened();
	struct row *jobs[] = { job_of(1, 1, JOB_RUNNING), job_of(2, 1, JOB_FAILED), job_of(3, 1, JOB_QUEUED),
			       job_of(4, 1, JOB_QUEUED) };
	struct row *step = step_of(10, 2, 0);

	for (int i = 0; i < 4; i++) {
		jobs[i]->job.queued_ms = 1700000000000;
		jobs[i]->job.started_ms = i < 2 ? 1700000001500 : 0;
		jobs[i]->job.finished_ms = i == 1 ? 1700000061500 : 0;
		jobs[i]->job.not_before_ms = i == 2 ? 4102444800000 : 1;
		if (i != 1)
			jobs[i]->job.failure = CLASS_NONE, SET(jobs[i]->job.reason, "");
	}
	step->step.total = 5;
	SET(step->step.name, "RUN make");
	COMMIT(store, build_of(1, BUILD_OPEN), tag_of(1, 1, "127.0.0.1:5000/app:v1", TAG_PENDING), jobs[0], jobs[1], jobs[2],
	       jobs[3], attempt_of(10, 1, ATTEMPT_RUNNING), step_of(10, 1, 5), step);
}

#define TABLE(column, job) ask("SELECT " column " FROM job_table WHERE job = " #job)

START_TEST(the_job_table_answers_an_operator)
{
	fill();
	ck_assert_str_eq(ask("SELECT group_concat(job) FROM (SELECT * FROM job_table)"), "4,3,2,1");
	ck_assert_str_eq(TABLE("state", 1), "running");
	ck_assert_str_eq(TABLE("platform", 1), "linux/amd64");
	ck_assert_str_eq(TABLE("repository", 1), "127.0.0.1:5000/app");
	ck_assert_str_eq(TABLE("worker", 1), "w0");
	ck_assert_str_eq(TABLE("step", 1), "2/5 RUN make");
	ck_assert_str_eq(TABLE("started", 1), "2023-11-14T22:13:21Z");
	ck_assert_str_eq(TABLE("finished IS NULL", 1), "1");
	ck_assert_str_eq(TABLE("queued_s", 1), "1.5");
	ck_assert_str_eq(TABLE("ran_s > 1000000", 1), "1");
	ck_assert_str_eq(TABLE("project", 1), "default");
	ck_assert_str_eq(TABLE("failure", 2), "infra");
	ck_assert_str_eq(TABLE("ran_s", 2), "60.0");
	ck_assert_str_eq(TABLE("waiting_for", 3), "back-off until 2100-01-01T00:00:00Z");
	ck_assert_str_eq(TABLE("waiting_for", 4), "");
	ck_assert_str_eq(TABLE("state", 4), "queued");
	ck_assert_str_eq(TABLE("step", 4), "");
	ck_assert_str_eq(TABLE("ran_s IS NULL", 4), "1");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sql");
	TCase *tc = tcase_create("sql");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, count_files, no_file_left_open);
	tcase_add_checked_fixture(tc, make_folder, remove_folder);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, no_statement_of_the_reader_scans_a_table);
	tcase_add_test(tc, each_list_of_jobs_is_led_by_its_own_index);
	tcase_add_test(tc, the_job_table_answers_an_operator);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
