/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/sessions/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

int listen_parse(const char *text, char ret_host[LISTEN_HOST_MAX], int *ret_port, struct error *err)
{
	const char *colon = strrchr(text, ':');
	size_t host_len = colon ? (size_t)(colon - text) : 0;
	char host[LISTEN_HOST_MAX];
	struct in_addr address;
	char *end = NULL;
	long port;

	if (host_len == 0 || host_len >= sizeof(host) || strspn(colon + 1, "0123456789") == 0)
		return error_set(err, ERR_INVALID, "worker listener \"%s\": give HOST:PORT, like 127.0.0.1:7481", text);
	port = strtol(colon + 1, &end, 10);
	if (*end || port > 65535)
		return error_set(err, ERR_INVALID, "worker listener \"%s\": the port is 0 to 65535", text);
	snprintf(host, sizeof(host), "%.*s", (int)host_len, text);
	if (strcasecmp(host, "localhost") == 0)
		snprintf(host, sizeof(host), "127.0.0.1");
	/* Without TLS a token would cross the network in the clear. */
	if (inet_pton(AF_INET, host, &address) != 1 || ntohl(address.s_addr) >> 24 != 127)
		return error_set(err, ERR_INVALID, "worker listener \"%s\": beyond IPv4 loopback TLS is required, which "
				 "this listener does not speak; listen on 127.0.0.1:%ld behind a TLS proxy or a tunnel",
				 text, port);
	memcpy(ret_host, host, sizeof(host));
	*ret_port = (int)port;
	return 0;
}

int listen_probe(const char *host, int port, struct error *err)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1, errnum = 0;

	inet_pton(AF_INET, host, &address.sin_addr);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		errnum = errno;
	if (fd >= 0)
		close(fd);
	if (errnum != 0)
		return error_set(err, ERR_IO, "worker listener: %s:%d: %s", host, port, strerror(errnum));
	return 0;
}
