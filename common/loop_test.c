/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>

#include "common/fault.h"
#include "common/loop.h"
#include "common/mem.h"
#include "common/test_fds.h"

#define SENDERS 4
#define EACH 5000

struct note {
	struct message message;
	int sender, n;
};

struct seen {
	struct loop *loop;
	int last[SENDERS];
	int count, freed;
};

static int never_taken;

static void note_free(struct message *msg)
{
	never_taken++;
	mem_free(msg);
}

static void post(struct loop *loop, int sender, int n)
{
	struct note *note = mem_alloc(sizeof(*note));

	note->message.free = note_free;
	note->sender = sender;
	note->n = n;
	loop_post(loop, &note->message);
}

static void on_note(struct message *msg, void *arg)
{
	struct seen *seen = arg;
	struct note *note = (struct note *)msg;

	ck_assert_int_eq(note->n, seen->last[note->sender] + 1);
	seen->last[note->sender] = note->n;
	seen->count++;
	if (seen->count == SENDERS * EACH)
		loop_stop(seen->loop);
	mem_free(note);
}

struct sender {
	struct loop *loop;
	int id;
};

static void *send_all(void *arg)
{
	struct sender *sender = arg;

	for (int n = 1; n <= EACH; n++)
		post(sender->loop, sender->id, n);
	return NULL;
}

START_TEST(every_message_arrives_in_its_senders_order)
{
	struct seen seen = { 0 };
	struct sender senders[SENDERS];
	pthread_t threads[SENDERS];
	struct error err;

	ck_assert_int_eq(loop_new(on_note, &seen, &seen.loop, &err), 0);
	for (int i = 0; i < SENDERS; i++) {
		senders[i] = (struct sender){ seen.loop, i };
		ck_assert_int_eq(pthread_create(&threads[i], NULL, send_all, &senders[i]), 0);
	}
	ck_assert_int_eq(loop_run(seen.loop, &err), 0);
	for (int i = 0; i < SENDERS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_int_eq(seen.count, SENDERS * EACH);
	loop_free(seen.loop);
}
END_TEST

START_TEST(what_was_posted_before_the_stop_is_handled)
{
	struct seen seen = { 0 };
	struct error err;

	ck_assert_int_eq(loop_new(on_note, &seen, &seen.loop, &err), 0);
	post(seen.loop, 0, 1);
	post(seen.loop, 0, 2);
	loop_stop(seen.loop);
	ck_assert_int_eq(loop_run(seen.loop, &err), 0);
	ck_assert_int_eq(seen.count, 2);
	loop_free(seen.loop);
}
END_TEST

START_TEST(what_is_never_taken_is_freed)
{
	struct seen seen = { 0 };
	struct error err;

	never_taken = 0;
	ck_assert_int_eq(loop_new(on_note, &seen, &seen.loop, &err), 0);
	post(seen.loop, 0, 1);
	loop_free(seen.loop);
	ck_assert_int_eq(never_taken, 1);
}
END_TEST

START_TEST(every_failure_of_the_start_leaves_nothing)
{
	for (int nth = 1;; nth++) {
		struct loop *loop = NULL;
		struct error err;
		int rc;

		fault_arm(nth);
		rc = loop_new(on_note, NULL, &loop, &err);
		if (!fault_fired()) {
			fault_arm(0);
			ck_assert_int_eq(rc, 0);
			loop_free(loop);
			break;
		}
		ck_assert_int_eq(rc, -1);
		ck_assert_ptr_null(loop);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("loop");
	TCase *tcase = tcase_create("loop");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, count_files, no_file_left_open);
	tcase_add_test(tcase, every_message_arrives_in_its_senders_order);
	tcase_add_test(tcase, what_was_posted_before_the_stop_is_handled);
	tcase_add_test(tcase, what_is_never_taken_is_freed);
	tcase_add_test(tcase, every_failure_of_the_start_leaves_nothing);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
