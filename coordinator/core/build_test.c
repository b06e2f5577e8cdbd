/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/core/testing.h"

#define AMD "linux/amd64"
#define ARM "linux/arm64"
#define TAG "registry:5000/team/app:1"

static struct rig *rig;

static void setup(void)
{
	rig = rig_new();
}

static void teardown(void)
{
	rig_free(rig);
}

START_TEST(a_build_is_built_on_both_platforms_and_published)
{
	static const enum publish_step_kind kinds[] = { STEP_VERIFY, STEP_VERIFY, STEP_INDEX, STEP_TAG, STEP_READBACK };
	int64_t id = rig_submit(rig, 1, AMD "," ARM, TAG);

	ck_assert_int_eq(id, 1);
	ck_assert(rig_noted(rig, "build.accepted"));
	rig_hello(rig, 11, "w1", AMD, 2);
	ck_assert_int_eq(rig_sent_to(rig, WIRE_OFFER, 0), 11);
	ck_assert_str_eq(rig_sent(rig, WIRE_OFFER, 0)->offer.repositories[0], "registry:5000/team/app");
	ck_assert_int_eq((int)rig_sent(rig, WIRE_OFFER, 0)->offer.repository_count, 1);
	rig_hello(rig, 12, "w2", ARM, 1);
	ck_assert_int_eq(rig_sent_to(rig, WIRE_OFFER, 0), 12);
	rig_accept(rig, 11, 1);
	rig_accept(rig, 12, 2);
	rig_started(rig, 11, 1);
	ck_assert_int_eq((int)rig_sent(rig, WIRE_ACK, 0)->ack.seq, 1);
	rig_succeed(rig, 11, 1);
	ck_assert_int_eq(rig_job(rig, 1)->state, JOB_SUCCEEDED);
	ck_assert_ptr_null(rig_order(rig));
	rig_succeed(rig, 12, 2);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		ck_assert_ptr_nonnull(rig_order(rig));
		ck_assert_int_eq(rig_order(rig)->kind, kinds[i]);
		ck_assert_int_eq(rig_tag(rig, id, TAG)->state, TAG_PENDING);
		rig_step_ok(rig, rig_order(rig));
	}
	ck_assert_int_eq(rig_build(rig, id)->state, BUILD_SUCCEEDED);
	ck_assert_int_eq(rig_tag(rig, id, TAG)->state, TAG_MOVED);
	ck_assert_str_eq(rig_tag(rig, id, TAG)->digest, rig_build(rig, id)->index_digest);
}
END_TEST

START_TEST(a_build_without_tags_succeeds_without_a_publish)
{
	int64_t id = rig_submit(rig, 1, AMD, "");

	rig_hello(rig, 11, "w1", AMD, 2);
	rig_accept(rig, 11, 1);
	rig_succeed(rig, 11, 1);
	ck_assert_ptr_null(rig_order(rig));
	ck_assert_int_eq(rig_build(rig, id)->state, BUILD_SUCCEEDED);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("build");
	TCase *tc = tcase_create("build");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_build_is_built_on_both_platforms_and_published);
	tcase_add_test(tc, a_build_without_tags_succeeds_without_a_publish);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
