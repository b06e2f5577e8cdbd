/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's end of a session, for check(3) suites. */
#ifndef COORDINATOR_SESSIONS_TEST_CLIENT_H
#define COORDINATOR_SESSIONS_TEST_CLIENT_H

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "common/test_ws.h"
#include "common/wire/wire.h"

static inline int dial(int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

/* The status of the answer to an upgrade; 0 when there was none. */
static inline int upgrade(int fd, const char *path, const char *token, const char *protocol)
{
	struct buf text = { 0 };
	int status = 0;
	char byte;

	buf_printf(&text, "GET %s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n", path);
	if (token)
		buf_printf(&text, "Authorization: Bearer %s\r\n", token);
	if (protocol)
		buf_printf(&text, "Sec-WebSocket-Protocol: %s\r\n", protocol);
	buf_puts(&text, "\r\n");
	send(fd, text.data, text.len, MSG_NOSIGNAL);
	buf_clear(&text);
	while (!strstr(buf_text(&text), "\r\n\r\n") && ws_recv_exactly(fd, &byte, 1))
		buf_append(&text, &byte, 1);
	sscanf(buf_text(&text), "HTTP/%*s %d", &status);
	buf_clear(&text);
	return status;
}

static inline void say(int fd, const struct wire_message *msg)
{
	char *text = wire_encode(msg);

	ws_send(fd, WS_TEXT, text, strlen(text), true);
	mem_free(text);
}

/* The next message, which must be of that type. The caller clears it. */
static inline struct wire_message hear(int fd, enum wire_type type)
{
	CLEANUP(buf_clear) struct buf text = { 0 };
	struct wire_message msg;
	struct error err;

	ck_assert_int_eq(ws_recv(fd, &text), WS_TEXT);
	ck_assert_msg(wire_decode(text.data, text.len, &msg, &err) == 0, "%s", err.msg);
	ck_assert_str_eq(wire_type_name(msg.type), wire_type_name(type));
	return msg;
}

/* The status of the close frame that comes next, and then the end. */
static inline void is_closed_with(int fd, int status)
{
	CLEANUP(buf_clear) struct buf text = { 0 };

	ck_assert(ws_recv(fd, &text) == WS_CLOSE && text.len >= 2);
	ck_assert_int_eq((unsigned char)text.data[0] << 8 | (unsigned char)text.data[1], status);
	close(fd);
}

#endif
