/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of this folder: requests as they should be. */
#ifndef COORDINATOR_FRONT_TEST_CALL_H
#define COORDINATOR_FRONT_TEST_CALL_H

#include "coordinator/front/test_reply.h"

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

#endif
