/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/test_front.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* A test that cannot get this far has nothing to say. */
static void expect_equal(long a, long b)
{
	if (a != b)
		abort();
}

static void front_answer(struct front *front, int fd)
{
	char request[4096] = { 0 }, head[256];
	size_t len = 0;
	long from = 0, size, left;
	struct stat st;
	const char *range;
	char *body;
	int file;

	while (len < sizeof(request) - 1 && !strstr(request, "\r\n\r\n")) {
		ssize_t got = read(fd, request + len, sizeof(request) - 1 - len);

		if (got <= 0)
			return;
		len += (size_t)got;
	}
	front->requests++;
	range = strcasestr(request, "range: bytes=");
	if (range && !front->is_ignoring_range) {
		from = strtol(range + 13, NULL, 10);
		front->ranged++;
	}
	if (front->status || !strstr(request, "Bearer token-of-worker")) {
		dprintf(fd, "HTTP/1.1 %d No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", front->status ? front->status : 401);
		return;
	}
	file = open(front->path, O_RDONLY | O_CLOEXEC);
	expect_equal(fstat(file, &st), 0);
	size = st.st_size;
	body = malloc((size_t)size + 1);
	expect_equal(pread(file, body, (size_t)size, 0), size);
	close(file);
	snprintf(head, sizeof(head), "HTTP/1.1 %s\r\nContent-Length: %ld\r\nContent-Range: bytes %ld-%ld/%ld\r\nConnection: close\r\n\r\n",
		 from ? "206 Partial Content" : "200 OK", size - from, from, size - 1, size);
	left = size - from;
	if (front->breaks > 0 && left > front->break_after) {
		front->breaks--;
		left = front->break_after;
	}
	if (write(fd, head, strlen(head)) > 0 && send(fd, body + from, (size_t)left, MSG_NOSIGNAL) < 0)
		front->requests += 0;
	free(body);
}

static void *front_run(void *arg)
{
	struct front *front = arg;
	int fd;

	while ((fd = accept(front->listener, NULL, NULL)) >= 0) {
		front_answer(front, fd);
		shutdown(fd, SHUT_RDWR);
		close(fd);
	}
	return NULL;
}

void front_start(struct front *front, const char *path)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);

	*front = (struct front){ .path = path };
	front->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	expect_equal(bind(front->listener, (struct sockaddr *)&address, len), 0);
	expect_equal(listen(front->listener, 16), 0);
	expect_equal(getsockname(front->listener, (struct sockaddr *)&address, &len), 0);
	front->port = ntohs(address.sin_port);
	expect_equal(pthread_create(&front->thread, NULL, front_run, front), 0);
}

void front_stop(struct front *front)
{
	shutdown(front->listener, SHUT_RDWR);
	pthread_join(front->thread, NULL);
	close(front->listener);
}
