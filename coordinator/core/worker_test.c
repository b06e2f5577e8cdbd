/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdio.h>
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

/* w1 in session 11 runs attempt 1. */
static void start_one(void)
{
	rig_hello(rig, 11, "w1", AMD, 1);
	rig_submit(rig, 1, AMD, "");
	rig_accept(rig, 11, 1);
}

static struct wire_message hello(const char *name)
{
	struct wire_message msg = { .type = WIRE_HELLO, .hello = {
		.protocol = WIRE_PROTOCOL, .slots = 1, .is_native = true, .platform_count = 1,
		.platforms = { { .os = "linux", .architecture = "amd64" } } } };

	strncpy(msg.hello.name, name, sizeof(msg.hello.name) - 1);
	return msg;
}

START_TEST(a_worker_is_welcomed_and_saved)
{
	rig_hello(rig, 11, "w1", AMD "," ARM, 2);
	ck_assert_int_eq(rig_sent_to(rig, WIRE_WELCOME, 0), 11);
	ck_assert_str_eq(rig_sent(rig, WIRE_WELCOME, 0)->welcome.front_url, "http://front");
	ck_assert(rig_worker(rig, "w1")->is_connected);
	ck_assert_str_eq(rig_worker(rig, "w1")->platforms, "linux/amd64,linux/arm64");
	ck_assert_int_eq(rig_worker(rig, "w1")->slots, 2);
	ck_assert(rig_worker(rig, "w1")->first_seen_ms == rig->now.wall_ms);
	rig_pass_time(rig, 5000);
	rig_beat(rig, 11, 0);
	ck_assert_uint_eq(rig->told.count, 0);
	ck_assert(rig_worker(rig, "w1")->last_seen_ms == rig->now.wall_ms - 5000);
	rig_left(rig, 11);
	ck_assert(!rig_worker(rig, "w1")->is_connected);
	ck_assert(rig_worker(rig, "w1")->last_seen_ms == rig->now.wall_ms);
}
END_TEST

START_TEST(another_protocol_is_sent_away)
{
	struct wire_message msg = hello("w1");

	msg.hello.protocol = WIRE_PROTOCOL + 1;
	rig_say(rig, 11, &msg);
	ck_assert_ptr_nonnull(strstr(rig_sent(rig, WIRE_BYE, 0)->bye.reason, "protocol"));
	ck_assert_int_eq(rig_told(rig, EFFECT_CLOSE, 0)->close.session, 11);
	ck_assert_uint_eq(rig->tables[ROW_WORKER].count, 0);
	msg = hello("no spaces, please");
	rig_say(rig, 12, &msg);
	ck_assert_ptr_nonnull(strstr(rig_sent(rig, WIRE_BYE, 0)->bye.reason, "name"));
}
END_TEST

START_TEST(the_first_message_is_hello)
{
	rig_beat(rig, 11, 0);
	ck_assert_int_eq(rig_sent_to(rig, WIRE_BYE, 0), 11);
	ck_assert_int_eq(rig_told(rig, EFFECT_CLOSE, 0)->close.session, 11);
}
END_TEST

START_TEST(a_worker_that_could_emulate_is_refused_with_the_remedy)
{
	struct wire_message msg = hello("w4");

	msg.hello.is_native = false;
	snprintf(msg.hello.refused_because, sizeof(msg.hello.refused_because), "a binfmt_misc handler for aarch64 is enabled");
	snprintf(msg.hello.remedy, sizeof(msg.hello.remedy), "echo -1 > /proc/sys/fs/binfmt_misc/qemu-aarch64");
	rig_submit(rig, 1, AMD, "");
	rig_say(rig, 11, &msg);
	ck_assert_str_eq(rig_sent(rig, WIRE_BYE, 0)->bye.remedy, msg.hello.remedy);
	ck_assert_int_eq(rig_sent(rig, WIRE_BYE, 0)->bye.retry_after_s, 60);
	ck_assert_int_eq(rig_told(rig, EFFECT_CLOSE, 0)->close.session, 11);
	ck_assert_ptr_null(rig_sent(rig, WIRE_OFFER, 0));
	ck_assert_str_eq(rig_worker(rig, "w4")->refused_because, msg.hello.refused_because);
	ck_assert(!rig_worker(rig, "w4")->is_connected);
	ck_assert(rig_noted(rig, "worker.refused"));
	ck_assert_str_eq(rig_reason(rig, AMD), "no connected worker offers linux/amd64; worker w4 is refused: a binfmt_misc handler for aarch64 is enabled");
	rig_say(rig, 12, &msg);
	ck_assert(!rig_noted(rig, "worker.refused"));
	msg = hello("w4");
	rig_say(rig, 13, &msg);
	ck_assert_int_eq(rig_sent_to(rig, WIRE_OFFER, 0), 13);
	ck_assert_str_eq(rig_worker(rig, "w4")->refused_because, "");
}
END_TEST

START_TEST(the_newer_session_of_a_name_takes_over)
{
	start_one();
	rig_hello_holding(rig, 12, "w1", AMD, 1);
	ck_assert_int_eq(rig_sent_to(rig, WIRE_BYE, 0), 11);
	ck_assert_int_eq(rig_told(rig, EFFECT_CLOSE, 0)->close.session, 11);
	ck_assert_int_eq(rig_sent_to(rig, WIRE_WELCOME, 0), 12);
	ck_assert_int_eq(rig_attempt(rig, 1)->state, ATTEMPT_RUNNING);
	rig_left(rig, 11);
	ck_assert(rig_worker(rig, "w1")->is_connected);
	rig_succeed(rig, 12, 1);
	ck_assert_int_eq(rig_job(rig, 1)->state, JOB_SUCCEEDED);
}
END_TEST

START_TEST(an_offer_refused_goes_to_another_and_does_not_count)
{
	rig_hello(rig, 11, "w1", AMD, 1);
	rig_submit(rig, 1, AMD, "");
	rig_hello(rig, 12, "w2", AMD, 1);
	rig_refuse(rig, 11, 1);
	ck_assert_int_eq(rig_attempt(rig, 1)->state, ATTEMPT_REFUSED);
	ck_assert(rig_attempt(rig, 1)->is_confirmed);
	ck_assert_str_eq(rig_attempt(rig, 1)->reason, "worker w1 refused it: disk 3 % free");
	ck_assert(rig_noted(rig, "attempt.refused"));
	ck_assert(rig_noted(rig, "job.requeued"));
	ck_assert_int_eq(rig_job(rig, 1)->attempt_count, 0);
	rig_pass_time(rig, 5000);
	ck_assert_int_eq(rig_sent_to(rig, WIRE_OFFER, 0), 12);
	ck_assert_int_eq(rig_sent(rig, WIRE_OFFER, 0)->offer.number, 2);
}
END_TEST

START_TEST(an_offer_not_answered_in_time_is_taken_back)
{
	rig_hello(rig, 11, "w1", AMD, 1);
	rig_submit(rig, 1, AMD, "");
	rig_pass_time(rig, 9999);
	ck_assert_int_eq(rig_attempt(rig, 1)->state, ATTEMPT_OFFERED);
	rig_pass_time(rig, 1);
	ck_assert_int_eq(rig_attempt(rig, 1)->state, ATTEMPT_REFUSED);
	ck_assert_int_eq((int)rig_sent(rig, WIRE_ABANDON, 0)->abandon.attempt, 1);
	ck_assert_int_eq(rig_job(rig, 1)->attempt_count, 0);
	rig_accept(rig, 11, 1);
	ck_assert_ptr_nonnull(rig_sent(rig, WIRE_ABANDON, 0));
	ck_assert_int_eq(rig_job(rig, 1)->state, JOB_QUEUED);
	rig_pass_time(rig, 3000);
	ck_assert_int_eq(rig_sent_to(rig, WIRE_OFFER, 0), 11);
}
END_TEST

START_TEST(a_silent_worker_is_lost_when_its_lease_ends)
{
	start_one();
	rig_hello(rig, 12, "w2", AMD, 1);
	rig_pass_time(rig, 20000);
	rig_beat(rig, 11, 1);
	rig_beat(rig, 12, 0);
	rig_left(rig, 11);
	rig_pass_time(rig, 29999);
	ck_assert_int_eq(rig_attempt(rig, 1)->state, ATTEMPT_RUNNING);
	rig_beat(rig, 12, 0);
	rig_pass_time(rig, 1);
	ck_assert_int_eq(rig_attempt(rig, 1)->state, ATTEMPT_LOST);
	ck_assert_str_eq(rig_attempt(rig, 1)->reason, "worker w1 was lost: silent for 30 s");
	ck_assert(!rig_attempt(rig, 1)->is_confirmed);
	ck_assert(rig_noted(rig, "attempt.lost"));
	ck_assert_int_eq(rig_job(rig, 1)->state, JOB_QUEUED);
	ck_assert_int_eq(rig_job(rig, 1)->attempt_count, 1);
	rig_pass_time(rig, 3000);
	ck_assert_int_eq(rig_sent_to(rig, WIRE_OFFER, 0), 12);
}
END_TEST

START_TEST(a_silent_session_is_closed_at_the_end_of_its_lease)
{
	start_one();
	rig_pass_time(rig, 30000);
	ck_assert_int_eq(rig_told(rig, EFFECT_CLOSE, 0)->close.session, 11);
	ck_assert(!rig_worker(rig, "w1")->is_connected);
	ck_assert_int_eq(rig_attempt(rig, 1)->state, ATTEMPT_LOST);
	rig_pass_time(rig, 10000);
	ck_assert_ptr_null(rig_sent(rig, WIRE_OFFER, 0));
}
END_TEST

START_TEST(a_fenced_attempt_changes_nothing)
{
	char *before, *after;

	start_one();
	rig_left(rig, 11);
	rig_pass_time(rig, 30000);
	rig_hello_holding(rig, 21, "w1", AMD, 1);
	ck_assert_int_eq((int)rig_sent(rig, WIRE_ABANDON, 0)->abandon.attempt, 1);
	before = rig_dump(rig->core);
	rig_succeed(rig, 21, 1);
	ck_assert_int_eq((int)rig_sent(rig, WIRE_ACK, 0)->ack.attempt, 1);
	ck_assert_int_eq((int)rig_sent(rig, WIRE_ABANDON, 0)->abandon.attempt, 1);
	rig_say(rig, 21, &(struct wire_message){ .type = WIRE_STEP, .step = { .attempt = 1, .n = 1 } });
	ck_assert_ptr_nonnull(rig_sent(rig, WIRE_ABANDON, 0));
	ck_assert_uint_eq(rig->tables[ROW_STEP].count, 0);
	rig_cancelled(rig, 21, 1);
	ck_assert_ptr_nonnull(rig_sent(rig, WIRE_ACK, 0));
	after = rig_dump(rig->core);
	ck_assert_str_eq(before, after);
	free(before);
	free(after);
}
END_TEST

START_TEST(another_workers_attempt_is_not_its_own)
{
	start_one();
	rig_hello(rig, 12, "w2", AMD, 1);
	rig_succeed(rig, 12, 1);
	ck_assert_ptr_nonnull(rig_sent(rig, WIRE_ACK, 0));
	ck_assert_int_eq(rig_sent_to(rig, WIRE_ABANDON, 0), 12);
	ck_assert_int_eq(rig_job(rig, 1)->state, JOB_RUNNING);
}
END_TEST

START_TEST(a_worker_that_comes_back_without_it_has_lost_it)
{
	start_one();
	rig_left(rig, 11);
	rig_hello(rig, 12, "w1", AMD, 1);
	ck_assert_int_eq(rig_attempt(rig, 1)->state, ATTEMPT_LOST);
	ck_assert_int_eq(rig_job(rig, 1)->attempt_count, 1);
}
END_TEST

START_TEST(an_offer_lost_with_the_session_does_not_count)
{
	rig_hello(rig, 11, "w1", AMD, 1);
	rig_submit(rig, 1, AMD, "");
	rig_left(rig, 11);
	rig_hello(rig, 12, "w1", AMD, 1);
	ck_assert_int_eq(rig_attempt(rig, 1)->state, ATTEMPT_REFUSED);
	ck_assert_int_eq(rig_job(rig, 1)->attempt_count, 0);
}
END_TEST

START_TEST(an_accept_lost_with_the_session_is_told_by_hello)
{
	rig_hello(rig, 11, "w1", AMD, 1);
	rig_submit(rig, 1, AMD, "");
	rig_left(rig, 11);
	rig_pass_time(rig, 15000);
	ck_assert_int_eq(rig_attempt(rig, 1)->state, ATTEMPT_OFFERED);
	rig_hello_holding(rig, 12, "w1", AMD, 1);
	ck_assert_int_eq(rig_attempt(rig, 1)->state, ATTEMPT_RUNNING);
}
END_TEST

START_TEST(a_beat_without_it_loses_it_but_not_at_once)
{
	start_one();
	rig_beat(rig, 11, 0);
	ck_assert_int_eq(rig_attempt(rig, 1)->state, ATTEMPT_RUNNING);
	rig_pass_time(rig, 5000);
	rig_beat(rig, 11, 1);
	ck_assert_int_eq(rig_attempt(rig, 1)->state, ATTEMPT_RUNNING);
	rig_beat(rig, 11, 0);
	ck_assert_int_eq(rig_attempt(rig, 1)->state, ATTEMPT_LOST);
}
END_TEST

START_TEST(a_beat_that_crosses_an_ack_abandons_nothing)
{
	start_one();
	rig_succeed(rig, 11, 1);
	rig_beat(rig, 11, 1);
	ck_assert_ptr_null(rig_sent(rig, WIRE_ABANDON, 0));
	rig_beat(rig, 11, 77);
	ck_assert_int_eq((int)rig_sent(rig, WIRE_ABANDON, 0)->abandon.attempt, 77);
}
END_TEST

START_TEST(nothing_is_lost_before_we_listened_long_enough)
{
	start_one();
	rig_load(rig);
	rig_pass_time(rig, 300000);
	ck_assert_int_eq(rig_attempt(rig, 1)->state, ATTEMPT_RUNNING);
	rig_listen(rig);
	rig_pass_time(rig, 59999);
	ck_assert_int_eq(rig_attempt(rig, 1)->state, ATTEMPT_RUNNING);
	rig_pass_time(rig, 1);
	ck_assert_int_eq(rig_attempt(rig, 1)->state, ATTEMPT_LOST);
	ck_assert_ptr_nonnull(strstr(rig_attempt(rig, 1)->reason, "did not come back"));
}
END_TEST

START_TEST(a_worker_goes_on_after_a_restart_of_the_coordinator)
{
	start_one();
	rig_load(rig);
	ck_assert(!rig_worker(rig, "w1")->is_connected);
	rig_listen(rig);
	rig_hello_holding(rig, 21, "w1", AMD, 1);
	ck_assert_ptr_null(rig_sent(rig, WIRE_ABANDON, 0));
	rig_succeed(rig, 21, 1);
	ck_assert_int_eq(rig_build(rig, 1)->state, BUILD_SUCCEEDED);
}
END_TEST

START_TEST(a_stall_of_our_own_loses_nobody)
{
	start_one();
	rig->now.mono_ms += 50000;
	rig->now.wall_ms += 50000;
	rig_handle(rig, &(struct core_event){ .type = EVENT_TICK });
	ck_assert_int_eq(rig_attempt(rig, 1)->state, ATTEMPT_RUNNING);
	rig_pass_time(rig, 60000);
	ck_assert_int_eq(rig_attempt(rig, 1)->state, ATTEMPT_LOST);
}
END_TEST

START_TEST(a_credential_is_only_for_ones_own_live_attempt)
{
	struct wire_message msg = { .type = WIRE_CREDENTIAL_REQUEST, .credential_request = { 5, 1, "registry:5000" } };

	start_one();
	rig_hello(rig, 12, "w2", AMD, 1);
	rig_say(rig, 12, &msg);
	ck_assert_ptr_null(rig_told(rig, EFFECT_CREDENTIAL, 0));
	ck_assert_int_eq(rig_sent_to(rig, WIRE_ABANDON, 0), 12);
	rig_say(rig, 11, &msg);
	ck_assert_int_eq(rig_told(rig, EFFECT_CREDENTIAL, 0)->credential.session, 11);
	ck_assert_int_eq(rig_told(rig, EFFECT_CREDENTIAL, 0)->credential.request, 5);
	ck_assert_str_eq(rig_told(rig, EFFECT_CREDENTIAL, 0)->credential.host, "registry:5000");
	rig_succeed(rig, 11, 1);
	rig_say(rig, 11, &msg);
	ck_assert_ptr_null(rig_told(rig, EFFECT_CREDENTIAL, 0));
}
END_TEST

START_TEST(what_a_worker_does_not_say_is_answered_with_error)
{
	rig_hello(rig, 11, "w1", AMD, 1);
	rig_say(rig, 11, &(struct wire_message){ .type = WIRE_ACK });
	ck_assert_str_eq(rig_sent(rig, WIRE_ERROR, 0)->error.about, "ack");
	rig_hello(rig, 11, "w1", AMD, 1);
	ck_assert_str_eq(rig_sent(rig, WIRE_ERROR, 0)->error.about, "hello");
	rig_say(rig, 11, &(struct wire_message){ .type = WIRE_ERROR });
	ck_assert_uint_eq(rig->told.count, 0);
}
END_TEST

START_TEST(a_step_is_saved_and_announced_but_not_acknowledged)
{
	start_one();
	rig_say(rig, 11, &(struct wire_message){ .type = WIRE_STEP, .step = { 1, 2, 5, "RUN make", false, 10, 0 } });
	ck_assert_uint_eq(rig->tables[ROW_STEP].count, 1);
	ck_assert_str_eq(rig->tables[ROW_STEP].rows[0]->step.name, "RUN make");
	ck_assert_int_eq(rig_told(rig, EFFECT_ANNOUNCE, 0)->announce.attempt, 1);
	ck_assert_ptr_null(rig_sent(rig, WIRE_ACK, 0));
}
END_TEST

START_TEST(the_proof_is_kept_with_the_attempt)
{
	start_one();
	rig_started(rig, 11, 1);
	ck_assert_str_eq(rig_attempt(rig, 1)->proof, "native, just now");
	ck_assert_int_eq((int)rig_attempt(rig, 1)->last_seq, 1);
}
END_TEST

START_TEST(an_event_said_twice_is_taken_once)
{
	start_one();
	rig_started(rig, 11, 1);
	rig_say(rig, 11, &(struct wire_message){ .type = WIRE_STARTED, .started = { 1, 1, "another proof" } });
	ck_assert_ptr_nonnull(rig_sent(rig, WIRE_ACK, 0));
	ck_assert_str_eq(rig_attempt(rig, 1)->proof, "native, just now");
	rig_hello(rig, 12, "w2", AMD, 1);
	rig_started(rig, 12, 1);
	ck_assert_int_eq(rig_sent_to(rig, WIRE_ACK, 0), 12);
	ck_assert_int_eq(rig_sent_to(rig, WIRE_ABANDON, 0), 12);
}
END_TEST

START_TEST(a_hello_before_we_listen_starts_no_lease)
{
	start_one();
	rig_load(rig);
	rig_hello_holding(rig, 21, "w1", AMD, 1);
	rig_pass_time(rig, 300000);
	ck_assert_int_eq(rig_attempt(rig, 1)->state, ATTEMPT_RUNNING);
	rig_listen(rig);
	rig_pass_time(rig, 60000);
	ck_assert_int_eq(rig_attempt(rig, 1)->state, ATTEMPT_LOST);
}
END_TEST

START_TEST(an_offer_on_its_way_when_the_lease_ends_does_not_count)
{
	rig_hello(rig, 11, "w1", AMD, 1);
	rig_submit(rig, 1, AMD, "");
	rig_left(rig, 11);
	rig_pass_time(rig, 30000);
	ck_assert_int_eq(rig_attempt(rig, 1)->state, ATTEMPT_REFUSED);
	ck_assert(!rig_attempt(rig, 1)->is_confirmed);
	ck_assert_int_eq(rig_job(rig, 1)->attempt_count, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("worker");
	TCase *tc = tcase_create("worker");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_worker_is_welcomed_and_saved);
	tcase_add_test(tc, another_protocol_is_sent_away);
	tcase_add_test(tc, the_first_message_is_hello);
	tcase_add_test(tc, a_worker_that_could_emulate_is_refused_with_the_remedy);
	tcase_add_test(tc, the_newer_session_of_a_name_takes_over);
	tcase_add_test(tc, an_offer_refused_goes_to_another_and_does_not_count);
	tcase_add_test(tc, an_offer_not_answered_in_time_is_taken_back);
	tcase_add_test(tc, a_silent_worker_is_lost_when_its_lease_ends);
	tcase_add_test(tc, a_silent_session_is_closed_at_the_end_of_its_lease);
	tcase_add_test(tc, a_fenced_attempt_changes_nothing);
	tcase_add_test(tc, another_workers_attempt_is_not_its_own);
	tcase_add_test(tc, a_worker_that_comes_back_without_it_has_lost_it);
	tcase_add_test(tc, an_offer_lost_with_the_session_does_not_count);
	tcase_add_test(tc, an_accept_lost_with_the_session_is_told_by_hello);
	tcase_add_test(tc, a_beat_without_it_loses_it_but_not_at_once);
	tcase_add_test(tc, a_beat_that_crosses_an_ack_abandons_nothing);
	tcase_add_test(tc, nothing_is_lost_before_we_listened_long_enough);
	tcase_add_test(tc, a_worker_goes_on_after_a_restart_of_the_coordinator);
	tcase_add_test(tc, a_stall_of_our_own_loses_nobody);
	tcase_add_test(tc, a_credential_is_only_for_ones_own_live_attempt);
	tcase_add_test(tc, what_a_worker_does_not_say_is_answered_with_error);
	tcase_add_test(tc, a_step_is_saved_and_announced_but_not_acknowledged);
	tcase_add_test(tc, the_proof_is_kept_with_the_attempt);
	tcase_add_test(tc, an_event_said_twice_is_taken_once);
	tcase_add_test(tc, a_hello_before_we_listen_starts_no_lease);
	tcase_add_test(tc, an_offer_on_its_way_when_the_lease_ends_does_not_count);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
