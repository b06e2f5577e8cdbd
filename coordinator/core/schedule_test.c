/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/core/testing.h"

#define AMD "linux/amd64"
#define ARM "linux/arm64"

static struct rig *rig;

static void setup(void)
{
	rig = rig_new();
}

static void teardown(void)
{
	rig_free(rig);
}

static struct wire_message drain(void)
{
	return (struct wire_message){ .type = WIRE_DRAIN, .drain = { "stopping" } };
}

START_TEST(a_job_waits_for_its_exact_platform)
{
	rig_submit(rig, 1, "linux/amd64/v3", "");
	ck_assert_str_eq(rig_reason(rig, "linux/amd64/v3"), "no connected worker offers linux/amd64/v3");
	rig_hello(rig, 11, "w1", AMD, 1);
	ck_assert_ptr_null(rig_sent(rig, WIRE_OFFER, 0));
	ck_assert_ptr_null(rig_told(rig, EFFECT_REASONS, 0));
	rig_hello(rig, 12, "w2", AMD ",linux/amd64/v3", 1);
	ck_assert_int_eq(rig_sent_to(rig, WIRE_OFFER, 0), 12);
	ck_assert_str_eq(rig_reason(rig, "linux/amd64/v3"), "");
}
END_TEST

START_TEST(slots_are_never_exceeded_and_said_to_be_busy)
{
	rig_hello(rig, 11, "w1", AMD "," ARM, 2);
	rig_submit(rig, 1, AMD "," ARM, "");
	ck_assert_ptr_nonnull(rig_sent(rig, WIRE_OFFER, 1));
	rig_submit(rig, 1, AMD, "");
	ck_assert_ptr_null(rig_sent(rig, WIRE_OFFER, 0));
	ck_assert_str_eq(rig_reason(rig, AMD), "2 of 2 slots busy on workers that offer linux/amd64");
	ck_assert_ptr_nonnull(rig_told(rig, EFFECT_REASONS, 0));
	rig_accept(rig, 11, 1);
	ck_assert_ptr_null(rig_told(rig, EFFECT_REASONS, 0));
	rig_succeed(rig, 11, 1);
	ck_assert_int_eq(rig_sent(rig, WIRE_OFFER, 0)->offer.job, 3);
	ck_assert_ptr_nonnull(rig_told(rig, EFFECT_REASONS, 0));
	ck_assert_uint_eq(rig->reason_count, 0);
}
END_TEST

START_TEST(older_jobs_go_first)
{
	for (int i = 0; i < 4; i++)
		rig_submit(rig, 1, AMD, "");
	rig_hello(rig, 11, "w1", AMD, 1);
	for (int64_t job = 1; job <= 4; job++) {
		ck_assert_int_eq(rig_sent(rig, WIRE_OFFER, 0)->offer.job, job);
		rig_succeed(rig, 11, job);
	}
}
END_TEST

START_TEST(a_job_taken_back_keeps_its_age)
{
	rig_hello(rig, 11, "w1", AMD, 1);
	rig_submit(rig, 1, AMD, "");
	for (int i = 0; i < 3; i++)
		rig_submit(rig, 1, AMD, "");
	rig_refuse(rig, 11, 1);
	ck_assert_int_eq(rig_sent(rig, WIRE_OFFER, 0)->offer.job, 2);
	rig_accept(rig, 11, 2);
	rig_pass_time(rig, 5000);
	rig_beat(rig, 11, 2);
	rig_succeed(rig, 11, 2);
	ck_assert_int_eq(rig_sent(rig, WIRE_OFFER, 0)->offer.job, 1);
}
END_TEST

START_TEST(a_small_project_does_not_wait_for_a_large_one)
{
	rig_hello(rig, 11, "w1", AMD, 4);
	for (int i = 0; i < 8; i++)
		rig_submit(rig, 1, AMD, "");
	rig_submit(rig, 2, AMD, "");
	rig_submit(rig, 2, AMD, "");
	rig_succeed(rig, 11, 1);
	ck_assert_int_eq(rig_sent(rig, WIRE_OFFER, 0)->offer.job, 9);
	rig_succeed(rig, 11, 2);
	ck_assert_int_eq(rig_sent(rig, WIRE_OFFER, 0)->offer.job, 10);
	rig_succeed(rig, 11, 3);
	ck_assert_int_eq(rig_sent(rig, WIRE_OFFER, 0)->offer.job, 5);
}
END_TEST

START_TEST(the_least_loaded_worker_is_chosen)
{
	static const int64_t sessions[] = { 11, 12, 12, 11, 12, 12 };

	rig_hello(rig, 11, "w1", AMD, 2);
	rig_hello(rig, 12, "w2", AMD, 4);
	for (size_t i = 0; i < 6; i++) {
		rig_submit(rig, 1, AMD, "");
		ck_assert_int_eq(rig_sent_to(rig, WIRE_OFFER, 0), sessions[i]);
	}
}
END_TEST

START_TEST(the_warm_worker_is_chosen_before_the_least_loaded)
{
	rig_hello(rig, 12, "w2", AMD, 4);
	rig_submit(rig, 1, AMD, "r/app:1");
	rig_succeed(rig, 12, 1);
	rig_submit(rig, 1, AMD, "");
	rig_hello(rig, 11, "w1", AMD, 4);
	rig_submit(rig, 1, AMD, "r/app:2");
	ck_assert_int_eq(rig_sent_to(rig, WIRE_OFFER, 0), 12);
	rig_submit(rig, 1, AMD, "r/other:2");
	ck_assert_int_eq(rig_sent_to(rig, WIRE_OFFER, 0), 11);
	rig_submit(rig, 2, AMD, "r/app:2");
	ck_assert_int_eq(rig_sent_to(rig, WIRE_OFFER, 0), 11);
	rig_submit(rig, 1, AMD, "r/app:3");
	ck_assert_int_eq(rig_sent_to(rig, WIRE_OFFER, 0), 12);
	rig_submit(rig, 1, AMD, "r/app:3");
	rig_submit(rig, 1, AMD, "r/app:3");
	ck_assert_int_eq(rig_sent_to(rig, WIRE_OFFER, 0), 11);
}
END_TEST

START_TEST(who_failed_it_waits_for_the_others)
{
	rig_hello(rig, 11, "w1", AMD, 1);
	rig_hello(rig, 12, "w2", AMD, 1);
	rig_submit(rig, 1, AMD, "");
	rig_submit(rig, 1, AMD, "");
	rig_fail(rig, 11, 1, CLASS_INFRA);
	rig_beat(rig, 12, 2);
	rig_accept(rig, 12, 2);
	rig_pass_time(rig, 5000);
	ck_assert_ptr_null(rig_sent(rig, WIRE_OFFER, 0));
	ck_assert_ptr_nonnull(strstr(rig_reason(rig, AMD), "lost, failed or refused it before"));
	rig_submit(rig, 1, AMD, "");
	ck_assert_int_eq(rig_sent(rig, WIRE_OFFER, 0)->offer.job, 3);
	ck_assert_int_eq(rig_sent_to(rig, WIRE_OFFER, 0), 11);
	rig_succeed(rig, 12, 2);
	ck_assert_int_eq(rig_sent(rig, WIRE_OFFER, 0)->offer.job, 1);
	ck_assert_int_eq(rig_sent_to(rig, WIRE_OFFER, 0), 12);
}
END_TEST

START_TEST(who_failed_it_may_when_nobody_else_is_left)
{
	rig_hello(rig, 11, "w1", AMD, 1);
	rig_hello(rig, 12, "w2", AMD, 1);
	rig_submit(rig, 1, AMD, "");
	rig_submit(rig, 1, AMD, "");
	rig_accept(rig, 12, 2);
	rig_fail(rig, 11, 1, CLASS_INFRA);
	rig_pass_time(rig, 5000);
	ck_assert_ptr_null(rig_sent(rig, WIRE_OFFER, 0));
	rig_left(rig, 12);
	ck_assert_int_eq(rig_sent_to(rig, WIRE_OFFER, 0), 11);
}
END_TEST

START_TEST(a_draining_worker_is_offered_nothing_more)
{
	struct wire_message msg = drain();

	rig_hello(rig, 11, "w1", AMD, 2);
	rig_submit(rig, 1, AMD, "");
	rig_say(rig, 11, &msg);
	rig_submit(rig, 1, AMD, "");
	ck_assert_ptr_null(rig_sent(rig, WIRE_OFFER, 0));
	ck_assert_str_eq(rig_reason(rig, AMD), "every connected worker that offers linux/amd64 drains");
	rig_succeed(rig, 11, 1);
	ck_assert_int_eq(rig_build(rig, 1)->state, BUILD_SUCCEEDED);
	ck_assert_ptr_null(rig_sent(rig, WIRE_OFFER, 0));
	rig_hello(rig, 12, "w1", AMD, 2);
	ck_assert_int_eq(rig_sent_to(rig, WIRE_OFFER, 0), 12);
}
END_TEST

START_TEST(a_worker_that_left_is_offered_nothing)
{
	rig_hello(rig, 11, "w1", AMD, 2);
	rig_left(rig, 11);
	rig_submit(rig, 1, AMD, "");
	ck_assert_ptr_null(rig_sent(rig, WIRE_OFFER, 0));
	ck_assert_str_eq(rig_reason(rig, AMD), "no connected worker offers linux/amd64");
}
END_TEST

START_TEST(a_wake_is_told_for_the_earliest_end_and_not_again)
{
	rig_hello(rig, 11, "w1", AMD, 1);
	ck_assert_int_eq(rig->wake_ms, rig->now.mono_ms + 30000);
	rig_submit(rig, 1, AMD, "");
	ck_assert_int_eq(rig->wake_ms, rig->now.mono_ms + 10000);
	rig_accept(rig, 11, 1);
	ck_assert_ptr_null(rig_told(rig, EFFECT_WAKE, 0));
	rig_fail(rig, 11, 1, CLASS_INFRA);
	ck_assert_int_eq(rig->wake_ms - rig->now.mono_ms, rig_job(rig, 1)->not_before_ms - rig->now.wall_ms);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("schedule");
	TCase *tc = tcase_create("schedule");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_job_waits_for_its_exact_platform);
	tcase_add_test(tc, slots_are_never_exceeded_and_said_to_be_busy);
	tcase_add_test(tc, older_jobs_go_first);
	tcase_add_test(tc, a_job_taken_back_keeps_its_age);
	tcase_add_test(tc, a_small_project_does_not_wait_for_a_large_one);
	tcase_add_test(tc, the_least_loaded_worker_is_chosen);
	tcase_add_test(tc, the_warm_worker_is_chosen_before_the_least_loaded);
	tcase_add_test(tc, who_failed_it_waits_for_the_others);
	tcase_add_test(tc, who_failed_it_may_when_nobody_else_is_left);
	tcase_add_test(tc, a_draining_worker_is_offered_nothing_more);
	tcase_add_test(tc, a_worker_that_left_is_offered_nothing);
	tcase_add_test(tc, a_wake_is_told_for_the_earliest_end_and_not_again);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
