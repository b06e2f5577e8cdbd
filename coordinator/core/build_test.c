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

/* One worker for each platform, both jobs running as attempts 1 and 2. */
static int64_t start_both(const char *tags)
{
	int64_t id;

	rig_hello(rig, 11, "w1", AMD, 1);
	rig_hello(rig, 12, "w2", ARM, 1);
	id = rig_submit(rig, 1, AMD "," ARM, tags);
	rig_accept(rig, 11, 1);
	rig_accept(rig, 12, 2);
	return id;
}

START_TEST(a_failed_job_fails_the_build_when_the_others_have_ended)
{
	int64_t id = start_both(TAG);

	rig_fail(rig, 11, 1, CLASS_BUILD);
	ck_assert_int_eq(rig_job(rig, 1)->state, JOB_FAILED);
	ck_assert_int_eq(rig_job(rig, 2)->state, JOB_RUNNING);
	ck_assert_int_eq(rig_build(rig, id)->state, BUILD_OPEN);
	rig_succeed(rig, 12, 2);
	ck_assert_ptr_null(rig_order(rig));
	ck_assert_int_eq(rig_build(rig, id)->state, BUILD_FAILED);
	ck_assert_str_eq(rig_build(rig, id)->reason, "linux/amd64 failed: RUN make failed with exit status 2");
	ck_assert_int_eq(rig_tag(rig, id, TAG)->state, TAG_FAILED);
	ck_assert_str_eq(rig_tag(rig, id, TAG)->reason, rig_build(rig, id)->reason);
	ck_assert(rig_noted(rig, "build.failed"));
	ck_assert_int_eq(rig_attempt(rig, 1)->exit_code, 2);
	ck_assert_str_eq(rig_attempt(rig, 1)->failed_step, "RUN make");
	ck_assert_uint_eq(rig->tables[ROW_PUBLISH].count, 0);
}
END_TEST

START_TEST(policy_and_timeout_are_not_tried_again)
{
	start_both("");
	rig_fail(rig, 11, 1, CLASS_POLICY);
	rig_fail(rig, 12, 2, CLASS_TIMEOUT);
	ck_assert_int_eq(rig_job(rig, 1)->state, JOB_FAILED);
	ck_assert_int_eq(rig_job(rig, 2)->state, JOB_FAILED);
	ck_assert_int_eq(rig_job(rig, 2)->failure, CLASS_TIMEOUT);
}
END_TEST

START_TEST(infra_is_tried_three_times_with_growing_back_off)
{
	int64_t wait_ms = 0;

	rig_submit(rig, 1, AMD, "");
	rig_hello(rig, 11, "w1", AMD, 1);
	for (int64_t attempt = 1; attempt <= 3; attempt++) {
		ck_assert_int_eq(rig_sent(rig, WIRE_OFFER, 0)->offer.attempt, attempt);
		ck_assert_int_eq(rig_sent(rig, WIRE_OFFER, 0)->offer.number, (int)attempt);
		rig_accept(rig, 11, attempt);
		rig_fail(rig, 11, attempt, CLASS_INFRA);
		ck_assert_ptr_null(rig_sent(rig, WIRE_OFFER, 0));
		if (attempt == 3)
			break;
		ck_assert_int_eq(rig_job(rig, 1)->state, JOB_QUEUED);
		ck_assert_int_gt(rig_job(rig, 1)->not_before_ms - rig->now.wall_ms, wait_ms);
		wait_ms = rig_job(rig, 1)->not_before_ms - rig->now.wall_ms;
		rig_beat(rig, 11, 0);
		rig_pass_time(rig, wait_ms - 1);
		ck_assert_ptr_null(rig_sent(rig, WIRE_OFFER, 0));
		ck_assert(strncmp(rig_reason(rig, AMD), "not before ", 11) == 0);
		rig_pass_time(rig, 1);
	}
	ck_assert_int_eq(rig_job(rig, 1)->state, JOB_FAILED);
	ck_assert_int_eq(rig_job(rig, 1)->failure, CLASS_INFRA);
	ck_assert_int_eq(rig_build(rig, 1)->state, BUILD_FAILED);
}
END_TEST

START_TEST(a_success_without_a_sound_digest_is_none)
{
	static const char *const digests[] = { "",
		"sha256:zz00000000000000000000000000000000000000000000000000000000000001",
		"sha512:0000000000000000000000000000000000000000000000000000000000000001" };

	rig_submit(rig, 1, AMD, "");
	rig_hello(rig, 11, "w1", AMD, 1);
	for (size_t i = 0; i < 3; i++) {
		struct wire_message msg = { .type = WIRE_RESULT, .result = {
			.attempt = (int64_t)i + 1, .seq = 2, .is_success = true, .size_bytes = 3, .media_type = "m" } };

		strncpy(msg.result.digest, digests[i], sizeof(msg.result.digest) - 1);
		rig_say(rig, 11, &msg);
		ck_assert_int_eq(rig_attempt(rig, (int64_t)i + 1)->state, ATTEMPT_FAILED);
		ck_assert_ptr_nonnull(rig_sent(rig, WIRE_ACK, 0));
		rig_pass_time(rig, rig_job(rig, 1)->not_before_ms - rig->now.wall_ms);
	}
	ck_assert_int_eq(rig_job(rig, 1)->state, JOB_FAILED);
}
END_TEST

START_TEST(a_success_without_media_type_or_size_is_none)
{
	struct wire_message msg = { .type = WIRE_RESULT, .result = { .attempt = 1, .seq = 2, .is_success = true, .size_bytes = 3 } };

	start_both("");
	memset(msg.result.digest, '0', 71);
	memcpy(msg.result.digest, "sha256:", 7);
	rig_say(rig, 11, &msg);
	ck_assert_int_eq(rig_attempt(rig, 1)->state, ATTEMPT_FAILED);
	msg.result.attempt = 2;
	msg.result.media_type[0] = 'm';
	msg.result.size_bytes = 0;
	rig_say(rig, 12, &msg);
	ck_assert_int_eq(rig_attempt(rig, 2)->state, ATTEMPT_FAILED);
	ck_assert_int_eq(rig_job(rig, 2)->failure, CLASS_INFRA);
}
END_TEST

START_TEST(a_doubled_result_is_acknowledged_and_changes_nothing)
{
	char *before, *after;

	start_both(TAG);
	rig_started(rig, 11, 1);
	rig_succeed(rig, 11, 1);
	before = rig_dump(rig->core);
	rig_fail(rig, 11, 1, CLASS_BUILD);
	ck_assert_int_eq((int)rig_sent(rig, WIRE_ACK, 0)->ack.seq, 2);
	ck_assert_ptr_null(rig_sent(rig, WIRE_ABANDON, 0));
	rig_started(rig, 11, 1);
	ck_assert_int_eq((int)rig_sent(rig, WIRE_ACK, 0)->ack.seq, 1);
	after = rig_dump(rig->core);
	ck_assert_str_eq(before, after);
	free(before);
	free(after);
}
END_TEST

START_TEST(a_result_of_a_forgotten_build_is_acknowledged)
{
	rig_hello(rig, 11, "w1", AMD, 1);
	rig_submit(rig, 1, AMD, "");
	rig_succeed(rig, 11, 1);
	ck_assert_int_eq(rig_build(rig, 1)->state, BUILD_SUCCEEDED);
	rig_succeed(rig, 11, 1);
	ck_assert_ptr_nonnull(rig_sent(rig, WIRE_ACK, 0));
	rig_load(rig);
	rig_hello(rig, 21, "w1", AMD, 1);
	rig_succeed(rig, 21, 1);
	ck_assert_ptr_nonnull(rig_sent(rig, WIRE_ACK, 0));
	ck_assert_ptr_nonnull(rig_sent(rig, WIRE_ABANDON, 0));
}
END_TEST

START_TEST(a_queued_job_is_cancelled_at_once)
{
	int64_t id = rig_submit(rig, 1, AMD "," ARM, TAG);

	rig_cancel(rig, id);
	ck_assert_int_eq(rig_told(rig, EFFECT_REPLY, 0)->reply.code, 0);
	ck_assert_int_eq(rig_job(rig, 1)->state, JOB_CANCELLED);
	ck_assert_int_eq(rig_build(rig, id)->state, BUILD_CANCELLED);
	ck_assert_int_eq(rig_tag(rig, id, TAG)->state, TAG_FAILED);
	ck_assert(rig_noted(rig, "build.cancelled"));
	rig_hello(rig, 11, "w1", AMD, 1);
	ck_assert_ptr_null(rig_sent(rig, WIRE_OFFER, 0));
}
END_TEST

START_TEST(a_running_job_is_cancelled_when_its_worker_proves_it)
{
	int64_t id = start_both(TAG);

	rig_succeed(rig, 12, 2);
	rig_cancel(rig, id);
	ck_assert_int_eq(rig_sent_to(rig, WIRE_CANCEL, 0), 11);
	ck_assert_int_eq(rig_job(rig, 1)->state, JOB_CANCELLING);
	ck_assert_int_eq(rig_build(rig, id)->state, BUILD_OPEN);
	rig_cancel(rig, id);
	ck_assert_int_eq(rig_told(rig, EFFECT_REPLY, 0)->reply.code, 0);
	rig_cancelled(rig, 11, 1);
	ck_assert_ptr_nonnull(rig_sent(rig, WIRE_ACK, 0));
	ck_assert_int_eq(rig_attempt(rig, 1)->state, ATTEMPT_CANCELLED);
	ck_assert(rig_attempt(rig, 1)->is_confirmed);
	ck_assert_int_eq((int)rig_attempt(rig, 1)->log_bytes, 10);
	ck_assert_int_eq(rig_build(rig, id)->state, BUILD_CANCELLED);
}
END_TEST

START_TEST(a_lost_worker_leaves_a_cancelling_unconfirmed)
{
	int64_t id = start_both("");

	rig_succeed(rig, 12, 2);
	rig_cancel(rig, id);
	rig_left(rig, 11);
	rig_pass_time(rig, 30000);
	ck_assert_int_eq(rig_attempt(rig, 1)->state, ATTEMPT_CANCELLED);
	ck_assert(!rig_attempt(rig, 1)->is_confirmed);
	ck_assert_int_eq(rig_build(rig, id)->state, BUILD_CANCELLED);
}
END_TEST

START_TEST(a_result_that_crosses_the_cancel_is_a_cancelled_job)
{
	int64_t id = start_both(TAG);

	rig_cancel(rig, id);
	rig_succeed(rig, 11, 1);
	ck_assert_int_eq(rig_job(rig, 1)->state, JOB_CANCELLED);
	ck_assert(rig_attempt(rig, 1)->is_confirmed);
	rig_cancelled(rig, 12, 2);
	ck_assert_int_eq(rig_build(rig, id)->state, BUILD_CANCELLED);
	ck_assert_ptr_null(rig_order(rig));
}
END_TEST

START_TEST(an_offer_cancelled_may_still_be_refused)
{
	int64_t id;

	rig_hello(rig, 11, "w1", AMD, 1);
	id = rig_submit(rig, 1, AMD, "");
	rig_cancel(rig, id);
	ck_assert_int_eq(rig_sent_to(rig, WIRE_CANCEL, 0), 11);
	rig_refuse(rig, 11, 1);
	ck_assert_int_eq(rig_job(rig, 1)->state, JOB_CANCELLED);
	ck_assert_int_eq(rig_build(rig, id)->state, BUILD_CANCELLED);
}
END_TEST

START_TEST(the_cancel_is_sent_again_to_a_worker_that_comes_back)
{
	int64_t id = start_both("");

	rig_left(rig, 11);
	rig_cancel(rig, id);
	ck_assert_int_eq(rig_sent_to(rig, WIRE_CANCEL, 0), 12);
	ck_assert_ptr_null(rig_sent(rig, WIRE_CANCEL, 1));
	rig_hello_holding(rig, 21, "w1", AMD, 1);
	ck_assert_int_eq(rig_sent_to(rig, WIRE_CANCEL, 0), 21);
	rig_load(rig);
	rig_listen(rig);
	rig_hello_holding(rig, 31, "w1", AMD, 1);
	ck_assert_int_eq(rig_sent_to(rig, WIRE_CANCEL, 0), 31);
}
END_TEST

START_TEST(what_cannot_be_cancelled_says_why)
{
	int64_t id = start_both(TAG);

	rig_cancel(rig, 99);
	ck_assert_int_eq(rig_told(rig, EFFECT_REPLY, 0)->reply.code, ERR_NOT_FOUND);
	rig_succeed(rig, 11, 1);
	rig_succeed(rig, 12, 2);
	ck_assert_int_eq(rig_build(rig, id)->state, BUILD_PUBLISHING);
	rig_cancel(rig, id);
	ck_assert_int_eq(rig_told(rig, EFFECT_REPLY, 0)->reply.code, ERR_CONFLICT);
	ck_assert_ptr_nonnull(strstr(rig_told(rig, EFFECT_REPLY, 0)->reply.message, "publishing"));
	id = rig_submit(rig, 1, "linux/riscv64", "");
	rig_cancel(rig, id);
	rig_cancel(rig, id);
	ck_assert_int_eq(rig_told(rig, EFFECT_REPLY, 0)->reply.code, ERR_CONFLICT);
	ck_assert_ptr_nonnull(strstr(rig_told(rig, EFFECT_REPLY, 0)->reply.message, "ended"));
}
END_TEST

START_TEST(what_changed_is_announced_once)
{
	rig_submit(rig, 1, AMD, TAG);
	ck_assert_int_eq((int)rig_told(rig, EFFECT_ANNOUNCE, 0)->announce.job, 1);
	ck_assert_ptr_null(rig_told(rig, EFFECT_ANNOUNCE, 1));
	rig_hello(rig, 11, "w1", AMD, 1);
	rig_accept(rig, 11, 1);
	ck_assert_int_eq((int)rig_told(rig, EFFECT_ANNOUNCE, 0)->announce.attempt, 1);
	ck_assert_ptr_null(rig_told(rig, EFFECT_ANNOUNCE, 1));
	rig_started(rig, 11, 1);
	ck_assert_int_eq((int)rig_told(rig, EFFECT_ANNOUNCE, 0)->announce.attempt, 1);
	ck_assert_ptr_null(rig_told(rig, EFFECT_ANNOUNCE, 1));
	rig_succeed(rig, 11, 1);
	rig_step_ok(rig, rig_order(rig));
	ck_assert_int_eq((int)rig_told(rig, EFFECT_ANNOUNCE, 0)->announce.build, 1);
	ck_assert_int_eq((int)rig_told(rig, EFFECT_ANNOUNCE, 0)->announce.job, 0);
	ck_assert_ptr_null(rig_told(rig, EFFECT_ANNOUNCE, 1));
}
END_TEST

START_TEST(a_submit_that_is_not_sound_is_refused_and_leaves_nothing)
{
	ck_assert_int_eq(rig_submit(rig, 1, "", ""), 0);
	ck_assert_int_eq(rig_told(rig, EFFECT_REPLY, 0)->reply.code, ERR_INVALID);
	ck_assert_int_eq(rig_submit(rig, 1, AMD, "app"), 0);
	ck_assert_ptr_nonnull(strstr(rig_told(rig, EFFECT_REPLY, 0)->reply.message, "app is not host/path:tag"));
	ck_assert_int_eq(rig_submit(rig, 1, AMD, "r:5000/app"), 0);
	ck_assert_uint_eq(rig->tables[ROW_BUILD].count, 0);
	ck_assert_int_eq(rig_submit(rig, 1, AMD, "r:5000/app:1,r:5000/app:1"), 1);
	ck_assert_uint_eq(rig->tables[ROW_TAG].count, 1);
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
	tcase_add_test(tc, a_failed_job_fails_the_build_when_the_others_have_ended);
	tcase_add_test(tc, policy_and_timeout_are_not_tried_again);
	tcase_add_test(tc, infra_is_tried_three_times_with_growing_back_off);
	tcase_add_test(tc, a_success_without_a_sound_digest_is_none);
	tcase_add_test(tc, a_success_without_media_type_or_size_is_none);
	tcase_add_test(tc, a_doubled_result_is_acknowledged_and_changes_nothing);
	tcase_add_test(tc, a_result_of_a_forgotten_build_is_acknowledged);
	tcase_add_test(tc, a_queued_job_is_cancelled_at_once);
	tcase_add_test(tc, a_running_job_is_cancelled_when_its_worker_proves_it);
	tcase_add_test(tc, a_lost_worker_leaves_a_cancelling_unconfirmed);
	tcase_add_test(tc, a_result_that_crosses_the_cancel_is_a_cancelled_job);
	tcase_add_test(tc, an_offer_cancelled_may_still_be_refused);
	tcase_add_test(tc, the_cancel_is_sent_again_to_a_worker_that_comes_back);
	tcase_add_test(tc, what_cannot_be_cancelled_says_why);
	tcase_add_test(tc, what_changed_is_announced_once);
	tcase_add_test(tc, a_submit_that_is_not_sound_is_refused_and_leaves_nothing);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
