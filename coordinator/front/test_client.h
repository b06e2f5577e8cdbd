/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of this folder: HTTP spoken by hand, so that it can also be spoken wrongly. */
#ifndef COORDINATOR_FRONT_TEST_CLIENT_H
#define COORDINATOR_FRONT_TEST_CLIENT_H

#include <netinet/tcp.h>

#include "common/json/json.h"

struct reply {
	int status;
	struct buf head, body;
};

TESTING void reply_clear(struct reply *reply)
{
	buf_clear(&reply->head);
	buf_clear(&reply->body);
}

TESTING int dial(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				       .sin_port = htons((uint16_t)front_port(world.front)) };
	struct timeval patience = { .tv_sec = 30 };
	int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_ge(fd, 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* False when the server closed in the middle. */
TESTING bool say_bytes(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t sent = send(fd, data, len, MSG_NOSIGNAL);

		if (sent <= 0)
			return false;
		data += sent;
		len -= (size_t)sent;
	}
	return true;
}

TESTING void say(int fd, const char *text)
{
	say_bytes(fd, text, strlen(text));
}

/* One byte, or false at the end of the connection; a server that says nothing for long fails the test. */
TESTING bool hear_byte(int fd, char *byte)
{
	ssize_t got = recv(fd, byte, 1, 0);

	ck_assert_msg(got >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK), "the server is silent");
	return got == 1;
}

TESTING bool is_closed(int fd)
{
	char byte;

	return !hear_byte(fd, &byte);
}

/* Value of a header of that name, "" when there is none; until the next call. */
TESTING const char *header(const struct reply *reply, const char *name)
{
	static char value[512];
	CLEANUP(buf_clear) struct buf key = { 0 };
	const char *at;

	buf_printf(&key, "\r\n%s:", name);
	at = strcasestr(buf_text(&reply->head), key.data);
	value[0] = '\0';
	if (at) {
		at += key.len + strspn(at + key.len, " ");
		snprintf(value, sizeof(value), "%.*s", (int)strcspn(at, "\r"), at);
	}
	return value;
}

TESTING bool hear_head(int fd, struct reply *reply)
{
	char byte;

	memset(reply, 0, sizeof(*reply));
	while (!reply->head.len || !strstr(reply->head.data, "\r\n\r\n")) {
		if (!hear_byte(fd, &byte))
			return false;
		buf_append(&reply->head, &byte, 1);
	}
	ck_assert_int_eq(sscanf(reply->head.data, "HTTP/1.%*d %d", &reply->status), 1);
	return true;
}

TESTING bool hear_bytes(int fd, struct buf *into, size_t count)
{
	char data[16384];

	while (count) {
		ssize_t got = recv(fd, data, count < sizeof(data) ? count : sizeof(data), 0);

		if (got <= 0)
			return false;
		buf_append(into, data, (size_t)got);
		count -= (size_t)got;
	}
	return true;
}

/* The next chunk; false at the end of the connection, "" for the last one. */
TESTING bool hear_chunk(int fd, struct buf *into)
{
	CLEANUP(buf_clear) struct buf line = { 0 };
	char byte;
	size_t size;

	while (line.len < 2 || line.data[line.len - 1] != '\n') {
		if (!hear_byte(fd, &byte))
			return false;
		buf_append(&line, &byte, 1);
	}
	size = strtoul(line.data, NULL, 16);
	return hear_bytes(fd, into, size) && hear_byte(fd, &byte) && hear_byte(fd, &byte);
}

static void hear_all_chunks(int fd, struct reply *reply)
{
	size_t before;

	do {
		before = reply->body.len;
		ck_assert_msg(hear_chunk(fd, &reply->body), "cut after %zu bytes", reply->body.len);
	} while (reply->body.len != before);
}

/* A whole reply to a request that was no HEAD. */
TESTING struct reply hear(int fd)
{
	struct reply reply;

	ck_assert_msg(hear_head(fd, &reply), "closed without a reply");
	if (!strcasecmp(header(&reply, "Transfer-Encoding"), "chunked"))
		hear_all_chunks(fd, &reply);
	else
		ck_assert(hear_bytes(fd, &reply.body, strtoul(header(&reply, "Content-Length"), NULL, 10)));
	return reply;
}

struct ask {
	const char *method, *path, *token;
	const char *headers;       /* more lines, each with CR LF */
	const char *body;
	size_t body_len;           /* 0: of the text */
};

TESTING void say_request(int fd, const struct ask *ask)
{
	CLEANUP(buf_clear) struct buf text = { 0 };
	size_t len = ask->body_len || !ask->body ? ask->body_len : strlen(ask->body);

	buf_printf(&text, "%s %s HTTP/1.1\r\nHost: test\r\n", ask->method, ask->path);
	if (ask->token)
		buf_printf(&text, "Authorization: Bearer %s\r\n", ask->token);
	if (ask->body)
		buf_printf(&text, "Content-Length: %zu\r\n", len);
	buf_printf(&text, "%s\r\n", ask->headers ? ask->headers : "");
	if (ask->body)
		buf_append(&text, ask->body, len);
	say_bytes(fd, text.data, text.len);
}

/* On a connection of its own. */
TESTING struct reply call(const struct ask *ask)
{
	int fd = dial();
	struct reply reply;

	say_request(fd, ask);
	reply = hear(fd);
	close(fd);
	return reply;
}

TESTING struct reply get(const char *path, const char *token_text)
{
	return call(&(struct ask){ .method = "GET", .path = path, .token = token_text });
}

/* body NULL: none */
TESTING struct reply post(const char *path, const char *token_text, const char *body)
{
	return call(&(struct ask){ .method = "POST", .path = path, .token = token_text, .body = body });
}

/* The reply's JSON, which the caller frees; the reply is cleared. */
TESTING json_t *json_of(struct reply *reply, int status)
{
	struct error err;
	json_t *root;

	ck_assert_msg(reply->status == status, "%d, not %d: %s", reply->status, status, buf_text(&reply->body));
	root = json_parse(buf_text(&reply->body), reply->body.len, &err);
	ck_assert_msg(root != NULL, "%s: %s", err.msg, buf_text(&reply->body));
	reply_clear(reply);
	return root;
}

/* The reply is an error in our form, about text; cleared. */
TESTING void is_error(struct reply *reply, int status, const char *code, const char *text)
{
	json_auto_t *root = NULL;
	CLEANUP(mem_freep) char *id = mem_strdup(header(reply, "X-Request-Id"));
	json_t *error;

	ck_assert_str_eq(header(reply, "Content-Type"), "application/json");
	root = json_of(reply, status);
	error = json_object_get(root, "error");
	ck_assert_str_eq(json_string_value(json_object_get(error, "code")), code);
	ck_assert_str_eq(json_string_value(json_object_get(error, "request")), id);
	ck_assert_msg(strstr(json_string_value(json_object_get(error, "message")), text) != NULL, "%s: not about %s",
		      json_string_value(json_object_get(error, "message")), text);
}

/* json_text of the member at "a.0.b"; until the next call. */
TESTING const char *at(const json_t *root, const char *path)
{
	static char text[4096];
	CLEANUP(mem_freep) char *copy = mem_strdup(path);
	CLEANUP(mem_freep) char *found = NULL;
	char *rest = copy, *word;

	while (root && (word = strsep(&rest, ".")))
		root = json_is_array(root) ? json_array_get(root, strtoul(word, NULL, 10)) : json_object_get(root, word);
	found = root ? json_text(root) : mem_strdup("(absent)");
	snprintf(text, sizeof(text), "%s", found);
	return text;
}

#endif
