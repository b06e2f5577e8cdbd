/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The real listener on a port of its own, against a client that can also misbehave. The store's
 * reader is replaced at link time: what tokens and attempts there are is this file's to say.
 */
#include "coordinator/sessions/sessions.h"

#include <check.h>
#include <stdlib.h>

#include "common/log.h"
#include "common/mailbox.h"
#include "coordinator/sessions/test_client.h"
#include "coordinator/store/reader.h"

#define WINDOW_BYTES (256 * 1024)

struct reader { int unused; };

int reader_open(const char *dir, struct reader **ret_reader, struct error *err)
{
	(void)dir;
	(void)err;
	*ret_reader = mem_alloc(sizeof(**ret_reader));
	return 0;
}

void reader_close(struct reader *reader)
{
	mem_free(reader);
}

int reader_token(struct reader *reader, const char *text, int64_t now_ms, struct token_info *ret_info, struct error *err)
{
	(void)reader;
	if (strcmp(text, "broken") == 0)
		return error_set(err, ERR_DATABASE, "no database at %lld", (long long)now_ms);
	*ret_info = (struct token_info){ .id = 1, .scopes = strcmp(text, "reads") == 0 ? SCOPE_READ : SCOPE_WORKER };
	return strcmp(text, "good") == 0 || strcmp(text, "reads") == 0 ? 0 : READER_NONE;
}

/* 42 was given to w1, 43 to w2; no other was ever made. */
int reader_attempt(struct reader *reader, int64_t id, struct attempt_row *ret_row, struct error *err)
{
	(void)reader;
	(void)err;
	*ret_row = (struct attempt_row){ .id = id };
	snprintf(ret_row->worker, sizeof(ret_row->worker), "w%d", id == 42 ? 1 : 2);
	return id == 42 || id == 43 ? 0 : READER_NONE;
}

struct heard {
	struct message message;
	struct core_event *event;
};

static char dir[64];
static struct logs *logs;
static struct sessions *sessions;
static struct mailbox *events; /* struct heard, taken one by one by next_event() */
static struct message *taken;

static void heard_free(struct message *msg)
{
	struct core_event *event = ((struct heard *)msg)->event;

	if (event->type == EVENT_MESSAGE)
		wire_message_clear(&event->message.msg);
	mem_free(event);
	mem_free(msg);
}

static void on_event(struct core_event *event, void *arg)
{
	struct heard *heard = mem_alloc(sizeof(*heard));

	ck_assert_ptr_eq(arg, &events);
	heard->message.free = heard_free;
	heard->event = event;
	mailbox_post(events, &heard->message);
}

/* The oldest event not yet taken, waited for. */
static struct heard *next_event(enum core_event_type type)
{
	struct heard *heard;

	if (!taken)
		taken = mailbox_wait(events);
	heard = (struct heard *)taken;
	taken = taken->next;
	ck_assert_int_eq(heard->event->type, type);
	return heard;
}

static int64_t next_session(enum core_event_type type)
{
	struct heard *heard = next_event(type);
	int64_t id = type == EVENT_LEFT ? heard->event->left.session : heard->event->message.session;

	heard_free(&heard->message);
	return id;
}

static void on_durable(int64_t attempt, int64_t durable_bytes, void *arg)
{
	(void)arg;
	if (sessions)
		sessions_log_durable(sessions, attempt, durable_bytes);
}

static int start(const char *listen, int silence_s, struct error *err)
{
	struct sessions_config config = {
		.dir = dir, .listen = listen, .log_window_bytes = WINDOW_BYTES, .sessions_max = 4,
		.silence_s = silence_s, .logs = logs, .on_event = on_event, .arg = &events,
	};

	return sessions_start(&config, &sessions, err);
}

static void set_up(void)
{
	struct error err;

	log_set_level(LOG_ERROR);
	snprintf(dir, sizeof(dir), "/tmp/sessions_test.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	events = mailbox_new(NULL, NULL);
	ck_assert_msg(logs_start(dir, on_durable, NULL, &logs, &err) == 0, "%s", err.msg);
	ck_assert_msg(start("127.0.0.1:0", 45, &err) == 0, "%s", err.msg);
}

static void tear_down(void)
{
	char path[128];

	sessions_stop(sessions);
	logs_stop(logs);
	sessions_free(sessions);
	sessions = NULL;
	while (taken) {
		struct message *msg = taken;

		taken = msg->next;
		heard_free(msg);
	}
	mailbox_free(events);
	snprintf(path, sizeof(path), "%s/logs/42.log", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/logs", dir);
	ck_assert_int_eq(rmdir(path), 0);
	ck_assert_int_eq(rmdir(dir), 0);
}

static int open_session(void)
{
	int fd = dial(sessions_port(sessions));

	ck_assert_int_eq(upgrade(fd, WIRE_PATH, "good", WIRE_SUBPROTOCOL), 101);
	return fd;
}

static void say_hello(int fd, int64_t held)
{
	struct wire_message msg = { .type = WIRE_HELLO, .hello = {
		.protocol = 1, .version = "0.1.0", .name = "w1", .slots = 1, .platform_count = 1,
		.platforms = { { "linux", "amd64", "" } }, .engine = "buildah 1", .kernel_arch = "x86_64", .cpu = "c",
		.proof = "p", .is_native = true, .held = { held }, .held_count = held ? 1 : 0,
	} };

	say(fd, &msg);
}

static int64_t open_worker(int *ret_fd, int64_t held)
{
	*ret_fd = open_session();
	say_hello(*ret_fd, held);
	return next_session(EVENT_MESSAGE);
}

static void credit_is(int fd, int64_t attempt, int64_t durable_bytes)
{
	struct wire_message msg = hear(fd, WIRE_LOG_CREDIT);

	ck_assert_int_eq(msg.log_credit.attempt, attempt);
	ck_assert_int_eq(msg.log_credit.durable_bytes, durable_bytes);
	ck_assert_int_eq(msg.log_credit.limit_bytes, durable_bytes + WINDOW_BYTES);
}

static struct wire_message *offer(int64_t attempt)
{
	struct wire_message *msg = mem_alloc(sizeof(*msg));

	*msg = (struct wire_message){ .type = WIRE_OFFER, .offer = {
		.attempt = attempt, .job = 1, .build = 1, .number = 1, .platform = { "linux", "amd64", "" },
		.spec = mem_strdup("{\"source\":{\"context\":\"sha256:0123456789012345678901234567890123456789012345678901"
				   "234567890123\"},\"platforms\":[\"linux/amd64\"],\"tags\":[]}"),
		.run_timeout_s = 60,
	} };
	return msg;
}

static bool say_log(int fd, int64_t attempt, int64_t offset, size_t len)
{
	unsigned char *frame = mem_alloc(WIRE_LOG_HEADER + len);
	bool is_sent;

	wire_log_header(frame, attempt, offset);
	memset(frame + WIRE_LOG_HEADER, 'x', len);
	is_sent = ws_send(fd, WS_BINARY, frame, WIRE_LOG_HEADER + len, true);
	mem_free(frame);
	return is_sent;
}

START_TEST(only_a_worker_with_a_token_gets_in)
{
	static const struct { const char *path, *token, *protocol; int status; } tries[] = {
		{ WIRE_PATH, "good", WIRE_SUBPROTOCOL, 101 },
		{ "/v1/elsewhere", "good", WIRE_SUBPROTOCOL, 404 },
		{ WIRE_PATH, NULL, WIRE_SUBPROTOCOL, 401 },
		{ WIRE_PATH, "unknown", WIRE_SUBPROTOCOL, 401 },
		{ WIRE_PATH, "reads", WIRE_SUBPROTOCOL, 403 },
		{ WIRE_PATH, "broken", WIRE_SUBPROTOCOL, 503 },
		{ WIRE_PATH, "good", NULL, 400 },
	};

	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		int fd = dial(sessions_port(sessions));
		int status = upgrade(fd, tries[i].path, tries[i].token, tries[i].protocol);

		ck_assert_msg(status == tries[i].status, "%s %s: %d", tries[i].path, tries[i].token, status);
		close(fd);
	}
}
END_TEST

START_TEST(one_session_too_many_waits_outside)
{
	int fds[4], fd;

	for (size_t i = 0; i < 4; i++)
		fds[i] = open_session();
	fd = dial(sessions_port(sessions));
	ck_assert_int_eq(upgrade(fd, WIRE_PATH, "good", WIRE_SUBPROTOCOL), 503);
	close(fd);
	for (size_t i = 0; i < 4; i++)
		close(fds[i]);
}
END_TEST

START_TEST(messages_go_both_ways)
{
	struct wire_message *ack = mem_alloc(sizeof(*ack));
	struct wire_message msg;
	struct heard *heard;
	int64_t id;
	int fd;

	id = open_worker(&fd, 0);
	say(fd, &(struct wire_message){ .type = WIRE_ACCEPT, .accept = { 7 } });
	heard = next_event(EVENT_MESSAGE);
	ck_assert_int_eq(heard->event->message.session, id);
	ck_assert_int_eq(heard->event->message.msg.type, WIRE_ACCEPT);
	ck_assert_int_eq(heard->event->message.msg.accept.attempt, 7);
	heard_free(&heard->message);
	*ack = (struct wire_message){ .type = WIRE_ACK, .ack = { 7, 3 } };
	sessions_send(sessions, id, ack);
	msg = hear(fd, WIRE_ACK);
	ck_assert_int_eq(msg.ack.seq, 3);
	sessions_close(sessions, id);
	is_closed_with(fd, 1000);
	ck_assert_int_eq(next_session(EVENT_LEFT), id);
}
END_TEST

START_TEST(a_session_leaves_once_after_its_last_message)
{
	int64_t id;
	int fd;

	id = open_worker(&fd, 0);
	say(fd, &(struct wire_message){ .type = WIRE_BYE, .bye = { .reason = "r" } });
	close(fd);
	ck_assert_int_eq(next_session(EVENT_MESSAGE), id);
	ck_assert_int_eq(next_session(EVENT_LEFT), id);
	sessions_stop(sessions);
	ck_assert_ptr_null(taken);
	ck_assert_ptr_null(mailbox_take(events));
}
END_TEST

START_TEST(an_id_is_never_given_twice)
{
	int64_t first, second;
	int fd;

	first = open_worker(&fd, 0);
	close(fd);
	ck_assert_int_eq(next_session(EVENT_LEFT), first);
	second = open_worker(&fd, 0);
	close(fd);
	ck_assert_int_eq(next_session(EVENT_LEFT), second);
	ck_assert_int_ne(first, second);
}
END_TEST

START_TEST(an_unknown_type_is_answered)
{
	static const char text[] = "{\"type\":\"sing\"}";
	struct wire_message msg;
	int fd;

	open_worker(&fd, 0);
	ws_send(fd, WS_TEXT, text, strlen(text), true);
	msg = hear(fd, WIRE_ERROR);
	ck_assert_str_eq(msg.error.about, "sing");
	close(fd);
}
END_TEST

START_TEST(the_third_bad_message_ends_the_session)
{
	int64_t id;
	int fd;

	fd = open_session();
	ws_send(fd, WS_TEXT, "{", 1, true);
	hear(fd, WIRE_ERROR);
	say(fd, &(struct wire_message){ .type = WIRE_ACCEPT, .accept = { 7 } }); /* hello comes first */
	hear(fd, WIRE_ERROR);
	say_hello(fd, 0);
	id = next_session(EVENT_MESSAGE);
	say(fd, &(struct wire_message){ .type = WIRE_ACK, .ack = { 7, 1 } });
	hear(fd, WIRE_ERROR);
	is_closed_with(fd, 1008);
	ck_assert_int_eq(next_session(EVENT_LEFT), id);
}
END_TEST

START_TEST(a_message_too_large_ends_the_session)
{
	char *text = mem_alloc(WIRE_TEXT_MAX + 1);
	int fd = open_session();

	memset(text, ' ', WIRE_TEXT_MAX + 1);
	ws_send(fd, WS_TEXT, text, WIRE_TEXT_MAX + 1, true);
	mem_free(text);
	is_closed_with(fd, 1009);
	next_session(EVENT_LEFT);
}
END_TEST

START_TEST(text_that_is_not_utf8_ends_the_session)
{
	int fd = open_session();

	ws_send(fd, WS_TEXT, "\xff\xfe", 2, true);
	is_closed_with(fd, 1007);
}
END_TEST

START_TEST(an_offer_brings_credit_and_bytes_bring_more)
{
	struct wire_message msg;
	int64_t id, at = 0;
	int fd;

	id = open_worker(&fd, 0);
	sessions_send(sessions, id, offer(42));
	msg = hear(fd, WIRE_OFFER);
	wire_message_clear(&msg);
	credit_is(fd, 42, 0);
	for (; at < WINDOW_BYTES / 4; at += 1024)
		ck_assert(say_log(fd, 42, at, 1024));
	credit_is(fd, 42, at);
	close(fd);
}
END_TEST

START_TEST(a_held_attempt_goes_on_from_what_is_durable)
{
	int fd;

	logs_append(logs, 42, 0, "durable", 7);
	open_worker(&fd, 42);
	credit_is(fd, 42, 7);
	close(fd);
}
END_TEST

START_TEST(another_workers_attempt_gets_no_credit)
{
	struct wire_message msg;
	int fd;

	open_worker(&fd, 43);
	say_log(fd, 43, 0, 1);
	msg = hear(fd, WIRE_ERROR);
	ck_assert_str_eq(msg.error.about, "log frame");
	close(fd);
}
END_TEST

START_TEST(bytes_beyond_the_credit_end_the_session)
{
	int fd;

	open_worker(&fd, 42);
	credit_is(fd, 42, 0);
	say_log(fd, 42, WINDOW_BYTES - 1, 2);
	is_closed_with(fd, 1008);
	next_session(EVENT_LEFT);
}
END_TEST

START_TEST(who_does_not_read_is_let_go)
{
	struct heard *heard;
	int64_t id;
	int fd;

	id = open_worker(&fd, 0);
	for (int i = 0; i < 200000; i++) {
		struct wire_message *msg = mem_alloc(sizeof(*msg));

		*msg = (struct wire_message){ .type = WIRE_DRAIN };
		memset(msg->drain.reason, 'x', sizeof(msg->drain.reason) - 1);
		sessions_send(sessions, id, msg);
	}
	heard = next_event(EVENT_LEFT);
	ck_assert_int_eq(heard->event->left.session, id);
	ck_assert_str_eq(heard->event->left.why, "the worker does not read what it is sent");
	heard_free(&heard->message);
	close(fd);
}
END_TEST

START_TEST(who_answers_no_ping_is_let_go)
{
	CLEANUP(buf_clear) struct buf text = { 0 };
	struct error err;
	int64_t id;
	int fd;

	sessions_free(TAKE(sessions));
	ck_assert_msg(start("127.0.0.1:0", 1, &err) == 0, "%s", err.msg);
	id = open_worker(&fd, 0);
	ck_assert_int_eq(ws_recv(fd, &text), WS_PING);
	ck_assert_int_eq(next_session(EVENT_LEFT), id);
	close(fd);
}
END_TEST

START_TEST(a_port_in_use_is_an_error)
{
	struct sessions *before = TAKE(sessions);
	struct error err;
	char listen[32];

	snprintf(listen, sizeof(listen), "127.0.0.1:%d", sessions_port(before));
	ck_assert_int_eq(start(listen, 0, &err), -1);
	ck_assert_int_eq(err.code, ERR_IO);
	ck_assert_ptr_nonnull(strstr(err.msg, listen));
	sessions = before;
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sessions");
	TCase *tc = tcase_create("sessions");
	SRunner *sr = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, only_a_worker_with_a_token_gets_in);
	tcase_add_test(tc, one_session_too_many_waits_outside);
	tcase_add_test(tc, messages_go_both_ways);
	tcase_add_test(tc, a_session_leaves_once_after_its_last_message);
	tcase_add_test(tc, an_id_is_never_given_twice);
	tcase_add_test(tc, an_unknown_type_is_answered);
	tcase_add_test(tc, the_third_bad_message_ends_the_session);
	tcase_add_test(tc, a_message_too_large_ends_the_session);
	tcase_add_test(tc, text_that_is_not_utf8_ends_the_session);
	tcase_add_test(tc, an_offer_brings_credit_and_bytes_bring_more);
	tcase_add_test(tc, a_held_attempt_goes_on_from_what_is_durable);
	tcase_add_test(tc, another_workers_attempt_gets_no_credit);
	tcase_add_test(tc, bytes_beyond_the_credit_end_the_session);
	tcase_add_test(tc, who_does_not_read_is_let_go);
	tcase_add_test(tc, who_answers_no_ping_is_let_go);
	tcase_add_test(tc, a_port_in_use_is_an_error);
	suite_add_tcase(suite, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
