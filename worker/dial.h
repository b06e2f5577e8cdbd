/* SPDX-License-Identifier: Apache-2.0 */
/* Where the coordinator is and what opens its door: parsing of the URL, reading of the token. */
#ifndef WORKER_DIAL_H
#define WORKER_DIAL_H

#include <stdbool.h>

#include "common/error.h"

#define DIAL_TOKEN_MAX 256

struct dial_address {
	char text[300];        /* as given */
	char host[256];        /* without brackets */
	char host_header[272];
	int port;
	bool is_tls, is_loopback;
};

/* ERR_INVALID: not ws://host[:port] or wss://host[:port]; ws:// beyond loopback is refused: the token would be seen. */
int dial_parse(const char *url, struct dial_address *ret_address, struct error *err);

/* One word, blanks around it dropped. ERR_IO, ERR_INVALID (empty, too long, not one word). */
int dial_read_token(const char *path, char ret_token[DIAL_TOKEN_MAX], struct error *err);

struct lws_context;
struct lws_context_creation_info;

/* lws_create_context, but a proxy of the environment is not used for loopback. Before there are threads. */
struct lws_context *dial_context(const struct lws_context_creation_info *info, const struct dial_address *address);

#endif
