/* SPDX-License-Identifier: Apache-2.0 */
/* The real agent, line and journal, between a scripted coordinator and jobs that do what the test says. */
#include "worker/agent.h"

#include <inttypes.h>
#include <stdlib.h>

#include "worker/test_agent.h"

/* The next dial up to its hello. */
static struct wire_hello next_hello(void)
{
	if (fd >= 0)
		close(fd);
	fd = take_dial(listener, &head);
	answer_upgrade(fd, &head);
	return hear(fd, WIRE_HELLO).hello;
}

static void welcome(int lease_s)
{
	say(fd, &(struct wire_message){ .type = WIRE_WELCOME, .welcome = {
		.front_url = "http://front", .beat_interval_s = 1, .lease_s = lease_s, .log_window_bytes = 1000 } });
}

static void open_session(void)
{
	next_hello();
	welcome(30);
}

static void say_offer(int64_t attempt, const char *architecture, int run_timeout_s)
{
	struct wire_message msg = { .type = WIRE_OFFER, .offer = {
		.attempt = attempt, .job = 1, .build = 1, .number = 1, .platform = { .os = "linux" },
		.spec = mem_strdup("{\"source\":{\"context\":\"sha256:0123456789012345678901234567890123456789012345678901"
				   "234567890123\"},\"platforms\":[\"linux/amd64\"],\"tags\":[]}"),
		.run_timeout_s = run_timeout_s } };

	snprintf(msg.offer.platform.architecture, sizeof(msg.offer.platform.architecture), "%s", architecture);
	say(fd, &msg);
	wire_message_clear(&msg);
}

static struct job *accepted_job(int64_t attempt)
{
	struct job *own;

	say_offer(attempt, "amd64", 60);
	ck_assert_int_eq(hear(fd, WIRE_ACCEPT).accept.attempt, attempt);
	pthread_mutex_lock(&lock);
	own = job;
	pthread_mutex_unlock(&lock);
	ck_assert_int_eq(own->attempt, attempt);
	return own;
}

static void wait_cancelled(const struct job *own)
{
	pthread_mutex_lock(&lock);
	while (!own->is_cancelled)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

static bool has_file(int64_t attempt, const char *name)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/attempts/%lld/%s", dir, (long long)attempt, name);
	return access(path, F_OK) == 0;
}

static void write_log(const struct job *own, const char *text)
{
	char path[160];
	FILE *file;

	snprintf(path, sizeof(path), "%s/attempts/%lld/log", dir, (long long)own->attempt);
	file = fopen(path, "a");
	fputs(text, file);
	fflush(file);
	own->ports->on_log(own->attempt, ftell(file), own->ports->arg);
	fclose(file);
}

static void end_job(const struct job *own, int64_t log_bytes)
{
	struct wire_result result = { .attempt = own->attempt, .is_success = true, .log_bytes = log_bytes,
				      .media_type = "application/vnd.oci.image.manifest.v1+json", .size_bytes = 1 };

	memset(result.digest, '0', 71);
	memcpy(result.digest, "sha256:", 7);
	own->ports->on_result(&result, own->ports->arg);
}

static void say_ack(int64_t attempt, int64_t seq)
{
	say(fd, &(struct wire_message){ .type = WIRE_ACK, .ack = { attempt, seq } });
}

static void say_credit(int64_t attempt, int64_t durable_bytes, int64_t limit_bytes)
{
	say(fd, &(struct wire_message){ .type = WIRE_LOG_CREDIT, .log_credit = { attempt, durable_bytes, limit_bytes } });
}

/* Everything said before was taken: an attempt that is not held is cancelled at once. */
static void settle(void)
{
	say(fd, &(struct wire_message){ .type = WIRE_CANCEL, .cancel = { 999 } });
	ck_assert_int_eq(hear(fd, WIRE_CANCELLED).cancelled.attempt, 999);
}

static void log_frame_is(int64_t attempt, int64_t offset, const char *text)
{
	CLEANUP(buf_clear) struct buf frame = { 0 };
	int64_t got_attempt, got_offset;
	struct error err;
	int opcode;

	while ((opcode = ws_recv(fd, &frame)) != WS_BINARY)
		ck_assert(opcode == WS_PING || (opcode == WS_TEXT && strstr(frame.data, "beat")));
	ck_assert_int_eq(wire_log_decode((unsigned char *)frame.data, frame.len, &got_attempt, &got_offset, &err), 0);
	ck_assert_int_eq(got_attempt, attempt);
	ck_assert_int_eq(got_offset, offset);
	ck_assert_str_eq(frame.data + WIRE_LOG_HEADER, text);
}

START_TEST(hello_says_what_this_host_is)
{
	struct wire_hello hello;

	start();
	hello = next_hello();
	ck_assert_ptr_nonnull(strstr(head.data, "GET /v1/session HTTP/1.1\r\n"));
	ck_assert_ptr_nonnull(strcasestr(head.data, "authorization: Bearer mfd_secret\r\n"));
	ck_assert_str_eq(hello.name, "w1");
	ck_assert_str_eq(hello.engine, "buildah 1");
	ck_assert_int_eq(hello.slots, 1);
	ck_assert_uint_eq(hello.platform_count, 1);
	ck_assert_uint_eq(hello.held_count, 0);
	ck_assert(hello.is_native);
	ck_assert_int_eq(cleaned, 1);
}
END_TEST

START_TEST(a_host_that_emulates_says_so_and_what_mends_it)
{
	struct wire_hello hello;

	is_native = false;
	start();
	hello = next_hello();
	ck_assert(!hello.is_native);
	ck_assert_str_eq(hello.remedy, "do this");
	say(fd, &(struct wire_message){ .type = WIRE_BYE, .bye = { "r", "m", 1 } });
	next_hello();
}
END_TEST

START_TEST(an_attempt_goes_from_offer_to_oblivion)
{
	struct wire_message msg;
	struct job *own;

	start();
	open_session();
	own = accepted_job(42);
	ck_assert(has_file(42, "offer.json"));
	own->ports->on_started(42, "proven again", own->ports->arg);
	msg = hear(fd, WIRE_STARTED);
	ck_assert_int_eq(msg.started.seq, 1);
	ck_assert_str_eq(msg.started.proof, "proven again");
	say_ack(42, 1);
	own->ports->on_step(&(struct wire_step){ .attempt = 42, .n = 1, .name = "RUN" }, own->ports->arg);
	ck_assert_str_eq(hear(fd, WIRE_STEP).step.name, "RUN");
	write_log(own, "hello");
	say_credit(42, 0, 1000);
	log_frame_is(42, 0, "hello");
	end_job(own, 5);
	ck_assert_int_eq(hear(fd, WIRE_RESULT).result.seq, 2);
	say_ack(42, 2);
	settle();
	ck_assert(has_file(42, "log"));
	say_credit(42, 5, 1000);
	settle();
	ck_assert(!has_file(42, ""));
	ck_assert_int_eq(freed, 1);
}
END_TEST

START_TEST(a_log_stops_at_its_credit)
{
	struct job *own;

	start();
	open_session();
	own = accepted_job(42);
	write_log(own, "hello world");
	say_credit(42, 0, 5);
	log_frame_is(42, 0, "hello");
	settle();
	say_credit(42, 5, 8);
	log_frame_is(42, 5, " wo");
	end_job(own, 11);
}
END_TEST

START_TEST(after_a_break_all_that_was_not_acknowledged_is_said_again)
{
	struct wire_hello hello;
	struct job *own;

	start();
	open_session();
	own = accepted_job(42);
	own->ports->on_started(42, "p", own->ports->arg);
	hear(fd, WIRE_STARTED);
	say_ack(42, 1);
	write_log(own, "hello");
	say_credit(42, 0, 1000);
	log_frame_is(42, 0, "hello");
	end_job(own, 5);
	hear(fd, WIRE_RESULT);
	hello = next_hello();
	ck_assert_uint_eq(hello.held_count, 1);
	ck_assert_int_eq(hello.held[0], 42);
	welcome(30);
	ck_assert_int_eq(hear(fd, WIRE_RESULT).result.seq, 2);
	say_credit(42, 2, 1000);
	log_frame_is(42, 2, "llo");
}
END_TEST

START_TEST(jobs_go_on_while_the_coordinator_is_away)
{
	struct job *own;

	start();
	open_session();
	own = accepted_job(42);
	next_hello(); /* another session, not yet welcome */
	own->ports->on_started(42, "p", own->ports->arg);
	own->ports->on_step(&(struct wire_step){ .attempt = 42, .n = 1, .name = "RUN" }, own->ports->arg);
	end_job(own, 0);
	welcome(30);
	hear(fd, WIRE_STARTED);
	hear(fd, WIRE_STEP);
	hear(fd, WIRE_RESULT);
}
END_TEST

/* As kill -9 would leave it: nothing is said and the folder stays. */
static void die(void)
{
	agent_stop(agent);
	close(fd);
	fd = -1;
	pthread_join(thread, NULL);
	agent_free(agent);
}

START_TEST(an_ended_attempt_survives_the_worker)
{
	struct wire_hello hello;
	struct job *own;

	start();
	open_session();
	own = accepted_job(42);
	end_job(own, 0);
	hear(fd, WIRE_RESULT);
	die();
	start();
	hello = next_hello();
	ck_assert_uint_eq(hello.held_count, 1);
	welcome(30);
	ck_assert_int_eq(hear(fd, WIRE_RESULT).result.attempt, 42);
	say_ack(42, 2);
	settle();
	ck_assert(!has_file(42, ""));
}
END_TEST

START_TEST(an_offer_that_cannot_be_taken_is_refused_with_the_reason)
{
	struct wire_message msg;

	start();
	open_session();
	say_offer(41, "arm64", 60);
	msg = hear(fd, WIRE_REFUSE);
	ck_assert_str_eq(msg.refuse.reason, "this host does not execute linux/arm64");
	say_offer(41, "amd64", 1);
	ck_assert_str_eq(hear(fd, WIRE_REFUSE).refuse.reason, "cannot start");
	ck_assert(!has_file(41, ""));
	struct job *own = accepted_job(42);
	say_offer(43, "amd64", 60);
	ck_assert_str_eq(hear(fd, WIRE_REFUSE).refuse.reason, "no free slot: 1 of 1 run");
	say_offer(42, "amd64", 60);
	ck_assert_int_eq(hear(fd, WIRE_ACCEPT).accept.attempt, 42);
	end_job(own, 0);
}
END_TEST

START_TEST(a_full_disk_takes_no_offer)
{
	settings.disk_free_min_bytes = INT64_MAX;
	start();
	open_session();
	say_offer(41, "amd64", 60);
	ck_assert_ptr_nonnull(strstr(hear(fd, WIRE_REFUSE).refuse.reason, "MiB free"));
}
END_TEST

START_TEST(a_cancelled_attempt_is_told_when_nothing_runs)
{
	struct wire_message msg;
	struct job *own;

	start();
	open_session();
	own = accepted_job(42);
	say(fd, &(struct wire_message){ .type = WIRE_CANCEL, .cancel = { 42 } });
	wait_cancelled(own);
	own->ports->on_cancelled(42, 0, own->ports->arg);
	msg = hear(fd, WIRE_CANCELLED);
	ck_assert_int_eq(msg.cancelled.attempt, 42);
	ck_assert_int_eq(msg.cancelled.seq, 2);
}
END_TEST

START_TEST(an_abandoned_attempt_is_ended_and_not_told)
{
	struct job *own;

	start();
	open_session();
	own = accepted_job(42);
	say(fd, &(struct wire_message){ .type = WIRE_ABANDON, .abandon = { 42 } });
	wait_cancelled(own);
	own->ports->on_cancelled(42, 0, own->ports->arg);
	pthread_mutex_lock(&lock);
	while (freed == 0)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
	settle();
	ck_assert(!has_file(42, ""));
}
END_TEST

static void *ask(void *arg)
{
	const struct job *own = arg;
	struct wire_credential credential;
	struct error err;

	if (own->ports->credential(42, "registry.test", &credential, &err, own->ports->arg) < 0)
		return mem_strdup(err.msg);
	return credential.secret;
}

START_TEST(a_credential_is_asked_for_again_after_a_break)
{
	struct wire_message msg;
	pthread_t asker;
	struct job *own;
	void *answer;

	start();
	open_session();
	own = accepted_job(42);
	pthread_create(&asker, NULL, ask, own);
	msg = hear(fd, WIRE_CREDENTIAL_REQUEST);
	ck_assert_str_eq(msg.credential_request.host, "registry.test");
	open_session();
	msg = hear(fd, WIRE_CREDENTIAL_REQUEST);
	msg = (struct wire_message){ .type = WIRE_CREDENTIAL, .credential = {
		.request = msg.credential_request.request, .is_basic = true, .username = "u", .secret = mem_strdup("s") } };
	say(fd, &msg);
	wire_message_clear(&msg);
	pthread_join(asker, &answer);
	ck_assert_str_eq(answer, "s");
	mem_free(answer);
	end_job(own, 0);
}
END_TEST

START_TEST(a_credential_is_not_waited_for_for_ever)
{
	pthread_t asker;
	struct job *own;
	void *answer;

	settings.ask_timeout_ms = 100;
	start();
	open_session();
	own = accepted_job(42);
	pthread_create(&asker, NULL, ask, own);
	pthread_join(asker, &answer);
	ck_assert_ptr_nonnull(strstr(answer, "did not answer"));
	mem_free(answer);
	end_job(own, 0);
}
END_TEST

START_TEST(a_stopped_worker_gives_its_attempts_back)
{
	struct job *own;

	start();
	open_session();
	own = accepted_job(42);
	agent_stop(agent);
	hear(fd, WIRE_DRAIN);
	wait_cancelled(own);
	own->ports->on_cancelled(42, 0, own->ports->arg);
	ck_assert_str_eq(hear(fd, WIRE_REFUSE).refuse.reason, "the worker was stopped");
	hear(fd, WIRE_BYE);
	pthread_join(thread, NULL);
	ck_assert(!has_file(42, ""));
	agent_free(agent);
	agent = NULL;
}
END_TEST

START_TEST(a_silent_coordinator_is_dialled_again)
{
	start();
	next_hello();
	welcome(1);
	hear(fd, WIRE_BEAT);
	int silent = fd;
	fd = -1;
	next_hello();
	close(silent);
}
END_TEST

START_TEST(an_attempt_without_an_end_is_not_held_in_the_next_life)
{
	struct job *own;

	start();
	open_session();
	own = accepted_job(42);
	own->ports->on_started(42, "p", own->ports->arg);
	hear(fd, WIRE_STARTED);
	say_ack(42, 1);
	/* A second agent on the same folder is what a start after kill -9 finds. */
	struct agent *first = agent;
	pthread_t first_thread = thread;
	int first_fd = fd;
	fd = -1;
	start();
	ck_assert_uint_eq(next_hello().held_count, 0);
	ck_assert(!has_file(42, ""));
	ck_assert_int_eq(cleaned, 2);
	agent_stop(first);
	wait_cancelled(own);
	own->ports->on_cancelled(42, 0, own->ports->arg);
	pthread_join(first_thread, NULL);
	agent_free(first);
	close(first_fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("agent");
	TCase *tc = tcase_create("agent");
	SRunner *sr = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, hello_says_what_this_host_is);
	tcase_add_test(tc, a_host_that_emulates_says_so_and_what_mends_it);
	tcase_add_test(tc, an_attempt_goes_from_offer_to_oblivion);
	tcase_add_test(tc, a_log_stops_at_its_credit);
	tcase_add_test(tc, after_a_break_all_that_was_not_acknowledged_is_said_again);
	tcase_add_test(tc, jobs_go_on_while_the_coordinator_is_away);
	tcase_add_test(tc, an_ended_attempt_survives_the_worker);
	tcase_add_test(tc, an_attempt_without_an_end_is_not_held_in_the_next_life);
	tcase_add_test(tc, an_offer_that_cannot_be_taken_is_refused_with_the_reason);
	tcase_add_test(tc, a_full_disk_takes_no_offer);
	tcase_add_test(tc, a_cancelled_attempt_is_told_when_nothing_runs);
	tcase_add_test(tc, an_abandoned_attempt_is_ended_and_not_told);
	tcase_add_test(tc, a_credential_is_asked_for_again_after_a_break);
	tcase_add_test(tc, a_credential_is_not_waited_for_for_ever);
	tcase_add_test(tc, a_stopped_worker_gives_its_attempts_back);
	tcase_add_test(tc, a_silent_coordinator_is_dialled_again);
	suite_add_tcase(suite, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
