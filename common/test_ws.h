/* SPDX-License-Identifier: Apache-2.0 */
/* One end of a WebSocket on a blocking socket, for check(3) suites: sends what a well-behaved library would not. */
#ifndef COMMON_TEST_WS_H
#define COMMON_TEST_WS_H

#include <check.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/buf.h"

enum { WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };

/* Whole, in one call, as a blocking socket does. False when the other side is gone. */
static inline bool ws_send(int fd, int opcode, const void *data, size_t len, bool is_client)
{
	unsigned char head[14] = { (unsigned char)(0x80 | opcode) };
	size_t size = len < 126 ? 2 : len < 65536 ? 4 : 10;
	struct buf frame = { 0 };
	bool is_sent;

	head[1] = (unsigned char)(len < 126 ? len : len < 65536 ? 126 : 127);
	for (size_t i = 2; i < size; i++)
		head[i] = (unsigned char)(len >> (8 * (size - 1 - i)));
	if (is_client) { /* must mask; a mask of zeros is as good as any here */
		head[1] |= 0x80;
		size += 4;
	}
	buf_append(&frame, head, size);
	buf_append(&frame, data, len);
	is_sent = send(fd, frame.data, frame.len, MSG_NOSIGNAL) == (ssize_t)frame.len;
	buf_clear(&frame);
	return is_sent;
}

static inline bool ws_recv_exactly(int fd, void *data, size_t len)
{
	return len == 0 || recv(fd, data, len, MSG_WAITALL) == (ssize_t)len;
}

/* The next frame's opcode and payload (unmasked); 0 when the other side is gone. */
static inline int ws_recv(int fd, struct buf *payload)
{
	unsigned char head[2], size[8], mask[4] = { 0 };
	uint64_t len;

	if (!ws_recv_exactly(fd, head, 2))
		return 0;
	len = head[1] & 0x7f;
	if (len >= 126) {
		size_t n = len == 126 ? 2 : 8;

		ck_assert(ws_recv_exactly(fd, size, n));
		len = 0;
		for (size_t i = 0; i < n; i++)
			len = len << 8 | size[i];
	}
	if (head[1] & 0x80)
		ck_assert(ws_recv_exactly(fd, mask, 4));
	payload->len = 0;
	for (uint64_t i = 0; i < len; i++) {
		char byte;

		ck_assert(ws_recv_exactly(fd, &byte, 1));
		byte = (char)(byte ^ mask[i % 4]);
		buf_append(payload, &byte, 1);
	}
	return head[0] & 0x0f;
}

#endif
