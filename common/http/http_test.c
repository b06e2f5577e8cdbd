/* SPDX-License-Identifier: Apache-2.0 */
/* A server thread on a raw socket: it keeps what it was sent and answers what the test says. */
#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/fault.h"
#include "common/http/http.h"
#include "common/test_fds.h"

struct server {
	int listener;
	int port;
	int connections;     /* to take before the thread ends */
	int answers;         /* on each connection */
	const char *answer;  /* NULL: none, wait until the client goes */
	bool is_silent_later; /* only the first request is answered */
	size_t pad;          /* bytes 'x' after the answer */
	char seen[8192];     /* the last request's head */
	size_t body_len;
	unsigned body_sum;
	sem_t has_asked;     /* posted after the last request */
	pthread_t thread;
};

static size_t content_length(const char *head)
{
	const char *at = strcasestr(head, "\r\ncontent-length:");

	return at ? strtoul(at + 17, NULL, 10) : 0;
}

static bool read_request(struct server *server, int fd)
{
	size_t len = 0;
	size_t want;
	unsigned char byte;

	memset(server->seen, 0, sizeof(server->seen));
	server->body_len = 0;
	server->body_sum = 0;
	while (!strstr(server->seen, "\r\n\r\n")) {
		if (len + 1 >= sizeof(server->seen) || read(fd, server->seen + len, 1) != 1)
			return false;
		len++;
	}
	want = content_length(server->seen);
	while (server->body_len < want) {
		if (read(fd, &byte, 1) != 1)
			return false;
		server->body_len++;
		server->body_sum = server->body_sum * 31 + byte;
	}
	return true;
}

static void *serve(void *arg)
{
	struct server *server = arg;

	for (int i = 0; i < server->connections; i++) {
		int fd = accept(server->listener, NULL, NULL);
		char rest;

		for (int n = 0; n < server->answers && read_request(server, fd); n++) {
			if (n == server->answers - 1)
				sem_post(&server->has_asked);
			if (server->answer && !(server->is_silent_later && n > 0))
				send(fd, server->answer, strlen(server->answer), MSG_NOSIGNAL);
			for (size_t pad = 0; pad < server->pad; pad++) {
				if (send(fd, "x", 1, MSG_NOSIGNAL) < 0)
					break;
			}
		}
		while ((!server->answer || server->is_silent_later) && read(fd, &rest, 1) == 1)
			;
		close(fd);
	}
	return NULL;
}

static void server_start(struct server *server, const char *answer)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);

	sem_init(&server->has_asked, 0, 0);
	server->answer = answer;
	server->connections = server->connections ? server->connections : 1;
	server->answers = server->answers ? server->answers : 1;
	server->listener = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(server->listener, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(server->listener, 8), 0);
	ck_assert_int_eq(getsockname(server->listener, (struct sockaddr *)&address, &len), 0);
	server->port = ntohs(address.sin_port);
	ck_assert_int_eq(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void server_stop(struct server *server)
{
	pthread_join(server->thread, NULL);
	close(server->listener);
	sem_destroy(&server->has_asked);
}

/* One call to the server; the request's url is filled in here. */
static int call(struct server *server, struct http_request *request, struct http_response *response,
		struct error *err)
{
	struct http *http = http_new();
	char url[128];
	int rc;

	snprintf(url, sizeof(url), "http://127.0.0.1:%d/v2/x?sig=SECRET", server->port);
	request->url = url;
	rc = http_call(http, request, response, err);
	http_free(http);
	return rc;
}

START_TEST(status_headers_and_body_come_back)
{
	struct server server = { 0 };
	struct http_request request = { .method = "POST", .body = "hello", .body_len = 5 };
	struct http_response response;
	struct error err;
	char value[64];

	server_start(&server, "HTTP/1.1 100 Continue\r\nX-Interim: yes\r\n\r\n"
			      "HTTP/1.1 418 Teapot\r\nWWW-authenticate: Basic realm=\"a\"  \r\n"
			      "WWW-Authenticate: Bearer realm=\"b\"\r\nContent-Length: 3\r\n\r\nabc");
	ck_assert_int_eq(call(&server, &request, &response, &err), 0);
	server_stop(&server);
	ck_assert_int_eq(response.status, 418);
	ck_assert_str_eq(response.body.data, "abc");
	ck_assert(http_header(&response, "www-authenticate", value, sizeof(value)));
	ck_assert_str_eq(value, "Basic realm=\"a\"");
	ck_assert(http_header_nth(&response, "WWW-Authenticate", 1, value, sizeof(value)));
	ck_assert_str_eq(value, "Bearer realm=\"b\"");
	ck_assert(!http_header_nth(&response, "WWW-Authenticate", 2, value, sizeof(value)));
	ck_assert(!http_header(&response, "X-Interim", value, sizeof(value)));
	ck_assert(!http_header(&response, "Content-Length", value, 1));
	ck_assert_uint_eq(server.body_len, 5);
	ck_assert_ptr_nonnull(strstr(server.seen, "POST /v2/x?sig=SECRET HTTP/1.1\r\n"));
	ck_assert_ptr_null(strcasestr(server.seen, "content-type"));
	ck_assert_ptr_null(strcasestr(server.seen, "expect"));
	http_response_clear(&response);
}
END_TEST

START_TEST(a_file_is_sent_from_its_start)
{
	char path[] = "/tmp/http_test.XXXXXX";
	int fd = mkstemp(path);
	struct server server = { 0 };
	struct http_request request = { .method = "PUT", .has_body_fd = true, .body_fd = fd, .body_fd_size = 70000 };
	struct http_response response;
	struct error err;
	unsigned sum = 0;

	unlink(path);
	for (int i = 0; i < 70000; i++) {
		unsigned char byte = (unsigned char)(i % 251);

		sum = sum * 31 + byte;
		ck_assert_int_eq(write(fd, &byte, 1), 1);
	}
	server_start(&server, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
	ck_assert_int_eq(call(&server, &request, &response, &err), 0);
	server_stop(&server);
	ck_assert_int_eq(response.status, 201);
	ck_assert_uint_eq(server.body_len, 70000);
	ck_assert_uint_eq(server.body_sum, sum);
	ck_assert_ptr_nonnull(strstr(server.seen, "PUT "));
	http_response_clear(&response);
	close(fd);
}
END_TEST

START_TEST(a_file_that_shrank_is_an_error)
{
	char path[] = "/tmp/http_test.XXXXXX";
	int fd = mkstemp(path);
	struct server server = { 0 };
	struct http_request request = { .method = "PUT", .has_body_fd = true, .body_fd = fd, .body_fd_size = 100 };
	struct http_response response;
	struct error err;

	unlink(path);
	ck_assert_int_eq(write(fd, "abc", 3), 3);
	server_start(&server, NULL);
	ck_assert_int_eq(call(&server, &request, &response, &err), -1);
	server_stop(&server);
	ck_assert_int_eq(err.code, ERR_IO);
	ck_assert_ptr_nonnull(strstr(err.msg, "byte 3 of 100"));
	close(fd);
}
END_TEST

START_TEST(credentials_go_out_as_asked)
{
	struct http_response response;
	struct error err;
	const struct {
		struct http_request request;
		const char *line;
	} cases[] = {
		{ { .username = "me", .password = "p:w" }, "Authorization: Basic bWU6cDp3\r\n" },
		{ { .bearer = "tok" }, "Authorization: Bearer tok\r\n" },
	};

	for (size_t i = 0; i < 2; i++) {
		struct server server = { 0 };
		struct http_request request = cases[i].request;

		server_start(&server, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
		ck_assert_int_eq(call(&server, &request, &response, &err), 0);
		server_stop(&server);
		ck_assert_ptr_nonnull(strstr(server.seen, cases[i].line));
		http_response_clear(&response);
	}
}
END_TEST

START_TEST(a_redirect_is_left_to_the_caller)
{
	struct server server = { 0 };
	struct http_request request = { .bearer = "tok" };
	struct http_response response;
	struct error err;

	server_start(&server, "HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:1/other\r\nContent-Length: 0\r\n\r\n");
	ck_assert_int_eq(call(&server, &request, &response, &err), 0);
	server_stop(&server);
	ck_assert_int_eq(response.status, 307);
	http_response_clear(&response);
}
END_TEST

START_TEST(a_large_answer_is_refused)
{
	struct server server = { .pad = 200 };
	struct http_request request = { .response_max = 100 };
	struct http_response response;
	struct error err;

	server_start(&server, "HTTP/1.1 200 OK\r\n\r\n");
	ck_assert_int_eq(call(&server, &request, &response, &err), -1);
	server_stop(&server);
	ck_assert_int_eq(err.code, ERR_INVALID);
	ck_assert_ptr_nonnull(strstr(err.msg, "larger than 100 bytes"));
	ck_assert_ptr_null(strstr(err.msg, "SECRET"));
}
END_TEST

START_TEST(endless_headers_are_refused)
{
	struct server server = { 0 };
	struct http_request request = { 0 };
	struct http_response response;
	struct error err;
	struct buf answer = { 0 };

	buf_puts(&answer, "HTTP/1.1 200 OK\r\n");
	for (int i = 0; i < 3000; i++)
		buf_printf(&answer, "X-%d: %0100d\r\n", i, i);
	buf_puts(&answer, "\r\n");
	server_start(&server, answer.data);
	ck_assert_int_eq(call(&server, &request, &response, &err), -1);
	server_stop(&server);
	ck_assert(err.code == ERR_INVALID);
	buf_clear(&answer);
}
END_TEST

struct sink {
	size_t len;
	size_t max;
};

static int on_data(const char *data, size_t len, void *arg)
{
	struct sink *sink = arg;

	(void)data;
	sink->len += len;
	return sink->len > sink->max ? -1 : 0;
}

START_TEST(data_can_flow_to_the_caller_and_be_stopped_there)
{
	struct http_response response;
	struct error err;

	for (size_t max = 10; max <= 1000; max += 990) {
		struct server server = { .pad = 500 };
		struct sink sink = { .max = max };
		struct http_request request = { .on_data = on_data, .arg = &sink, .response_max = 1 };

		server_start(&server, "HTTP/1.1 200 OK\r\n\r\n");
		if (max == 10) {
			ck_assert_int_eq(call(&server, &request, &response, &err), -1);
		} else {
			ck_assert_int_eq(call(&server, &request, &response, &err), 0);
			ck_assert_uint_eq(sink.len, 500);
			ck_assert_uint_eq(response.body.len, 0);
			http_response_clear(&response);
		}
		server_stop(&server);
	}
}
END_TEST

START_TEST(a_silent_server_ends_the_call)
{
	struct server server = { 0 };
	struct http_request request = { .silence_timeout_s = 1 };
	struct http_response response;
	struct error err;

	server_start(&server, NULL);
	ck_assert_int_eq(call(&server, &request, &response, &err), -1);
	server_stop(&server);
	ck_assert_int_eq(err.code, ERR_UNAVAILABLE);
	ck_assert_ptr_nonnull(strstr(err.msg, "for 1 s"));
}
END_TEST

START_TEST(a_refused_connection_is_worth_another_try)
{
	struct server server = { .port = 1 };
	struct http_request request = { 0 };
	struct http_response response;
	struct error err;

	ck_assert_int_eq(call(&server, &request, &response, &err), -1);
	ck_assert_int_eq(err.code, ERR_UNAVAILABLE);
}
END_TEST

START_TEST(other_schemes_are_refused)
{
	struct http *http = http_new();
	struct http_request request = { .url = "file:///etc/passwd" };
	struct http_response response;
	struct error err;

	ck_assert_int_eq(http_call(http, &request, &response, &err), -1);
	ck_assert_int_eq(err.code, ERR_INVALID);
	http_free(http);
}
END_TEST

START_TEST(connections_are_kept_between_calls)
{
	struct server server = { .answers = 3 };
	struct http *http = http_new();
	char url[64];
	struct http_request request = { .url = url };
	struct http_response response;
	struct error err;

	server_start(&server, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", server.port);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(http_call(http, &request, &response, &err), 0);
		ck_assert_str_eq(response.body.data, "ok");
		http_response_clear(&response);
	}
	server_stop(&server); /* the thread only ends when all three came on one connection */
	http_free(http);
}
END_TEST

struct aborter {
	struct server *server;
	struct http *http;
};

static void *abort_it(void *arg)
{
	struct aborter *aborter = arg;

	while (sem_wait(&aborter->server->has_asked) != 0)
		;
	http_abort(aborter->http);
	return NULL;
}

START_TEST(another_thread_ends_a_call_at_once)
{
	struct server server = { .answers = 2, .is_silent_later = true };
	struct http *http = http_new();
	struct aborter aborter = { &server, http };
	char url[64];
	struct http_request request = { .url = url };
	struct http_response response;
	struct timespec from, to;
	struct error err;
	pthread_t thread;

	server_start(&server, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", server.port);
	/* A new connection has timers that end curl's wait soon by themselves; a kept one has none. */
	ck_assert_int_eq(http_call(http, &request, &response, &err), 0);
	http_response_clear(&response);
	clock_gettime(CLOCK_MONOTONIC, &from);
	ck_assert_int_eq(pthread_create(&thread, NULL, abort_it, &aborter), 0);
	ck_assert_int_eq(http_call(http, &request, &response, &err), -1);
	ck_assert_int_eq(err.code, ERR_UNAVAILABLE);
	ck_assert_int_eq(http_call(http, &request, &response, &err), -1);
	clock_gettime(CLOCK_MONOTONIC, &to);
	ck_assert_int_lt(to.tv_sec - from.tv_sec, 5);
	pthread_join(thread, NULL);
	http_free(http);
	server_stop(&server);
}
END_TEST

START_TEST(a_planned_fault_is_an_unavailable_server)
{
	struct server server = { .port = 1 };
	struct http_request request = { 0 };
	struct http_response response;
	struct error err;

	fault_arm(1);
	ck_assert_int_eq(call(&server, &request, &response, &err), -1);
	ck_assert(fault_fired());
	ck_assert_int_eq(err.code, ERR_UNAVAILABLE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("http");
	TCase *tc = tcase_create("calls");
	SRunner *sr;
	int failed;

	http_global_init();
	tcase_add_checked_fixture(tc, count_files, no_file_left_open);
	tcase_set_timeout(tc, 30);
	suite_add_tcase(suite, tc);
	tcase_add_test(tc, status_headers_and_body_come_back);
	tcase_add_test(tc, a_file_is_sent_from_its_start);
	tcase_add_test(tc, a_file_that_shrank_is_an_error);
	tcase_add_test(tc, credentials_go_out_as_asked);
	tcase_add_test(tc, a_redirect_is_left_to_the_caller);
	tcase_add_test(tc, a_large_answer_is_refused);
	tcase_add_test(tc, endless_headers_are_refused);
	tcase_add_test(tc, data_can_flow_to_the_caller_and_be_stopped_there);
	tcase_add_test(tc, a_silent_server_ends_the_call);
	tcase_add_test(tc, a_refused_connection_is_worth_another_try);
	tcase_add_test(tc, other_schemes_are_refused);
	tcase_add_test(tc, connections_are_kept_between_calls);
	tcase_add_test(tc, another_thread_ends_a_call_at_once);
	tcase_add_test(tc, a_planned_fault_is_an_unavailable_server);
	sr = srunner_create(suite);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? 1 : 0;
}
