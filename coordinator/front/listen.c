/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/front/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/util.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 1024

static bool is_loopback(const struct sockaddr_storage *address)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;

	if (address->ss_family == AF_INET)
		return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
	return address->ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

/* evutil takes no port 0, so the port is read here. */
static int parse_port(const char *text, uint16_t *ret_port)
{
	size_t len = strlen(text);
	long port = len && len <= 5 && strspn(text, "0123456789") == len ? strtol(text, NULL, 10) : -1;

	if (port < 0 || port > UINT16_MAX)
		return -1;
	*ret_port = htons((uint16_t)port);
	return 0;
}

static int parse_host(const char *text, size_t host_len, struct sockaddr_storage *ret)
{
	char host[64];
	int len = sizeof(*ret);

	memset(ret, 0, sizeof(*ret));
	if (!host_len || host_len >= sizeof(host) || (text[0] != '[' && memchr(text, ':', host_len)))
		return -1;
	snprintf(host, sizeof(host), "%.*s", (int)host_len, text);
	if (!strcmp(host, "localhost"))
		snprintf(host, sizeof(host), "127.0.0.1");
	return evutil_parse_sockaddr_port(host, (struct sockaddr *)ret, &len);
}

static int parse_address(const char *text, struct sockaddr_storage *ret, socklen_t *ret_len, struct error *err)
{
	const char *colon = strrchr(text, ':');
	uint16_t port = 0;

	if (!colon || parse_port(colon + 1, &port) < 0 || parse_host(text, (size_t)(colon - text), ret) < 0)
		return error_set(err, ERR_INVALID, "listen address %.100s: must be like 127.0.0.1:8080 or [::1]:8080", text);
	if (!is_loopback(ret))
		return error_set(err, ERR_DENIED, "refusing to listen on %.100s: beyond loopback requests and tokens would "
				 "travel without TLS; listen on 127.0.0.1 or [::1] behind a proxy that speaks TLS", text);
	if (ret->ss_family == AF_INET6) {
		((struct sockaddr_in6 *)ret)->sin6_port = port;
		*ret_len = sizeof(struct sockaddr_in6);
	} else {
		((struct sockaddr_in *)ret)->sin_port = port;
		*ret_len = sizeof(struct sockaddr_in);
	}
	return 0;
}

static int bind_and_listen(int fd, const struct sockaddr_storage *address, socklen_t len, int *ret_port)
{
	struct sockaddr_storage bound;
	socklen_t bound_len = sizeof(bound);
	int on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0 ||
	    bind(fd, (const struct sockaddr *)address, len) < 0 || listen(fd, BACKLOG) < 0 ||
	    getsockname(fd, (struct sockaddr *)&bound, &bound_len) < 0)
		return -1;
	*ret_port = ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port :
							((struct sockaddr_in *)&bound)->sin_port);
	return 0;
}

int listen_open(const char *address, int *ret_fd, int *ret_port, struct error *err)
{
	struct sockaddr_storage parsed;
	socklen_t len = 0;
	int fd;

	if (parse_address(address, &parsed, &len, err) < 0)
		return -1;
	fd = socket(parsed.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return error_set(err, ERR_IO, "listen on %.100s: %s", address, strerror(errno));
	if (bind_and_listen(fd, &parsed, len, ret_port) < 0) {
		error_set(err, ERR_IO, "listen on %.100s: %s", address, strerror(errno));
		close(fd);
		return -1;
	}
	*ret_fd = fd;
	return 0;
}
