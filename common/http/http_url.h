/* SPDX-License-Identifier: Apache-2.0 */
/* URLs that servers hand us: resolved, compared and judged before we follow them. Pure, no I/O. */
#ifndef COMMON_HTTP_HTTP_URL_H
#define COMMON_HTTP_HTTP_URL_H

#include <stdbool.h>

#include "common/buf.h"
#include "common/error.h"

struct http_url {
	bool is_tls;
	char host[256]; /* lower case, IPv6 in brackets, IPv4 in its usual form however it was written */
	int port;
};

/* http and https only; user:password@ in it is refused. ERR_INVALID. */
int http_url_parse(const char *url, struct http_url *ret_url, struct error *err);

/* Location may be absolute or relative to base. The caller frees *ret_url (mem_free). ERR_INVALID. */
int http_url_resolve(const char *base, const char *location, char **ret_url, struct error *err);

/* Scheme, host and port are the same: what belongs to one may be told to the other. */
bool http_url_same_origin(const struct http_url *a, const struct http_url *b);

/* A literal loopback, private, link-local or unspecified address, or localhost. Names are not looked up. */
bool http_host_is_private(const char *host);
bool http_host_is_loopback(const char *host);

/* Percent-encodes all but letters, digits and - . _ ~ and appends. */
void http_url_escape(struct buf *out, const char *text);

#endif
