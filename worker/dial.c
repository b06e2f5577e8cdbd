/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/dial.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <libwebsockets.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/mem.h"

static int url_fail(const char *url, const char *what, struct error *err)
{
	return error_set(err, ERR_INVALID, "coordinator \"%.200s\": %s; give ws://127.0.0.1:7481 or wss://host:port", url,
			 what);
}

static int parse_port(const char *text, int *ret_port)
{
	char *end;
	long port = strtol(text, &end, 10);

	if (!isdigit((unsigned char)*text) || port < 1 || port > 65535 || (*end && strcmp(end, "/") != 0))
		return -1;
	*ret_port = (int)port;
	return 0;
}

static bool is_loopback(const char *host)
{
	struct in_addr address;

	if (inet_pton(AF_INET, host, &address) == 1)
		return ntohl(address.s_addr) >> 24 == 127;
	return strcmp(host, "::1") == 0 || strcasecmp(host, "localhost") == 0;
}

int dial_parse(const char *url, struct dial_address *ret_address, struct error *err)
{
	struct dial_address address = { 0 };
	const char *at, *end;

	if (text_copy(address.text, sizeof(address.text), url) < 0)
		return url_fail(url, "too long", err);
	address.is_tls = strncasecmp(url, "wss://", 6) == 0;
	if (!address.is_tls && strncasecmp(url, "ws://", 5) != 0)
		return url_fail(url, "not a ws:// or wss:// address", err);
	at = strstr(url, "://") + 3;
	address.port = address.is_tls ? 443 : 80;
	if (*at == '[') {
		at++;
		end = strchr(at, ']');
	} else {
		end = at + strcspn(at, ":/");
	}
	if (!end || end == at || (size_t)(end - at) >= sizeof(address.host))
		return url_fail(url, "no host", err);
	memcpy(address.host, at, (size_t)(end - at));
	if (address.host[strcspn(address.host, "@?# ")])
		return url_fail(url, "not a host name", err);
	if (*end == ']')
		end++;
	if (*end == ':' ? parse_port(end + 1, &address.port) < 0 : *end && strcmp(end, "/") != 0)
		return url_fail(url, "the port is 1 to 65535, and nothing follows it", err);
	address.is_loopback = is_loopback(address.host);
	if (!address.is_tls && !address.is_loopback)
		return url_fail(url, "beyond loopback only wss:// is dialled, since the token would be readable", err);
	snprintf(address.host_header, sizeof(address.host_header), strchr(address.host, ':') ? "[%s]:%d" : "%s:%d",
		 address.host, address.port);
	*ret_address = address;
	return 0;
}

static void close_fdp(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

int dial_read_token(const char *path, char ret_token[DIAL_TOKEN_MAX], struct error *err)
{
	CLEANUP(close_fdp) int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[DIAL_TOKEN_MAX + 64];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	char *word;

	if (n < 0)
		return error_set(err, ERR_IO, "token file %s: %s", path, strerror(errno));
	text[n] = '\0';
	word = text + strspn(text, " \t\r\n");
	word[strcspn(word, " \t\r\n")] = '\0';
	if (!*word || strlen(word) >= DIAL_TOKEN_MAX)
		return error_set(err, ERR_INVALID, "token file %s: holds no token", path);
	for (const char *p = word; *p; p++) {
		if (!isgraph((unsigned char)*p))
			return error_set(err, ERR_INVALID, "token file %s: the token has strange characters", path);
	}
	text_copy(ret_token, DIAL_TOKEN_MAX, word);
	explicit_bzero(text, sizeof(text));
	return 0;
}

struct lws_context *dial_context(const struct lws_context_creation_info *info, const struct dial_address *address)
{
	CLEANUP(mem_freep) char *proxy = mem_strdup(getenv("http_proxy"));
	struct lws_context *context;

	if (proxy && address->is_loopback)
		unsetenv("http_proxy");
	context = lws_create_context(info);
	if (proxy)
		setenv("http_proxy", proxy, 1);
	return context;
}
