/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of this folder: a client on a raw socket, so that HTTP can also be spoken wrongly. */
#ifndef COORDINATOR_FRONT_TEST_SOCKET_H
#define COORDINATOR_FRONT_TEST_SOCKET_H

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/buf.h"
#include "coordinator/front/test_world.h"

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

#endif
