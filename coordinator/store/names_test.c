/* SPDX-License-Identifier: Apache-2.0 */
/* The names in the schema's state_names against those of coordinator/core/states.h and the wire. */
#include "common/test_fds.h"
#include "coordinator/core/states.h"
#include "coordinator/store/test_store.h"

#define NAME(function, type) \
	static const char *function##_of(int number) { return function((enum type)number); }
NAME(build_state_name, build_state)
NAME(job_state_name, job_state)
NAME(attempt_state_name, attempt_state)
NAME(tag_state_name, tag_state)
NAME(publish_state_name, publish_state)
NAME(publish_step_kind_name, publish_step_kind)
NAME(publish_step_state_name, publish_step_state)
NAME(failure_class_name, failure_class)

static const struct { const char *machine; int count; const char *(*name)(int number); } machines[] = {
	{ "build", BUILD_STATE_COUNT, build_state_name_of },
	{ "job", JOB_STATE_COUNT, job_state_name_of },
	{ "attempt", ATTEMPT_STATE_COUNT, attempt_state_name_of },
	{ "tag", TAG_STATE_COUNT, tag_state_name_of },
	{ "publish", PUBLISH_STATE_COUNT, publish_state_name_of },
	{ "step_kind", STEP_READBACK + 1, publish_step_kind_name_of },
	{ "step", STEP_STATE_COUNT, publish_step_state_name_of },
	{ "failure", CLASS_COUNT, failure_class_name_of },
};
#define MACHINES (sizeof(machines) / sizeof(machines[0]))

START_TEST(the_schema_calls_each_state_as_the_core_does)
{
	struct store *store = opened();
	char statement[256];
	int total = 0;

	store_close(store);
	for (size_t m = 0; m < MACHINES; m++) {
		for (int number = 0; number < machines[m].count; number++, total++) {
			snprintf(statement, sizeof(statement), "SELECT name FROM state_names WHERE machine = '%s'"
				 " AND number = %d", machines[m].machine, number);
			ck_assert_str_eq(ask(statement), machines[m].name(number));
		}
	}
	snprintf(statement, sizeof(statement), "%d", total);
	ck_assert_str_eq(ask("SELECT count(*) FROM state_names"), statement);
}
END_TEST

/* Which states the partial indexes and the reader's statements call live. */
START_TEST(what_the_schema_calls_live_is_what_the_core_calls_not_final)
{
	static const int live_jobs[JOB_STATE_COUNT] = { 1, 1, 1, 0, 0, 1, 0 };
	static const int live_attempts[ATTEMPT_STATE_COUNT] = { 1, 1, 0, 0, 0, 0, 0 };
	static const int live_builds[BUILD_STATE_COUNT] = { 1, 1, 0, 0, 0 };

	for (int s = 0; s < JOB_STATE_COUNT; s++)
		ck_assert_int_eq(!job_state_is_final((enum job_state)s), live_jobs[s]);
	for (int s = 0; s < ATTEMPT_STATE_COUNT; s++)
		ck_assert_int_eq(!attempt_state_is_final((enum attempt_state)s), live_attempts[s]);
	for (int s = 0; s < BUILD_STATE_COUNT; s++)
		ck_assert_int_eq(!build_state_is_final((enum build_state)s), live_builds[s]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("names");
	TCase *tc = tcase_create("names");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, count_files, no_file_left_open);
	tcase_add_checked_fixture(tc, make_folder, remove_folder);
	tcase_add_test(tc, the_schema_calls_each_state_as_the_core_does);
	tcase_add_test(tc, what_the_schema_calls_live_is_what_the_core_calls_not_final);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
