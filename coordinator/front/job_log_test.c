/* SPDX-License-Identifier: Apache-2.0 */
/* Logs: what is durable now, and streams that go on until the attempt's last byte. */
#include <fcntl.h>
#include <sys/stat.h>

#include "coordinator/front/test_front.h"

#define JOB 5
#define ATTEMPT 50
#define LOG "/v1/jobs/5/log"

static void write_log(int64_t attempt, const char *data, size_t len)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/logs", world.dir);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/logs/%lld.log", world.dir, (long long)attempt);
	fd = open(path, O_CREAT | O_WRONLY | O_APPEND, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, data, len), (ssize_t)len);
	close(fd);
}

static void grow(int64_t attempt, const char *text)
{
	static int64_t sizes[1000];

	write_log(attempt, text, strlen(text));
	sizes[attempt] += (int64_t)strlen(text);
	front_log_grew(world.front, attempt, sizes[attempt]);
}

static void set_attempt(int64_t id, int number, enum attempt_state state, int64_t log_bytes)
{
	struct row *row = attempt_row(id, JOB, number, state);

	row->attempt.log_bytes = log_bytes;
	commit(row);
}

static void set_job(enum job_state state, int64_t attempt)
{
	commit(job_row(JOB, 1, state, attempt));
}

/* The job runs its first attempt. */
static void start_running(void)
{
	start();
	commit_build(1, 1, BUILD_OPEN);
	set_job(JOB_RUNNING, ATTEMPT);
	set_attempt(ATTEMPT, 1, ATTEMPT_RUNNING, -1);
}

static int follow_at(const char *path, const char *attempt)
{
	struct reply reply;
	int fd = dial();

	say_request(fd, &(struct ask){ .method = "GET", .path = path, .token = world.reader });
	ck_assert(hear_head(fd, &reply));
	ck_assert_msg(reply.status == 200, "%d", reply.status);
	ck_assert_str_eq(header(&reply, "Manifold-Attempt"), attempt);
	ck_assert_str_eq(header(&reply, "Content-Type"), "text/plain; charset=utf-8");
	reply_clear(&reply);
	return fd;
}

static void hears(int fd, const char *text)
{
	CLEANUP(buf_clear) struct buf heard = { 0 };

	while (heard.len < strlen(text)) {
		size_t before = heard.len;

		ck_assert(hear_chunk(fd, &heard));
		ck_assert_msg(heard.len > before, "ended after: %s", buf_text(&heard));
	}
	ck_assert_str_eq(buf_text(&heard), text);
}

/* The last chunk, then the end. */
static void hears_the_end(int fd)
{
	CLEANUP(buf_clear) struct buf heard = { 0 };

	ck_assert(hear_chunk(fd, &heard));
	ck_assert_str_eq(buf_text(&heard), "");
	ck_assert(is_closed(fd));
	close(fd);
}

START_TEST(without_follow_what_is_durable_comes)
{
	struct reply reply;

	start_running();
	reply = get(LOG, world.reader);
	ck_assert_int_eq(reply.status, 200);
	ck_assert_uint_eq(reply.body.len, 0);
	reply_clear(&reply);
	grow(ATTEMPT, "durable");
	write_log(ATTEMPT, ", and not yet", 13);
	reply = get(LOG, world.reader);
	ck_assert_str_eq(header(&reply, "Manifold-Attempt"), "1");
	ck_assert_str_eq(header(&reply, "Content-Length"), "7");
	ck_assert_str_eq(reply.body.data, "durable");
	reply_clear(&reply);
	reply = get(LOG "?offset=3", world.reader);
	ck_assert_str_eq(reply.body.data, "able");
	reply_clear(&reply);
	reply = get(LOG "?offset=7", world.reader);
	ck_assert_int_eq(reply.status, 200);
	ck_assert_uint_eq(reply.body.len, 0);
	reply_clear(&reply);
	reply = get(LOG "?offset=8", world.reader);
	is_error(&reply, 416, "invalid", "7 bytes so far");
}
END_TEST

START_TEST(bad_questions_are_named)
{
	static const struct { const char *path; int status; const char *code, *says; } cases[] = {
		{ LOG "?offset=-1", 400, "invalid", "offset" }, { LOG "?offset=x", 400, "invalid", "offset" },
		{ LOG "?follow=yes", 400, "invalid", "follow" }, { LOG "?attempt=0", 400, "invalid", "attempt" },
		{ LOG "?attempt=2", 404, "not_found", "no attempt 2" }, { LOG "?fellow=1", 400, "invalid", "fellow" },
		{ LOG "?offset=1&offset=2", 400, "invalid", "twice" }, { LOG "?offset=99999999999999999999", 400, "invalid", "offset" },
		{ "/v1/jobs/6/log", 404, "not_found", "no job 6" }, { "/v1/jobs/x/log", 404, "not_found", "no job x" },
	};

	start_running();
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct reply reply = get(cases[i].path, world.reader);

		is_error(&reply, cases[i].status, cases[i].code, cases[i].says);
	}
	struct reply reply = get(LOG, world.stranger);
	is_error(&reply, 404, "not_found", "no job 5");
}
END_TEST

START_TEST(a_follower_hears_each_byte_and_the_end)
{
	int fd;

	start_running();
	grow(ATTEMPT, "one ");
	fd = follow_at(LOG "?follow=1", "1");
	hears(fd, "one ");
	grow(ATTEMPT, "two ");
	hears(fd, "two ");
	/* The result is committed before the last bytes are durable: the stream goes on to them. */
	set_attempt(ATTEMPT, 1, ATTEMPT_SUCCEEDED, 13);
	set_job(JOB_SUCCEEDED, ATTEMPT);
	front_announce(world.front, 1, JOB, ATTEMPT);
	grow(ATTEMPT, "three");
	hears(fd, "three");
	hears_the_end(fd);
}
END_TEST

START_TEST(the_end_also_comes_after_the_last_byte)
{
	int fd;

	start_running();
	fd = follow_at(LOG "?follow=1&offset=2", "1");
	grow(ATTEMPT, "abcdef");
	hears(fd, "cdef");
	set_attempt(ATTEMPT, 1, ATTEMPT_FAILED, 6);
	set_job(JOB_FAILED, ATTEMPT);
	front_announce(world.front, 1, 0, 0);
	hears_the_end(fd);
	/* Afterwards: at once. */
	fd = follow_at(LOG "?follow=1", "1");
	hears(fd, "abcdef");
	hears_the_end(fd);
}
END_TEST

START_TEST(a_follower_waits_for_the_first_attempt)
{
	int fd;

	start();
	commit_build(1, 1, BUILD_OPEN);
	set_job(JOB_QUEUED, 0);
	fd = follow_at(LOG "?follow=1", "1");
	front_announce(world.front, 1, JOB, 0);
	set_job(JOB_RUNNING, ATTEMPT);
	set_attempt(ATTEMPT, 1, ATTEMPT_RUNNING, -1);
	front_announce(world.front, 1, JOB, ATTEMPT);
	grow(ATTEMPT, "hello");
	hears(fd, "hello");
	close(fd);
}
END_TEST

START_TEST(a_follower_of_a_job_that_never_ran_hears_the_end)
{
	struct reply reply;
	int fd;

	start();
	commit_build(1, 1, BUILD_OPEN);
	set_job(JOB_QUEUED, 0);
	fd = follow_at(LOG "?follow=1", "1");
	set_job(JOB_CANCELLED, 0);
	front_announce(world.front, 1, JOB, 0);
	hears_the_end(fd);
	hears_the_end(follow_at(LOG "?follow=1", "1"));
	reply = get(LOG "?follow=1&attempt=1", world.reader);
	is_error(&reply, 404, "not_found", "no attempt 1");
}
END_TEST

START_TEST(after_a_lost_attempt_the_next_is_followed)
{
	int fd, old, named;

	start_running();
	named = follow_at(LOG "?follow=1&attempt=2", "2");
	grow(ATTEMPT, "half a l");
	fd = follow_at(LOG "?follow=1", "1");
	hears(fd, "half a l");
	set_attempt(ATTEMPT, 1, ATTEMPT_LOST, -1);
	set_job(JOB_QUEUED, ATTEMPT);
	front_announce(world.front, 1, JOB, ATTEMPT);
	hears_the_end(fd);
	fd = follow_at(LOG "?follow=1", "2");
	old = follow_at(LOG "?follow=1&attempt=1", "1");
	hears(old, "half a l");
	hears_the_end(old);
	set_attempt(ATTEMPT + 1, 2, ATTEMPT_RUNNING, -1);
	set_job(JOB_RUNNING, ATTEMPT + 1);
	front_announce(world.front, 1, JOB, ATTEMPT + 1);
	grow(ATTEMPT + 1, "whole");
	hears(fd, "whole");
	hears(named, "whole");
	close(fd);
	close(named);
}
END_TEST

START_TEST(a_long_log_comes_whole_to_many)
{
	enum { FOLLOWERS = 40, LINES = 20000 };
	CLEANUP(buf_clear) struct buf text = { 0 };
	int fds[FOLLOWERS];

	start_running();
	for (int i = 0; i < LINES; i++)
		buf_printf(&text, "line %d of a long log\n", i);
	write_log(ATTEMPT, text.data, text.len / 2);
	for (int i = 0; i < FOLLOWERS; i++)
		fds[i] = follow_at(LOG "?follow=1", "1");
	write_log(ATTEMPT, text.data + text.len / 2, text.len - text.len / 2);
	set_attempt(ATTEMPT, 1, ATTEMPT_SUCCEEDED, (int64_t)text.len);
	set_job(JOB_SUCCEEDED, ATTEMPT);
	front_log_grew(world.front, ATTEMPT, (int64_t)text.len);
	front_announce(world.front, 1, JOB, ATTEMPT);
	for (int i = 0; i < FOLLOWERS; i++) {
		hears(fds[i], text.data);
		hears_the_end(fds[i]);
	}
}
END_TEST

START_TEST(a_follower_that_leaves_costs_nothing)
{
	struct linger reset = { .l_onoff = 1 };
	struct reply reply;
	int stays;

	world.config.connections_max = 2;
	start_running();
	grow(ATTEMPT, "a");
	stays = follow_at(LOG "?follow=1", "1");
	hears(stays, "a");
	/* There is room for one beside it: each next one gets in only when the one before is really gone. */
	for (int i = 0; i < 6; i++) {
		int fd = follow_at(LOG "?follow=1", "1");

		hears(fd, "a");
		if (i % 3 == 0)
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		if (i % 3 == 1)
			shutdown(fd, SHUT_WR);
		close(fd);
	}
	reply = get("/healthz", NULL);
	reply_clear(&reply);
	grow(ATTEMPT, "b");
	hears(stays, "b");
	front_stop(world.front);
	world.front = NULL;
	ck_assert(is_closed(stays));
	close(stays);
}
END_TEST

START_TEST(a_quiet_log_outlives_the_idle_timeout)
{
	struct reply reply;
	int fd, idle;

	world.config.idle_timeout_s = 2;
	start_running();
	fd = follow_at(LOG "?follow=1", "1");
	idle = dial();
	ck_assert(is_closed(idle)); /* so long a silence ended this one */
	close(idle);
	idle = dial();
	ck_assert(is_closed(idle));
	close(idle);
	grow(ATTEMPT, "still here");
	hears(fd, "still here");
	close(fd);
	reply = get("/healthz", NULL);
	reply_clear(&reply);
}
END_TEST

START_TEST(head_of_a_log_is_answered_at_once)
{
	struct reply reply;
	int fd;

	start_running();
	grow(ATTEMPT, "abc");
	fd = dial();
	say_request(fd, &(struct ask){ .method = "HEAD", .path = LOG, .token = world.reader });
	ck_assert(hear_head(fd, &reply));
	ck_assert_str_eq(header(&reply, "Content-Length"), "3");
	reply_clear(&reply);
	say_request(fd, &(struct ask){ .method = "HEAD", .path = LOG "?follow=1", .token = world.reader });
	ck_assert(hear_head(fd, &reply));
	ck_assert_int_eq(reply.status, 200);
	reply_clear(&reply);
	say_request(fd, &(struct ask){ .method = "GET", .path = "/healthz" });
	reply = hear(fd);
	ck_assert_str_eq(reply.body.data, "ok\n");
	reply_clear(&reply);
	close(fd);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("job_log");

	tcase_add_test(tcase, without_follow_what_is_durable_comes);
	tcase_add_test(tcase, bad_questions_are_named);
	tcase_add_test(tcase, a_follower_hears_each_byte_and_the_end);
	tcase_add_test(tcase, the_end_also_comes_after_the_last_byte);
	tcase_add_test(tcase, a_follower_waits_for_the_first_attempt);
	tcase_add_test(tcase, a_follower_of_a_job_that_never_ran_hears_the_end);
	tcase_add_test(tcase, after_a_lost_attempt_the_next_is_followed);
	tcase_add_test(tcase, a_long_log_comes_whole_to_many);
	tcase_add_test(tcase, a_follower_that_leaves_costs_nothing);
	tcase_add_test(tcase, a_quiet_log_outlives_the_idle_timeout);
	tcase_add_test(tcase, head_of_a_log_is_answered_at_once);
	return run_tests(tcase, "job_log");
}
