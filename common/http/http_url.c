/* SPDX-License-Identifier: Apache-2.0 */
#include "common/http/http_url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/mem.h"

static void url_handle_free(CURLU **handle)
{
	curl_url_cleanup(*handle);
}

static void curl_text_free(char **text)
{
	curl_free(*text);
}

static int part_fail(const char *url, CURLUcode rc, struct error *err)
{
	return error_set(err, rc == CURLUE_OUT_OF_MEMORY ? ERR_NO_MEMORY : ERR_INVALID, "URL \"%.200s\": %s", url,
			 curl_url_strerror(rc));
}

int http_url_parse(const char *url, struct http_url *ret_url, struct error *err)
{
	CLEANUP(url_handle_free) CURLU *handle = curl_url();
	CLEANUP(curl_text_free) char *scheme = NULL;
	CLEANUP(curl_text_free) char *host = NULL;
	CLEANUP(curl_text_free) char *port = NULL;
	struct http_url parsed = { .port = 0 };
	CURLUcode rc = curl_url_set(handle, CURLUPART_URL, url, CURLU_DISALLOW_USER);

	if (rc == CURLUE_OK)
		rc = curl_url_get(handle, CURLUPART_SCHEME, &scheme, 0);
	if (rc == CURLUE_OK)
		rc = curl_url_get(handle, CURLUPART_HOST, &host, 0);
	if (rc == CURLUE_OK)
		rc = curl_url_get(handle, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);
	if (rc != CURLUE_OK)
		return part_fail(url, rc, err);
	if (strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0)
		return error_set(err, ERR_INVALID, "URL \"%.200s\": neither http nor https", url);
	if (text_copy(parsed.host, sizeof(parsed.host), host) < 0)
		return error_set(err, ERR_INVALID, "URL \"%.200s\": the host's name is too long", url);
	for (char *at = parsed.host; *at; at++)
		*at = (char)tolower((unsigned char)*at);
	parsed.is_tls = strcmp(scheme, "https") == 0;
	parsed.port = (int)strtol(port, NULL, 10);
	*ret_url = parsed;
	return 0;
}

int http_url_resolve(const char *base, const char *location, char **ret_url, struct error *err)
{
	CLEANUP(url_handle_free) CURLU *handle = curl_url();
	CLEANUP(curl_text_free) char *url = NULL;
	CURLUcode rc = curl_url_set(handle, CURLUPART_URL, base, CURLU_DISALLOW_USER);

	if (rc == CURLUE_OK)
		rc = curl_url_set(handle, CURLUPART_URL, location, CURLU_DISALLOW_USER);
	if (rc == CURLUE_OK)
		rc = curl_url_get(handle, CURLUPART_URL, &url, 0);
	if (rc != CURLUE_OK)
		return part_fail(location, rc, err);
	*ret_url = mem_strdup(url);
	return 0;
}

bool http_url_same_origin(const struct http_url *a, const struct http_url *b)
{
	return a->is_tls == b->is_tls && a->port == b->port && strcmp(a->host, b->host) == 0;
}

static bool ipv4_is_private(uint32_t address)
{
	return address >> 24 == 127 || address >> 24 == 10 || address >> 24 == 0 || address >> 20 == 0xac1 ||
	       address >> 16 == 0xc0a8 || address >> 16 == 0xa9fe || address >> 22 == 0x191; /* 100.64.0.0/10 */
}

static bool ipv6_of(const char *host, struct in6_addr *address)
{
	char text[INET6_ADDRSTRLEN + 1];
	size_t len = strlen(host);

	if (len < 3 || len > sizeof(text) || host[0] != '[' || host[len - 1] != ']')
		return false;
	memcpy(text, host + 1, len - 2);
	text[len - 2] = '\0';
	return inet_pton(AF_INET6, text, address) == 1;
}

static uint32_t mapped_ipv4(const struct in6_addr *address)
{
	uint32_t tail;

	memcpy(&tail, address->s6_addr + 12, sizeof(tail));
	return ntohl(tail);
}

bool http_host_is_private(const char *host)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (strcmp(host, "localhost") == 0)
		return true;
	if (inet_pton(AF_INET, host, &v4) == 1)
		return ipv4_is_private(ntohl(v4.s_addr));
	if (!ipv6_of(host, &v6))
		return false;
	if (IN6_IS_ADDR_V4MAPPED(&v6) || IN6_IS_ADDR_V4COMPAT(&v6))
		return ipv4_is_private(mapped_ipv4(&v6));
	return IN6_IS_ADDR_LOOPBACK(&v6) || IN6_IS_ADDR_UNSPECIFIED(&v6) || IN6_IS_ADDR_LINKLOCAL(&v6) ||
	       (v6.s6_addr[0] & 0xfe) == 0xfc;
}

bool http_host_is_loopback(const char *host)
{
	struct in_addr v4;

	if (strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
		return true;
	return inet_pton(AF_INET, host, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127;
}

void http_url_escape(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (isalnum((unsigned char)*text) || strchr("-._~", *text))
			buf_append(out, text, 1);
		else
			buf_printf(out, "%%%02X", (unsigned char)*text);
	}
}
