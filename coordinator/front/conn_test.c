/* SPDX-License-Identifier: Apache-2.0 */
/* The guard around evhttp: what it would take, wait for or hold for ever. */
#include "coordinator/front/test_front.h"

#define HOST "Host: h\r\n"

/* Each is refused and closed; the request hidden behind it is never answered. */
static const char *const smuggled[] = {
	"POST /v1/builds HTTP/1.1\r\n" HOST "Content-Length: 3\r\nContent-Length: 0\r\n\r\nabc",
	"POST /v1/builds HTTP/1.1\r\n" HOST "Content-Length: +3\r\n\r\nabc",
	"POST /v1/builds HTTP/1.1\r\n" HOST "Content-Length: 3, 3\r\n\r\nabc",
	"POST /v1/builds HTTP/1.1\r\n" HOST "Transfer-Encoding : chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
	"POST /v1/builds HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
	"POST /v1/builds HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n",
	"POST /v1/builds HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
	"POST /v1/builds HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
	"GET /healthz HTTP/1.1\r\n" HOST "Host: i\r\n\r\n",
	"GET /healthz HTTP/1.1\r\n\r\n",
	"GET /healthz HTTP/1.1\n" "Host: h\n\n",
	"GET /healthz HTTP/1.1\r\n" HOST "X: a\r\n folded\r\n\r\n",
	"GET /healthz HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc",
	"HEAD /healthz HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc",
	"GET http://evil/healthz HTTP/1.1\r\n" HOST "\r\n",
	"GET //h/healthz HTTP/1.1\r\n" HOST "\r\n",
	"get /healthz HTTP/1.1\r\n" HOST "\r\n",
	"BREW /healthz HTTP/1.1\r\n" HOST "\r\n",
	"\r\nGET /healthz HTTP/1.1\r\n" HOST "\r\n",
	"\x16\x03\x01",
};

#define HIDDEN "GET /readyz HTTP/1.1\r\n" HOST "\r\n"

/* Everything until the server closes. */
static void hear_to_the_end(int fd, struct buf *all)
{
	char byte;

	while (hear_byte(fd, &byte))
		buf_append(all, &byte, 1);
}

static void is_refused_once(int fd, const char *what)
{
	CLEANUP(buf_clear) struct buf all = { 0 };
	const char *first;

	hear_to_the_end(fd, &all);
	first = strstr(buf_text(&all), "HTTP/1.1 ");
	ck_assert_msg(first == all.data && first[9] >= '4', "%s: %s", what, buf_text(&all));
	ck_assert_msg(!strstr(first + 1, "HTTP/1.1 "), "%s: answered twice: %s", what, all.data);
	ck_assert_ptr_nonnull(strstr(all.data, "Connection: close"));
	ck_assert_ptr_nonnull(strstr(all.data, "X-Request-Id: "));
}

START_TEST(what_smuggles_is_refused_and_closed)
{
	int fd;

	start();
	fd = dial();
	say(fd, smuggled[_i]);
	say(fd, HIDDEN);
	is_refused_once(fd, smuggled[_i]);
	close(fd);
}
END_TEST

START_TEST(a_later_request_on_a_connection_is_gated_too)
{
	CLEANUP(buf_clear) struct buf text = { 0 };
	struct reply reply;
	int fd;

	start();
	fd = dial();
	buf_printf(&text, "GET /healthz HTTP/1.1\r\n" HOST "\r\n%s" HIDDEN, smuggled[_i]);
	say_bytes(fd, text.data, text.len);
	reply = hear(fd);
	ck_assert_int_eq(reply.status, 200);
	reply_clear(&reply);
	is_refused_once(fd, smuggled[_i]);
	close(fd);
}
END_TEST

START_TEST(pipelined_requests_are_answered_in_order)
{
	CLEANUP(buf_clear) struct buf text = { 0 };
	struct reply reply;
	int fd;

	start();
	fd = dial();
	for (int i = 0; i < 1000; i++)
		buf_printf(&text, "POST /v1/builds HTTP/1.1\r\n" HOST "Authorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s"
				  "GET /v1/jobs/%d HTTP/1.1\r\n" HOST "Authorization: Bearer %s\r\n\r\n",
			   world.submitter, 2, "{}", i + 1, world.reader);
	ck_assert(say_bytes(fd, text.data, text.len));
	for (int i = 0; i < 1000; i++) {
		char says[32];

		reply = hear(fd);
		is_error(&reply, 400, "invalid", "");
		reply = hear(fd);
		snprintf(says, sizeof(says), "no job %d", i + 1);
		is_error(&reply, 404, "not_found", says);
	}
	close(fd);
}
END_TEST

START_TEST(a_head_may_come_in_any_pieces)
{
	const char *text = "GET /healthz HTTP/1.1\r\n" HOST "\r\n";
	struct reply reply;
	int fd;

	start();
	fd = dial();
	for (int round = 0; round < 2; round++) {
		for (const char *byte = text; *byte; byte++)
			say_bytes(fd, byte, 1);
		reply = hear(fd);
		ck_assert_int_eq(reply.status, 200);
		reply_clear(&reply);
	}
	close(fd);
}
END_TEST

START_TEST(a_silent_connection_is_closed)
{
	struct reply reply;
	int silent, kept;

	world.config.idle_timeout_s = 2;
	start();
	silent = dial();
	kept = dial();
	say(kept, "GET /healthz HTTP/1.1\r\n" HOST "\r\n");
	reply = hear(kept);
	reply_clear(&reply);
	ck_assert(is_closed(silent));
	ck_assert(is_closed(kept));
	close(silent);
	close(kept);
}
END_TEST

START_TEST(dripping_does_not_push_the_deadline_on)
{
	struct timeval pause = { .tv_usec = 100000 };
	struct reply reply;
	int bytes = 0, fd;
	char peek;

	world.config.request_timeout_s = 2;
	start();
	fd = dial();
	say(fd, _i ? "POST /v1/builds HTTP/1.1\r\n" HOST "Content-Length: 1000\r\n\r\n" : "GET /");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &pause, sizeof(pause));
	/* One byte for each tenth of a second that the server says nothing. */
	while (recv(fd, &peek, 1, MSG_PEEK) < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
		say(fd, "x");
		ck_assert_int_lt(++bytes, 100);
	}
	reply = hear(fd);
	is_error(&reply, 408, "timeout", "2 s");
	close(fd);
}
END_TEST

START_TEST(a_refused_client_that_goes_on_is_cut)
{
	CLEANUP(mem_freep) char *flood = mem_alloc(1 << 20);
	int fd;

	start();
	fd = dial();
	memset(flood, 'x', 1 << 20);
	say(fd, "GET / HTTP/9.9\r\n" HOST "\r\n");
	while (say_bytes(fd, flood, 1 << 20))
		;
	close(fd);
}
END_TEST

START_TEST(a_large_body_needs_a_good_token)
{
	static const struct { const char *token, *path; size_t len; int status; const char *code; } cases[] = {
		{ "mfd_nobody", "/v1/contexts/" DIGEST_A, 70000, 401, "unauthorized" },
		{ NULL, "/v1/contexts/" DIGEST_A, 70000, 401, "unauthorized" },
		{ world.reader, "/v1/contexts/" DIGEST_A, 70000, 403, "denied" },
		{ world.submitter, "/v1/contexts/" DIGEST_A, (8 << 20) + 1, 413, "too_large" },
		{ world.submitter, "/v1/contexts/" DIGEST_A, 8 << 20, 400, "invalid" },
		{ world.submitter, "/v1/builds", 600000, 413, "too_large" },
		{ world.submitter, "/v1/nothing", 70000, 404, "not_found" },
		{ NULL, "/v1/contexts/" DIGEST_A, 60000, 401, "unauthorized" },
	};
	CLEANUP(mem_freep) char *body = mem_alloc(cases[_i].len);
	struct reply reply;

	start();
	memset(body, 'x', cases[_i].len);
	reply = call(&(struct ask){ .method = "PUT", .path = cases[_i].path, .token = cases[_i].token, .body = body,
				    .body_len = cases[_i].len });
	if (!strcmp(cases[_i].path, "/v1/builds"))
		is_error(&reply, 405, "method_not_allowed", "");
	else
		is_error(&reply, cases[_i].status, cases[_i].code, cases[_i].status == 413 ? "8388608" : "");
}
END_TEST

START_TEST(what_is_too_large_is_said_before_the_body_comes)
{
	struct reply reply;
	int fd;

	start();
	fd = dial();
	say(fd, "PUT /v1/contexts/" DIGEST_A " HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nAuthorization: Bearer ");
	say(fd, world.submitter);
	say(fd, "\r\nContent-Length: 999999999999\r\n\r\n");
	reply = hear(fd);
	is_error(&reply, 413, "too_large", "at most 8388608 bytes");
	ck_assert(is_closed(fd));
	close(fd);
}
END_TEST

START_TEST(a_patient_sender_is_told_to_continue)
{
	struct reply reply;
	int fd;

	start();
	fd = dial();
	say(fd, "PUT /v1/contexts/" DIGEST_A " HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nAuthorization: Bearer ");
	say(fd, world.submitter);
	say(fd, "\r\nContent-Length: 3\r\n\r\n");
	ck_assert(hear_head(fd, &reply));
	ck_assert_int_eq(reply.status, 100);
	reply_clear(&reply);
	say(fd, "abc");
	reply = hear(fd);
	is_error(&reply, 400, "invalid", "the body is sha256:ba7816bf");
	close(fd);
}
END_TEST

START_TEST(one_more_connection_waits_for_a_place)
{
	struct timeval pause = { .tv_usec = 200000 };
	struct reply reply;
	int fds[3];
	char byte;

	world.config.connections_max = 2;
	start();
	for (int i = 0; i < 3; i++) {
		fds[i] = dial();
		say(fds[i], "GET /healthz HTTP/1.1\r\n" HOST "\r\n");
		if (i == 2)
			break;
		reply = hear(fds[i]);
		ck_assert_int_eq(reply.status, 200);
		reply_clear(&reply);
	}
	setsockopt(fds[2], SOL_SOCKET, SO_RCVTIMEO, &pause, sizeof(pause));
	ck_assert_int_eq(recv(fds[2], &byte, 1, MSG_PEEK), -1);
	close(fds[0]);
	pause.tv_sec = 30;
	setsockopt(fds[2], SOL_SOCKET, SO_RCVTIMEO, &pause, sizeof(pause));
	reply = hear(fds[2]);
	ck_assert_int_eq(reply.status, 200);
	reply_clear(&reply);
	close(fds[1]);
	close(fds[2]);
}
END_TEST

START_TEST(head_is_get_without_a_body)
{
	static const char *const paths[] = { "/", "/healthz", "/v1/builds", "/v1/builds/5", "/v1/workers", "/nothing" };
	struct reply head, body;
	int fd;

	start();
	fd = dial();
	for (size_t i = 0; i < LENGTH(paths); i++) {
		char length[32];

		body = get(paths[i], world.reader);
		snprintf(length, sizeof(length), "%s", header(&body, "Content-Length"));
		say_request(fd, &(struct ask){ .method = "HEAD", .path = paths[i], .token = world.reader });
		ck_assert(hear_head(fd, &head));
		ck_assert_int_eq(head.status, body.status);
		ck_assert_str_eq(header(&head, "Content-Length"), length);
		reply_clear(&head);
		reply_clear(&body);
	}
	/* Nothing came after the last head: the next reply follows at once. */
	say(fd, "GET /healthz HTTP/1.1\r\n" HOST "\r\n");
	body = hear(fd);
	ck_assert_str_eq(body.body.data, "ok\n");
	reply_clear(&body);
	close(fd);
}
END_TEST

START_TEST(an_old_client_is_answered_and_closed)
{
	CLEANUP(buf_clear) struct buf all = { 0 };
	int fd;

	start();
	fd = dial();
	say(fd, "GET /healthz HTTP/1.0\r\n\r\n");
	hear_to_the_end(fd, &all);
	ck_assert_ptr_nonnull(strstr(all.data, "\r\n\r\nok\n"));
	close(fd);
}
END_TEST

START_TEST(an_endless_head_is_cut)
{
	CLEANUP(buf_clear) struct buf text = { 0 };
	struct reply reply;
	int fd;

	start();
	fd = dial();
	buf_puts(&text, "GET /healthz HTTP/1.1\r\n" HOST "X: ");
	while (text.len < 20000)
		buf_puts(&text, "xxxxxxxxxx");
	say_bytes(fd, text.data, text.len);
	reply = hear(fd);
	is_error(&reply, 431, "too_large", "16384");
	close(fd);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("conn");

	tcase_add_loop_test(tcase, what_smuggles_is_refused_and_closed, 0, LENGTH(smuggled));
	tcase_add_loop_test(tcase, a_later_request_on_a_connection_is_gated_too, 0, LENGTH(smuggled));
	tcase_add_test(tcase, pipelined_requests_are_answered_in_order);
	tcase_add_test(tcase, a_head_may_come_in_any_pieces);
	tcase_add_test(tcase, a_silent_connection_is_closed);
	tcase_add_loop_test(tcase, dripping_does_not_push_the_deadline_on, 0, 2);
	tcase_add_test(tcase, a_refused_client_that_goes_on_is_cut);
	tcase_add_loop_test(tcase, a_large_body_needs_a_good_token, 0, 8);
	tcase_add_test(tcase, what_is_too_large_is_said_before_the_body_comes);
	tcase_add_test(tcase, a_patient_sender_is_told_to_continue);
	tcase_add_test(tcase, one_more_connection_waits_for_a_place);
	tcase_add_test(tcase, head_is_get_without_a_body);
	tcase_add_test(tcase, an_old_client_is_answered_and_closed);
	tcase_add_test(tcase, an_endless_head_is_cut);
	return run_tests(tcase, "conn");
}
