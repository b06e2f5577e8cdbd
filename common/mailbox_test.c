/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mailbox.h"
#include "common/mem.h"
#include "common/test_fds.h"

#define PER_SENDER 20000

struct note {
	struct message message; /* first: what is posted is the note */
	int sender, number;
};

struct sender {
	struct mailbox *box;
	int sender;
};

static int freed, woken;

static void free_note(struct message *msg)
{
	freed++;
	mem_free(msg);
}

static struct message *note(int sender, int number)
{
	struct note *note = mem_alloc(sizeof(*note));

	note->message.free = free_note;
	note->sender = sender;
	note->number = number;
	return &note->message;
}

static int number_of(const struct message *msg)
{
	return ((const struct note *)(const void *)msg)->number;
}

static void on_wake(void *arg)
{
	(void)arg;
	woken++;
}

START_TEST(messages_come_in_the_order_they_were_posted)
{
	struct mailbox *box = mailbox_new(NULL, NULL);
	struct message *first;

	ck_assert_ptr_null(mailbox_take(box));
	for (int i = 0; i < 3; i++)
		mailbox_post(box, note(0, i));
	first = mailbox_take(box);
	ck_assert_ptr_null(mailbox_take(box));
	for (int i = 0; i < 3; i++) {
		struct message *next = first->next;

		ck_assert_int_eq(number_of(first), i);
		free_note(first);
		first = next;
	}
	ck_assert_ptr_null(first);
	mailbox_free(box);
}
END_TEST

START_TEST(the_receiver_is_woken_once_per_filling)
{
	struct mailbox *box = mailbox_new(on_wake, NULL);

	woken = 0;
	mailbox_post(box, note(0, 0));
	mailbox_post(box, note(0, 1));
	ck_assert_int_eq(woken, 1);
	for (struct message *msg = mailbox_take(box), *next; msg; msg = next) {
		next = msg->next;
		free_note(msg);
	}
	mailbox_post(box, note(0, 2));
	ck_assert_int_eq(woken, 2);
	mailbox_free(box);
}
END_TEST

START_TEST(what_was_never_taken_is_freed)
{
	struct mailbox *box = mailbox_new(NULL, NULL);

	freed = 0;
	mailbox_post(box, note(0, 0));
	mailbox_post(box, note(0, 1));
	mailbox_free(box);
	ck_assert_int_eq(freed, 2);
	mailbox_free(NULL);
}
END_TEST

static void *send_all(void *arg)
{
	struct sender *sender = arg;

	for (int i = 0; i < PER_SENDER; i++)
		mailbox_post(sender->box, note(sender->sender, i));
	return NULL;
}

/* Takes until both senders' last notes are here; what each sent must come in its order. */
static void receive_all(struct mailbox *box, struct message *(*take)(struct mailbox *box))
{
	int expected[2] = { 0, 0 };

	while (expected[0] + expected[1] < 2 * PER_SENDER) {
		struct message *msg = take(box), *next;

		ck_assert_ptr_nonnull(msg);
		for (; msg; msg = next) {
			int sender = ((struct note *)(void *)msg)->sender;

			next = msg->next;
			ck_assert_int_eq(number_of(msg), expected[sender]++);
			free_note(msg);
		}
	}
}

static void run_two_senders(struct mailbox *box, struct message *(*take)(struct mailbox *box))
{
	struct sender senders[2] = { { box, 0 }, { box, 1 } };
	pthread_t threads[2];

	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, send_all, &senders[i]), 0);
	receive_all(box, take);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	ck_assert_ptr_null(mailbox_take(box));
	mailbox_free(box);
}

START_TEST(a_waiting_receiver_gets_everything_in_each_sender_s_order)
{
	run_two_senders(mailbox_new(NULL, NULL), mailbox_wait);
}
END_TEST

static int wake_pipe[2];

static void on_wake_write(void *arg)
{
	(void)arg;
	ck_assert_int_eq(write(wake_pipe[1], "", 1), 1);
}

/* As a loop does: sleeps until woken, then takes all there is. A lost wake-up hangs here, and the test times out. */
static struct message *take_when_woken(struct mailbox *box)
{
	struct message *msg = NULL;
	char byte;

	while (!msg) {
		ck_assert_int_eq(read(wake_pipe[0], &byte, 1), 1);
		msg = mailbox_take(box);
	}
	return msg;
}

START_TEST(a_woken_receiver_misses_nothing)
{
	ck_assert_int_eq(pipe(wake_pipe), 0);
	run_two_senders(mailbox_new(on_wake_write, NULL), take_when_woken);
	close(wake_pipe[0]);
	close(wake_pipe[1]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("mailbox");
	TCase *tc = tcase_create("mailbox");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, count_files, no_file_left_open);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, messages_come_in_the_order_they_were_posted);
	tcase_add_test(tc, the_receiver_is_woken_once_per_filling);
	tcase_add_test(tc, what_was_never_taken_is_freed);
	tcase_add_test(tc, a_waiting_receiver_gets_everything_in_each_sender_s_order);
	tcase_add_test(tc, a_woken_receiver_misses_nothing);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
