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

#define TAG "r:5000/app:1"

/* A build of one job that succeeded; its publish is planned or at its first step. */
static int64_t built(const char *tags)
{
	int64_t id;

	if (rig->tables[ROW_WORKER].count == 0)
		rig_hello(rig, 11, "w1", AMD, 8);
	id = rig_submit(rig, 1, AMD, tags);
	rig_succeed(rig, 11, rig_sent(rig, WIRE_OFFER, 0)->offer.attempt);
	return id;
}

static void steps_ok(int count)
{
	for (int i = 0; i < count; i++)
		rig_step_ok(rig, rig_order(rig));
}

static const struct publish_step_row *step_row(size_t i)
{
	return &rig->tables[ROW_PUBLISH_STEP].rows[i]->publish_step;
}

START_TEST(steps_are_planned_at_once_and_taken_one_by_one)
{
	static const enum publish_step_kind kinds[] = { STEP_VERIFY, STEP_VERIFY, STEP_INDEX, STEP_INDEX, STEP_TAG,
							STEP_READBACK, STEP_TAG, STEP_READBACK, STEP_TAG, STEP_READBACK };
	int64_t id = built("r/a:1,r/b:1,r/a:2");

	ck_assert(rig_noted(rig, "publish.started"));
	ck_assert_uint_eq(rig->tables[ROW_PUBLISH_STEP].count, 10);
	for (size_t i = 0; i < 10; i++) {
		ck_assert_int_eq(step_row(i)->kind, kinds[i]);
		ck_assert_int_eq(step_row(i)->state, STEP_STARTED);
		ck_assert_int_eq(step_row(i)->tries, 1);
		ck_assert_int_eq(rig_order(rig)->n, (int)i + 1);
		ck_assert_ptr_null(rig_told(rig, EFFECT_PUBLISH, 1));
		rig_step_ok(rig, rig_order(rig));
		ck_assert_int_eq(step_row(i)->state, STEP_DONE);
	}
	ck_assert_int_eq(rig_build(rig, id)->state, BUILD_SUCCEEDED);
	ck_assert_int_eq(rig->tables[ROW_PUBLISH].rows[0]->publish.state, PUBLISH_DONE);
}
END_TEST

START_TEST(an_order_is_complete_in_itself)
{
	built("r:5000/team/a:1");
	ck_assert_str_eq(rig_order(rig)->repository, "r:5000/team/a");
	ck_assert_uint_eq(rig_order(rig)->part_count, 1);
	ck_assert_str_eq(rig_order(rig)->parts[0].digest, rig_job(rig, 1)->digest);
	ck_assert_str_eq(rig_order(rig)->parts[0].media_type, "application/vnd.oci.image.manifest.v1+json");
	ck_assert_int_eq((int)rig_order(rig)->parts[0].size_bytes, 1000);
	ck_assert_str_eq(rig_order(rig)->parts[0].platform.architecture, "amd64");
	steps_ok(2);
	ck_assert_str_eq(rig_order(rig)->repository, "r:5000/team/a");
	ck_assert_str_eq(rig_order(rig)->tag, "1");
	ck_assert_uint_eq(rig_order(rig)->part_count, 1);
	ck_assert_str_eq(rig_order(rig)->expected_digest, rig->tables[ROW_PUBLISH].rows[0]->publish.index_digest);
	ck_assert_uint_eq(strlen(rig_order(rig)->expected_digest), 71);
	steps_ok(1);
	ck_assert_int_eq(rig_order(rig)->kind, STEP_READBACK);
	ck_assert_str_eq(rig_order(rig)->tag, "1");
}
END_TEST

START_TEST(a_failure_that_may_pass_is_tried_again_later)
{
	struct publish_order order;

	built(TAG);
	order = *rig_order(rig);
	rig_step_fails(rig, &order, true);
	ck_assert_ptr_null(rig_order(rig));
	ck_assert_int_eq(step_row(0)->state, STEP_PLANNED);
	ck_assert_str_eq(step_row(0)->reason, "503 Service Unavailable");
	ck_assert_int_gt(step_row(0)->not_before_ms, rig->now.wall_ms);
	rig_step_ok(rig, &order);
	ck_assert_int_eq(step_row(0)->state, STEP_PLANNED);
	rig_pass_time(rig, 2000);
	ck_assert_int_eq(rig_order(rig)->n, 1);
	ck_assert_int_eq(step_row(0)->tries, 2);
	rig_step_ok(rig, &order);
	ck_assert_int_eq(step_row(0)->state, STEP_DONE);
	ck_assert_str_eq(step_row(0)->reason, "");
}
END_TEST

START_TEST(a_manifest_that_is_not_right_fails_all_tags)
{
	int64_t id = built("r/a:1,r/a:2");

	rig_step_fails(rig, rig_order(rig), false);
	ck_assert_int_eq(rig_build(rig, id)->state, BUILD_FAILED);
	ck_assert_str_eq(rig_build(rig, id)->reason, "verify: 503 Service Unavailable");
	ck_assert_int_eq(rig_tag(rig, id, "r/a:1")->state, TAG_FAILED);
	ck_assert_int_eq(rig_tag(rig, id, "r/a:2")->state, TAG_FAILED);
	ck_assert_int_eq(step_row(0)->state, STEP_FAILED);
	for (size_t i = 1; i < rig->tables[ROW_PUBLISH_STEP].count; i++)
		ck_assert_int_eq(step_row(i)->state, STEP_SKIPPED);
	ck_assert_int_eq(rig->tables[ROW_PUBLISH].rows[0]->publish.state, PUBLISH_FAILED);
}
END_TEST

START_TEST(tries_have_an_end)
{
	int64_t id = built(TAG);

	steps_ok(1);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(rig_order(rig)->kind, STEP_INDEX);
		rig_step_fails(rig, rig_order(rig), true);
		rig_pass_time(rig, 8000);
	}
	ck_assert_int_eq(rig_build(rig, id)->state, BUILD_FAILED);
	ck_assert_int_eq(step_row(1)->tries, 3);
}
END_TEST

START_TEST(one_tag_that_fails_does_not_stop_the_others)
{
	int64_t id = built("r/a:1,r/a:2,r/a:3");

	steps_ok(2);
	rig_step_fails(rig, rig_order(rig), false);
	ck_assert_int_eq(rig_tag(rig, id, "r/a:1")->state, TAG_FAILED);
	ck_assert_str_eq(rig_order(rig)->tag, "2");
	steps_ok(1);
	rig_step_fails(rig, rig_order(rig), false);
	ck_assert_int_eq(rig_tag(rig, id, "r/a:2")->state, TAG_FAILED);
	steps_ok(2);
	ck_assert_int_eq(rig_tag(rig, id, "r/a:3")->state, TAG_MOVED);
	ck_assert_int_eq(rig_build(rig, id)->state, BUILD_FAILED);
	ck_assert_str_eq(rig_build(rig, id)->reason, "tag r/a:1 failed: tag: 503 Service Unavailable");
}
END_TEST

START_TEST(an_index_that_differs_between_repositories_is_refused)
{
	int64_t id = built("r/a:1,r/b:1");
	struct core_event event = { .type = EVENT_PUBLISH_STEP };

	steps_ok(3);
	event.publish_step = (struct publish_outcome){ .publish = 1, .n = 4, .is_ok = true };
	memset(event.publish_step.digest, 'a', 71);
	memcpy(event.publish_step.digest, "sha256:", 7);
	rig_handle(rig, &event);
	ck_assert_int_eq(rig_build(rig, id)->state, BUILD_FAILED);
	ck_assert_int_eq(rig_tag(rig, id, "r/a:1")->state, TAG_FAILED);
}
END_TEST

START_TEST(a_step_begun_is_taken_again_after_a_restart)
{
	int64_t id = built(TAG);

	for (int n = 1; n <= 4; n++) {
		rig_load(rig);
		ck_assert_ptr_nonnull(rig_order(rig));
		ck_assert_int_eq(rig_order(rig)->n, n);
		ck_assert_int_eq(step_row((size_t)n - 1)->tries, 1);
		ck_assert_ptr_null(rig_told(rig, EFFECT_PUBLISH, 1));
		rig_step_ok(rig, rig_order(rig));
	}
	ck_assert_int_eq(rig_build(rig, id)->state, BUILD_SUCCEEDED);
	rig_load(rig);
	ck_assert_ptr_null(rig_order(rig));
}
END_TEST

START_TEST(a_back_off_survives_a_restart)
{
	built(TAG);
	rig_step_fails(rig, rig_order(rig), true);
	rig_load(rig);
	ck_assert_ptr_null(rig_order(rig));
	ck_assert_int_gt(rig->wake_ms, 0);
	rig_pass_time(rig, 2000);
	ck_assert_int_eq(rig_order(rig)->n, 1);
}
END_TEST

START_TEST(one_publish_at_a_time_per_reference)
{
	int64_t first = built("r/a:1,r/a:2"), second, third;

	second = built("r/a:2,r/a:3");
	ck_assert_ptr_null(rig_order(rig));
	ck_assert_int_eq(rig_build(rig, second)->state, BUILD_PUBLISHING);
	third = built("r/a:3");
	ck_assert_ptr_null(rig_order(rig));
	rig_load(rig);
	ck_assert_int_eq(rig_order(rig)->publish, 1);
	ck_assert_ptr_null(rig_told(rig, EFFECT_PUBLISH, 1));
	steps_ok(6);
	ck_assert_int_eq(rig_build(rig, first)->state, BUILD_SUCCEEDED);
	ck_assert_int_eq(rig_order(rig)->publish, 2);
	ck_assert_ptr_null(rig_told(rig, EFFECT_PUBLISH, 1));
	steps_ok(6);
	ck_assert_int_eq(rig_build(rig, second)->state, BUILD_SUCCEEDED);
	ck_assert_int_eq(rig_order(rig)->publish, 3);
	steps_ok(4);
	ck_assert_int_eq(rig_build(rig, third)->state, BUILD_SUCCEEDED);
}
END_TEST

START_TEST(the_older_build_goes_first_whichever_waited_longer)
{
	struct publish_order order;

	built(TAG);
	order = *rig_order(rig);
	rig_submit(rig, 1, AMD, TAG);
	built(TAG);
	rig_succeed(rig, 11, 2);
	ck_assert_int_eq(rig_build(rig, 2)->state, BUILD_PUBLISHING);
	rig_step_ok(rig, &order);
	steps_ok(3);
	ck_assert_int_eq(rig_build(rig, 1)->state, BUILD_SUCCEEDED);
	ck_assert_int_eq(rig->tables[ROW_PUBLISH].rows[rig_order(rig)->publish - 1]->publish.build, 2);
	steps_ok(8);
	ck_assert_str_eq(rig_tag(rig, 3, TAG)->digest, rig_build(rig, 3)->index_digest);
	ck_assert_int_eq(rig_tag(rig, 2, TAG)->state, TAG_MOVED);
}
END_TEST

START_TEST(other_references_do_not_wait)
{
	built("r/a:1");
	built("r/a:2");
	ck_assert_int_eq(rig_order(rig)->publish, 2);
}
END_TEST

/* The older build's job ends last: the newer has moved the tag by then. */
static void newer_moves_first(const char *tags, const char *newer_tags)
{
	rig_hello(rig, 11, "w1", AMD, 8);
	rig_submit(rig, 1, AMD, tags);
	built(newer_tags);
	steps_ok(4);
	ck_assert_int_eq(rig_build(rig, 2)->state, BUILD_SUCCEEDED);
}

START_TEST(a_tag_that_a_newer_build_moved_is_superseded)
{
	newer_moves_first("r/a:1,r/a:2", "r/a:1");
	rig_succeed(rig, 11, 1);
	steps_ok(1);
	rig_step_ok(rig, rig_order(rig));
	ck_assert_int_eq(rig_tag(rig, 1, "r/a:1")->state, TAG_SUPERSEDED);
	ck_assert(rig_noted(rig, "tag.superseded"));
	ck_assert_str_eq(rig_order(rig)->tag, "2");
	steps_ok(2);
	ck_assert_int_eq(rig_tag(rig, 1, "r/a:2")->state, TAG_MOVED);
	ck_assert_int_eq(rig_build(rig, 1)->state, BUILD_SUCCEEDED);
}
END_TEST

START_TEST(superseded_is_known_after_a_restart)
{
	newer_moves_first("r/a:1", "r/a:1");
	rig_load(rig);
	rig_listen(rig);
	rig_hello_holding(rig, 11, "w1", AMD, 1);
	rig_succeed(rig, 11, 1);
	steps_ok(2);
	ck_assert_ptr_null(rig_order(rig));
	ck_assert_int_eq(rig_tag(rig, 1, "r/a:1")->state, TAG_SUPERSEDED);
	ck_assert_int_eq(rig_build(rig, 1)->state, BUILD_SUCCEEDED);
}
END_TEST

START_TEST(a_newer_build_that_failed_supersedes_nothing)
{
	rig_hello(rig, 11, "w1", AMD, 8);
	rig_submit(rig, 1, AMD, TAG);
	built(TAG);
	rig_step_fails(rig, rig_order(rig), false);
	ck_assert_int_eq(rig_build(rig, 2)->state, BUILD_FAILED);
	rig_succeed(rig, 11, 1);
	steps_ok(4);
	ck_assert_int_eq(rig_tag(rig, 1, TAG)->state, TAG_MOVED);
}
END_TEST

START_TEST(an_outcome_nobody_waits_for_changes_nothing)
{
	struct publish_order order;

	built(TAG);
	order = *rig_order(rig);
	rig_step_ok(rig, &order);
	rig_step_fails(rig, &order, false);
	ck_assert_int_eq(step_row(0)->state, STEP_DONE);
	order.n = 99;
	rig_step_ok(rig, &order);
	order.publish = 99;
	rig_step_ok(rig, &order);
	ck_assert_int_eq(step_row(1)->state, STEP_STARTED);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("publish");
	TCase *tc = tcase_create("publish");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, steps_are_planned_at_once_and_taken_one_by_one);
	tcase_add_test(tc, an_order_is_complete_in_itself);
	tcase_add_test(tc, a_failure_that_may_pass_is_tried_again_later);
	tcase_add_test(tc, a_manifest_that_is_not_right_fails_all_tags);
	tcase_add_test(tc, tries_have_an_end);
	tcase_add_test(tc, one_tag_that_fails_does_not_stop_the_others);
	tcase_add_test(tc, an_index_that_differs_between_repositories_is_refused);
	tcase_add_test(tc, a_step_begun_is_taken_again_after_a_restart);
	tcase_add_test(tc, a_back_off_survives_a_restart);
	tcase_add_test(tc, one_publish_at_a_time_per_reference);
	tcase_add_test(tc, the_older_build_goes_first_whichever_waited_longer);
	tcase_add_test(tc, other_references_do_not_wait);
	tcase_add_test(tc, a_tag_that_a_newer_build_moved_is_superseded);
	tcase_add_test(tc, superseded_is_known_after_a_restart);
	tcase_add_test(tc, a_newer_build_that_failed_supersedes_nothing);
	tcase_add_test(tc, an_outcome_nobody_waits_for_changes_nothing);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
