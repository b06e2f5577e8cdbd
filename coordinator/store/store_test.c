/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/store/store.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "common/fault.h"
#include "common/test_fds.h"
#include "coordinator/store/test_store.h"

START_TEST(every_row_that_a_core_is_rebuilt_from_comes_back_as_it_was)
{
	CLEANUP(store_closep) struct store *store = opened();
	CLEANUP(rows_clear) struct rows rows = { 0 };
	struct row *want[] = { build_of(7, BUILD_OPEN), job_of(8, 7, JOB_RUNNING), attempt_of(9, 8, ATTEMPT_RUNNING),
			       tag_of(10, 7, "r.example:5000/a/b:1", TAG_PENDING), publish_of(11, 7),
			       publish_step_of(11, 1), full_row(ROW_WORKER) };
	struct error err;

	ck_assert_msg(store_commit(store, want, 7, &err) == 0, "%s", err.msg);
	ck_assert_msg(store_load(store, &rows, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(rows.build_count, 1);
	ck_assert_uint_eq(rows.job_count, 1);
	ck_assert_uint_eq(rows.attempt_count, 1);
	ck_assert_uint_eq(rows.tag_count, 1);
	ck_assert_uint_eq(rows.publish_count, 1);
	ck_assert_uint_eq(rows.publish_step_count, 1);
	ck_assert_uint_eq(rows.worker_count, 1);
	same_row(ROW_BUILD, &rows.builds[0], &want[0]->build);
	same_row(ROW_JOB, &rows.jobs[0], &want[1]->job);
	same_row(ROW_ATTEMPT, &rows.attempts[0], &want[2]->attempt);
	same_row(ROW_TAG, &rows.tags[0], &want[3]->tag);
	same_row(ROW_PUBLISH, &rows.publishes[0], &want[4]->publish);
	same_row(ROW_PUBLISH_STEP, &rows.publish_steps[0], &want[5]->publish_step);
	same_row(ROW_WORKER, &rows.workers[0], &want[6]->worker);
	for (int i = 0; i < 7; i++)
		free_row(want[i]);
}
END_TEST

START_TEST(what_was_saved_last_is_what_is_loaded)
{
	CLEANUP(store_closep) struct store *store = opened();
	CLEANUP(rows_clear) struct rows rows = { 0 };
	struct row *later = job_of(8, 7, JOB_QUEUED);
	struct error err;

	COMMIT(store, build_of(7, BUILD_OPEN), job_of(8, 7, JOB_RUNNING));
	later->job.attempt = 0;
	later->job.not_before_ms = 123;
	later->job.reason[0] = '\0';
	ck_assert_int_eq(store_commit(store, &later, 1, &err), 0);
	ck_assert_int_eq(store_load(store, &rows, &err), 0);
	ck_assert_uint_eq(rows.job_count, 1);
	same_row(ROW_JOB, &rows.jobs[0], &later->job);
	free_row(later);
}
END_TEST

START_TEST(a_job_may_come_before_its_build_in_one_transaction)
{
	CLEANUP(store_closep) struct store *store = opened();

	COMMIT(store, attempt_of(9, 8, ATTEMPT_OFFERED), job_of(8, 7, JOB_OFFERED), build_of(7, BUILD_OPEN));
	ck_assert_str_eq(ask("SELECT project FROM jobs"), "1");
}
END_TEST

START_TEST(a_row_without_its_parent_is_refused)
{
	CLEANUP(store_closep) struct store *store = opened();
	struct row *orphan = attempt_of(9, 8, ATTEMPT_OFFERED);
	struct error err;

	ck_assert_int_eq(store_commit(store, &orphan, 1, &err), -1);
	ck_assert_int_eq(err.code, ERR_DATABASE);
	ck_assert_str_eq(ask("SELECT count(*) FROM attempts"), "0");
	/* The connection is free for the next transaction. */
	COMMIT(store, build_of(7, BUILD_OPEN));
	free_row(orphan);
}
END_TEST

START_TEST(only_builds_that_are_not_final_are_loaded_and_only_what_is_theirs)
{
	CLEANUP(store_closep) struct store *store = opened();
	CLEANUP(rows_clear) struct rows rows = { 0 };
	struct error err;

	for (int s = 0; s < BUILD_STATE_COUNT; s++) {
		int id = s + 1;

		COMMIT(store, build_of(id, (enum build_state)s), job_of(id, id, JOB_SUCCEEDED), job_of(id + 50, id, JOB_QUEUED),
		       attempt_of(id, id, ATTEMPT_LOST), attempt_of(id + 10, id, ATTEMPT_RUNNING),
		       tag_of(id, id, "r/a:1", TAG_PENDING), publish_of(id, id), publish_step_of(id, 2),
		       publish_step_of(id, 1));
	}
	ck_assert_int_eq(store_load(store, &rows, &err), 0);
	ck_assert_uint_eq(rows.build_count, 2);
	ck_assert_int_eq(rows.builds[0].state, BUILD_OPEN);
	ck_assert_int_eq(rows.builds[1].state, BUILD_PUBLISHING);
	ck_assert_uint_eq(rows.job_count, 4);
	ck_assert_uint_eq(rows.attempt_count, 4);
	ck_assert_uint_eq(rows.tag_count, 2);
	ck_assert_uint_eq(rows.publish_count, 2);
	ck_assert_uint_eq(rows.publish_step_count, 4);
	ck_assert_int_eq(rows.publish_steps[0].n, 1);
	for (size_t i = 1; i < rows.attempt_count; i++)
		ck_assert_int_lt(rows.attempts[i - 1].id, rows.attempts[i].id);
	for (size_t i = 0; i < rows.job_count; i++)
		ck_assert_int_le(rows.jobs[i].build, 2);
	ck_assert_int_eq(rows.last_build, 5);
	ck_assert_int_eq(rows.last_job, 55);
	ck_assert_int_eq(rows.last_attempt, 15);
	ck_assert_int_eq(rows.last_tag, 5);
	ck_assert_int_eq(rows.last_publish, 5);
}
END_TEST

START_TEST(a_head_is_the_newest_builds_tag_that_has_moved)
{
	CLEANUP(store_closep) struct store *store = opened();
	CLEANUP(rows_clear) struct rows rows = { 0 };
	struct error err;

	/* The newest build has a lower tag id, and the one after it has not moved. */
	COMMIT(store, build_of(1, BUILD_SUCCEEDED), build_of(2, BUILD_SUCCEEDED), build_of(3, BUILD_OPEN),
	       tag_of(9, 1, "r/a:1", TAG_MOVED), tag_of(4, 2, "r/a:1", TAG_MOVED), tag_of(5, 3, "r/a:1", TAG_PENDING),
	       tag_of(6, 1, "r/a:2", TAG_MOVED), tag_of(7, 2, "r/a:2", TAG_SUPERSEDED), tag_of(8, 2, "r/a:3", TAG_FAILED));
	ck_assert_int_eq(store_load(store, &rows, &err), 0);
	ck_assert_uint_eq(rows.head_count, 2);
	ck_assert_int_eq(rows.heads[0].id, 4);
	ck_assert_int_eq(rows.heads[0].build, 2);
	ck_assert_int_eq(rows.heads[1].id, 6);
	ck_assert_str_eq(rows.heads[1].reference, "r/a:2");
}
END_TEST

START_TEST(an_id_is_never_given_twice_even_when_its_row_was_deleted)
{
	CLEANUP(store_closep) struct store *store = opened();
	CLEANUP(rows_clear) struct rows rows = { 0 };
	struct error err;

	COMMIT(store, build_of(41, BUILD_FAILED), job_of(42, 41, JOB_FAILED), attempt_of(43, 42, ATTEMPT_FAILED),
	       step_of(43, 1, 5), event_of(41));
	by_hand("PRAGMA foreign_keys = ON; DELETE FROM builds");
	ck_assert_str_eq(ask("SELECT count(*) FROM steps"), "0");
	ck_assert_str_eq(ask("SELECT count(*) FROM events"), "0");
	ck_assert_int_eq(store_load(store, &rows, &err), 0);
	ck_assert_int_eq(rows.last_build, 41);
	ck_assert_int_eq(rows.last_job, 42);
	ck_assert_int_eq(rows.last_attempt, 43);
	ck_assert_int_eq(rows.last_tag, 0);
}
END_TEST

START_TEST(a_failed_commit_leaves_nothing_behind_and_can_be_tried_again)
{
	CLEANUP(store_closep) struct store *store = opened();
	struct row *rows[] = { build_of(1, BUILD_OPEN), job_of(1, 1, JOB_QUEUED), event_of(1) };
	struct error err;
	int nth = 1;

	for (;; nth++) {
		int rc;

		fault_arm(nth);
		rc = store_commit(store, rows, 3, &err);
		if (!fault_fired()) {
			ck_assert_int_eq(rc, 0);
			break;
		}
		ck_assert_int_eq(rc, -1);
		ck_assert_str_eq(ask("SELECT count(*) FROM builds"), "0");
	}
	fault_arm(0);
	ck_assert_int_eq(nth, 6); /* begin, three rows, commit; and one that meets none */
	ck_assert_str_eq(ask("SELECT count(*) FROM events"), "1");
	for (int i = 0; i < 3; i++)
		free_row(rows[i]);
}
END_TEST

/* Everything once, in a folder of its own, from nothing. */
static int use_store(struct error *err)
{
	CLEANUP(store_closep) struct store *store = NULL;
	CLEANUP(rows_clear) struct rows rows = { 0 };
	struct row *build = build_of(1, BUILD_OPEN);
	char text[64];
	int rc = store_open(dir, &store, err);

	if (rc == 0)
		rc = store_commit(store, &build, 1, err);
	if (rc == 0)
		rc = store_load(store, &rows, err);
	if (rc == 0)
		rc = store_create_token(store, &(struct token_grant){ "ci", SCOPE_READ, 1, 1, 0 }, text, err);
	if (rc == 0)
		rc = store_checkpoint(store, err);
	if (rc == 0)
		rc = store_truncate(store, err);
	free_row(build);
	return rc;
}

START_TEST(every_failure_is_reported_and_leaks_nothing)
{
	int nth = 1;

	for (;; nth++) {
		struct error err = { 0 };
		int rc;

		remove_folder();
		fault_arm(nth);
		rc = use_store(&err);
		if (!fault_fired()) {
			ck_assert_int_eq(rc, 0);
			break;
		}
		fault_arm(0);
		ck_assert_int_eq(rc, -1);
		ck_assert_int_ne(err.code, 0);
		ck_assert_str_ne(err.msg, "");
	}
	ck_assert_int_gt(nth, 50);
}
END_TEST

START_TEST(a_statement_that_does_not_fit_the_schema_stops_the_start)
{
	struct store *store = opened();
	struct error err;

	store_close(store);
	by_hand("ALTER TABLE events RENAME COLUMN text TO words");
	ck_assert_int_eq(store_open(dir, &store, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "no column named text"));
}
END_TEST

static mode_t mode_of(const char *name)
{
	struct stat st;

	ck_assert_int_eq(stat(in_folder(name), &st), 0);
	return st.st_mode & 0777;
}

START_TEST(nobody_else_may_read_the_file)
{
	CLEANUP(store_closep) struct store *store = NULL;
	int fd = open(in_folder("manifold.db"), O_CREAT | O_WRONLY, 0644);

	close(fd);
	umask(0);
	store = opened();
	COMMIT(store, build_of(1, BUILD_OPEN));
	ck_assert_uint_eq(mode_of("manifold.db"), 0600);
	ck_assert_uint_eq(mode_of("manifold.db-wal"), 0600);
	ck_assert_uint_eq(mode_of("manifold.db-shm"), 0600);
}
END_TEST

START_TEST(a_second_coordinator_on_one_folder_is_refused_and_told_the_pid)
{
	struct error err;
	char pid[32];
	int fd, second = -1;

	snprintf(pid, sizeof(pid), "with pid %ld:", (long)getpid());
	ck_assert_int_eq(store_lock_dir(dir, &fd, &err), 0);
	ck_assert_int_eq(store_lock_dir(dir, &second, &err), -1);
	ck_assert_int_eq(err.code, ERR_CONFLICT);
	ck_assert_ptr_nonnull(strstr(err.msg, pid));
	ck_assert_int_eq(second, -1);
	close(fd);
	ck_assert_int_eq(store_lock_dir(dir, &fd, &err), 0);
	close(fd);
}
END_TEST

START_TEST(the_folder_is_made_when_it_is_missing)
{
	CLEANUP(store_closep) struct store *store = NULL;
	struct error err;

	ck_assert_int_eq(store_open(in_folder("new"), &store, &err), 0);
	ck_assert_uint_eq(mode_of("new"), 0700);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("store");
	TCase *tc = tcase_create("store");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, count_files, no_file_left_open);
	tcase_add_checked_fixture(tc, make_folder, remove_folder);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, every_row_that_a_core_is_rebuilt_from_comes_back_as_it_was);
	tcase_add_test(tc, what_was_saved_last_is_what_is_loaded);
	tcase_add_test(tc, a_job_may_come_before_its_build_in_one_transaction);
	tcase_add_test(tc, a_row_without_its_parent_is_refused);
	tcase_add_test(tc, only_builds_that_are_not_final_are_loaded_and_only_what_is_theirs);
	tcase_add_test(tc, a_head_is_the_newest_builds_tag_that_has_moved);
	tcase_add_test(tc, an_id_is_never_given_twice_even_when_its_row_was_deleted);
	tcase_add_test(tc, a_failed_commit_leaves_nothing_behind_and_can_be_tried_again);
	tcase_add_test(tc, every_failure_is_reported_and_leaks_nothing);
	tcase_add_test(tc, a_statement_that_does_not_fit_the_schema_stops_the_start);
	tcase_add_test(tc, nobody_else_may_read_the_file);
	tcase_add_test(tc, a_second_coordinator_on_one_folder_is_refused_and_told_the_pid);
	tcase_add_test(tc, the_folder_is_made_when_it_is_missing);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
