/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/logs/logs.h"

#include <check.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/fault.h"
#include "common/test_fds.h"

static char dir[64];

/* What on_durable said, and a way to wait for it. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int calls;
	int64_t attempt, durable_bytes;
	void (*then)(void); /* called once, on the log thread */
} heard = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0, 0, NULL };

static struct logs *logs;

static void on_durable(int64_t attempt, int64_t durable_bytes, void *arg)
{
	void (*then)(void);

	ck_assert_ptr_eq(arg, &heard);
	pthread_mutex_lock(&heard.lock);
	heard.calls++;
	heard.attempt = attempt;
	heard.durable_bytes = durable_bytes;
	then = heard.then;
	heard.then = NULL;
	pthread_mutex_unlock(&heard.lock);
	if (then)
		then();
	pthread_mutex_lock(&heard.lock);
	pthread_cond_broadcast(&heard.changed);
	pthread_mutex_unlock(&heard.lock);
}

static void wait_calls(int calls)
{
	pthread_mutex_lock(&heard.lock);
	while (heard.calls < calls)
		pthread_cond_wait(&heard.changed, &heard.lock);
	pthread_mutex_unlock(&heard.lock);
}

static void start(void)
{
	struct error err;

	ck_assert_msg(logs_start(dir, on_durable, &heard, &logs, &err) == 0, "%s", err.msg);
}

static void set_up(void)
{
	count_files();
	snprintf(dir, sizeof(dir), "/tmp/logs_test.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	heard.calls = 0;
	start();
}

static void tear_down(void)
{
	char path[128];

	logs_stop(logs);
	for (int i = 0; i < 400; i++) {
		snprintf(path, sizeof(path), "%s/logs/%d.log", dir, i);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/logs", dir);
	ck_assert_int_eq(rmdir(path), 0);
	ck_assert_int_eq(rmdir(dir), 0);
	no_file_left_open();
}

static void content_is(int64_t attempt, const char *text)
{
	char got[256] = "";
	struct error err;
	int fd;

	ck_assert_msg(logs_open_read(dir, attempt, &fd, &err) == 0, "%s", err.msg);
	ck_assert_int_ge(read(fd, got, sizeof(got) - 1), 0);
	close(fd);
	ck_assert_str_eq(got, text);
}

START_TEST(bytes_go_where_their_offset_says)
{
	logs_append(logs, 7, 0, "one ", 4);
	wait_calls(1);
	logs_append(logs, 7, 4, "two", 3);
	wait_calls(2);
	ck_assert_int_eq(heard.attempt, 7);
	ck_assert_int_eq(heard.durable_bytes, 7);
	content_is(7, "one two");
}
END_TEST

START_TEST(what_is_already_there_is_skipped)
{
	logs_append(logs, 7, 0, "one ", 4);
	logs_append(logs, 7, 2, "e two", 5);
	logs_append(logs, 7, 0, "yyy", 3);
	logs_ask(logs, 7);
	logs_stop(logs);
	content_is(7, "one two");
	ck_assert_int_eq(heard.durable_bytes, 7);
	start();
}
END_TEST

START_TEST(a_gap_is_not_written)
{
	logs_append(logs, 7, 0, "one", 3);
	logs_append(logs, 7, 4, "two", 3);
	logs_stop(logs);
	content_is(7, "one");
	ck_assert_int_eq(heard.durable_bytes, 3);
	start();
}
END_TEST

static void append_many(void)
{
	for (int i = 0; i < 100; i++)
		logs_append(logs, 8, i, "x", 1);
}

START_TEST(what_came_together_is_told_once)
{
	heard.then = append_many;
	logs_append(logs, 7, 0, "one", 3);
	wait_calls(2);
	ck_assert_int_eq(heard.calls, 2);
	ck_assert_int_eq(heard.attempt, 8);
	ck_assert_int_eq(heard.durable_bytes, 100);
}
END_TEST

START_TEST(asking_makes_no_file)
{
	struct error err;
	int fd;

	logs_ask(logs, 7);
	wait_calls(1);
	ck_assert_int_eq(heard.durable_bytes, 0);
	ck_assert_int_eq(logs_open_read(dir, 7, &fd, &err), -1);
	ck_assert_int_eq(err.code, ERR_NOT_FOUND);
	logs_append(logs, 7, 0, "one", 3);
	wait_calls(2);
	ck_assert_int_eq(heard.durable_bytes, 3);
}
END_TEST

START_TEST(the_next_life_goes_on_where_this_one_ended)
{
	logs_append(logs, 7, 0, "one", 3);
	logs_stop(logs);
	start();
	heard.calls = 0;
	logs_ask(logs, 7);
	wait_calls(1);
	ck_assert_int_eq(heard.durable_bytes, 3);
	logs_append(logs, 7, 3, " two", 4);
	wait_calls(2);
	content_is(7, "one two");
}
END_TEST

START_TEST(more_attempts_than_open_files_lose_nothing)
{
	for (int round = 0; round < 2; round++) {
		for (int i = 1; i < 400; i++)
			logs_append(logs, i, round, round ? "b" : "a", 1);
	}
	logs_stop(logs);
	for (int i = 1; i < 400; i++)
		content_is(i, "ab");
	start();
}
END_TEST

START_TEST(a_full_disk_is_waited_out)
{
	fault_arm(1);
	logs_append(logs, 7, 0, "one", 3);
	wait_calls(1);
	ck_assert(fault_fired());
	ck_assert_int_eq(heard.durable_bytes, 3);
	content_is(7, "one");
}
END_TEST

START_TEST(a_folder_that_cannot_be_made_is_an_error)
{
	struct logs *other = NULL;
	struct error err;

	ck_assert_int_eq(logs_start("/proc/nowhere", on_durable, &heard, &other, &err), -1);
	ck_assert_ptr_null(other);
	ck_assert_ptr_nonnull(strstr(err.msg, "/proc/nowhere/logs"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("logs");
	TCase *tc = tcase_create("logs");
	SRunner *sr = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, bytes_go_where_their_offset_says);
	tcase_add_test(tc, what_is_already_there_is_skipped);
	tcase_add_test(tc, a_gap_is_not_written);
	tcase_add_test(tc, what_came_together_is_told_once);
	tcase_add_test(tc, asking_makes_no_file);
	tcase_add_test(tc, the_next_life_goes_on_where_this_one_ended);
	tcase_add_test(tc, more_attempts_than_open_files_lose_nothing);
	tcase_add_test(tc, a_full_disk_is_waited_out);
	tcase_add_test(tc, a_folder_that_cannot_be_made_is_an_error);
	suite_add_tcase(suite, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
