/* SPDX-License-Identifier: Apache-2.0 */
/* A coordinator's end of the line, for check(3) suites: listens, answers the upgrade, says what it is told to. */
#ifndef WORKER_TEST_COORDINATOR_H
#define WORKER_TEST_COORDINATOR_H

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "common/test_ws.h"
#include "common/wire/wire.h"

static inline int listen_on_loopback(int *ret_port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert(bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(fd, 8) == 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	*ret_port = ntohs(at.sin_port);
	return fd;
}

/* The next dial; head gets its request. */
static inline int take_dial(int listener, struct buf *head)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	char byte;

	buf_clear(head);
	while (!strstr(buf_text(head), "\r\n\r\n") && ws_recv_exactly(fd, &byte, 1))
		buf_append(head, &byte, 1);
	return fd;
}

static inline void answer_upgrade(int fd, const struct buf *head)
{
	const char *key = strstr(buf_text(head), "Sec-WebSocket-Key: ");
	unsigned char digest[20], text[32];
	char line[128], answer[256];
	int len;

	ck_assert_ptr_nonnull(key);
	len = snprintf(line, sizeof(line), "%.24s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key + 19);
	EVP_Digest(line, (size_t)len, digest, NULL, EVP_sha1(), NULL);
	EVP_EncodeBlock(text, digest, 20);
	len = snprintf(answer, sizeof(answer), "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
		       "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: %s\r\n\r\n",
		       (char *)text, WIRE_SUBPROTOCOL);
	ck_assert_int_eq(send(fd, answer, (size_t)len, MSG_NOSIGNAL), len);
}

static inline void say(int fd, const struct wire_message *msg)
{
	CLEANUP(mem_freep) char *text = wire_encode(msg);

	ck_assert(ws_send(fd, WS_TEXT, text, strlen(text), false));
}

/* The next message; beats only when asked for. */
static inline struct wire_message hear(int fd, enum wire_type type)
{
	CLEANUP(buf_clear) struct buf text = { 0 };
	struct wire_message msg;
	struct error err;

	do {
		while (ws_recv(fd, &text) == WS_PING)
			;
		ck_assert_msg(wire_decode(text.data, text.len, &msg, &err) == 0, "%s", err.msg);
	} while (msg.type == WIRE_BEAT && type != WIRE_BEAT);
	ck_assert_str_eq(wire_type_name(msg.type), wire_type_name(type));
	return msg;
}

#endif
