/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of this folder: replies as they come. */
#ifndef COORDINATOR_FRONT_TEST_REPLY_H
#define COORDINATOR_FRONT_TEST_REPLY_H

#include <strings.h>

#include "coordinator/front/test_socket.h"

struct reply {
	int status;
	struct buf head, body;
};

TESTING void reply_clear(struct reply *reply)
{
	buf_clear(&reply->head);
	buf_clear(&reply->body);
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

#endif
