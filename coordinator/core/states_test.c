/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdlib.h>

#include "coordinator/core/states.h"

/* Every pair, spelled out once more by hand: rows are from, columns are to. */
static const char *const build_grid[BUILD_STATE_COUNT] = {
	/*                     OPSFC */
	[BUILD_OPEN]       = ".xxxx",
	[BUILD_PUBLISHING] = "..xx.",
	[BUILD_SUCCEEDED]  = "x....",
	[BUILD_FAILED]     = "x....",
	[BUILD_CANCELLED]  = ".....",
};
static const char *const job_grid[JOB_STATE_COUNT] = {
	/*                   QORSFgC */
	[JOB_QUEUED]     = ".x....x",
	[JOB_OFFERED]    = "x.x..x.",
	[JOB_RUNNING]    = "x..xxx.",
	[JOB_SUCCEEDED]  = ".......",
	[JOB_FAILED]     = ".......",
	[JOB_CANCELLING] = "......x",
	[JOB_CANCELLED]  = ".......",
};
static const char *const attempt_grid[ATTEMPT_STATE_COUNT] = {
	/*                      ORSFLrC */
	[ATTEMPT_OFFERED]   = ".x...xx",
	[ATTEMPT_RUNNING]   = "..xxx.x",
	[ATTEMPT_SUCCEEDED] = ".......",
	[ATTEMPT_FAILED]    = ".......",
	[ATTEMPT_LOST]      = ".......",
	[ATTEMPT_REFUSED]   = ".......",
	[ATTEMPT_CANCELLED] = ".......",
};
static const char *const tag_grid[TAG_STATE_COUNT] = {
	/*                   PMSF */
	[TAG_PENDING]    = ".xxx",
	[TAG_MOVED]      = "....",
	[TAG_SUPERSEDED] = "....",
	[TAG_FAILED]     = "x...",
};
static const char *const publish_grid[PUBLISH_STATE_COUNT] = {
	/*                    RDF */
	[PUBLISH_RUNNING] = ".xx",
	[PUBLISH_DONE]    = "...",
	[PUBLISH_FAILED]  = "...",
};
static const char *const step_grid[STEP_STATE_COUNT] = {
	/*                 PSDFK */
	[STEP_PLANNED] = ".x..x",
	[STEP_STARTED] = "x.xx.",
	[STEP_DONE]    = ".....",
	[STEP_FAILED]  = ".....",
	[STEP_SKIPPED] = ".....",
};

#define CLAIM(noun, grid, count)                                                         \
	START_TEST(a_##noun##_moves_exactly_where_its_table_says)                        \
	{                                                                                \
		for (unsigned from = 0; from < (count); from++) {                        \
			for (unsigned to = 0; to < (count); to++) {                      \
				bool may = noun##_may_move(from, to);                    \
				enum noun##_state state = from;                          \
				ck_assert_msg(may == ((grid)[from][to] == 'x'), "from %s to %s", \
					      noun##_state_name(from), noun##_state_name(to));   \
				if (!may)                                                \
					continue;                                        \
				noun##_move(&state, to);                                 \
				ck_assert_uint_eq(state, to);                            \
			}                                                                \
		}                                                                        \
	}                                                                                \
	END_TEST

CLAIM(build, build_grid, BUILD_STATE_COUNT)
CLAIM(job, job_grid, JOB_STATE_COUNT)
CLAIM(attempt, attempt_grid, ATTEMPT_STATE_COUNT)
CLAIM(tag, tag_grid, TAG_STATE_COUNT)
CLAIM(publish, publish_grid, PUBLISH_STATE_COUNT)
CLAIM(publish_step, step_grid, STEP_STATE_COUNT)

START_TEST(a_forbidden_move_ends_the_process)
{
	enum job_state state = JOB_SUCCEEDED;

	job_move(&state, JOB_RUNNING);
}
END_TEST

START_TEST(what_is_final_is_final)
{
	for (unsigned s = 0; s < BUILD_STATE_COUNT; s++)
		ck_assert_int_eq(build_state_is_final(s), s >= BUILD_SUCCEEDED);
	for (unsigned s = 0; s < JOB_STATE_COUNT; s++)
		ck_assert_int_eq(job_state_is_final(s), s == JOB_SUCCEEDED || s == JOB_FAILED || s == JOB_CANCELLED);
	for (unsigned s = 0; s < ATTEMPT_STATE_COUNT; s++)
		ck_assert_int_eq(attempt_state_is_final(s), s >= ATTEMPT_SUCCEEDED);
}
END_TEST

START_TEST(names_are_those_of_the_api)
{
	ck_assert_str_eq(build_state_name(BUILD_PUBLISHING), "publishing");
	ck_assert_str_eq(job_state_name(JOB_CANCELLING), "cancelling");
	ck_assert_str_eq(attempt_state_name(ATTEMPT_LOST), "lost");
	ck_assert_str_eq(tag_state_name(TAG_SUPERSEDED), "superseded");
	ck_assert_str_eq(publish_state_name(PUBLISH_DONE), "done");
	ck_assert_str_eq(publish_step_state_name(STEP_SKIPPED), "skipped");
	ck_assert_str_eq(publish_step_kind_name(STEP_READBACK), "readback");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("states");
	TCase *tc = tcase_create("states");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tc, a_build_moves_exactly_where_its_table_says);
	tcase_add_test(tc, a_job_moves_exactly_where_its_table_says);
	tcase_add_test(tc, a_attempt_moves_exactly_where_its_table_says);
	tcase_add_test(tc, a_tag_moves_exactly_where_its_table_says);
	tcase_add_test(tc, a_publish_moves_exactly_where_its_table_says);
	tcase_add_test(tc, a_publish_step_moves_exactly_where_its_table_says);
	tcase_add_test_raise_signal(tc, a_forbidden_move_ends_the_process, 6);
	tcase_add_test(tc, what_is_final_is_final);
	tcase_add_test(tc, names_are_those_of_the_api);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
