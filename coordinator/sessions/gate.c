/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/sessions/gate.h"

#include <string.h>
#include <strings.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/wire/wire.h"

#define BEARER "Bearer "
#define HEADER_MAX 512

/* False when the header is absent or longer than any right one. */
static bool copy_header(struct lws *wsi, enum lws_token_indexes token, char text[HEADER_MAX])
{
	int len = lws_hdr_total_length(wsi, token);

	return len > 0 && len < HEADER_MAX && lws_hdr_copy(wsi, text, HEADER_MAX, token) == len;
}

static int check_token(const char *text, struct reader *reader, const char **ret_why)
{
	struct token_info info;
	struct error err;
	int rc;

	rc = reader_token(reader, text, clock_wall_ms(), &info, &err);
	if (rc < 0) {
		LOG(LOG_ERROR, "session.token-unreadable", KV("error", err.msg));
		*ret_why = "the store cannot be read";
		return 503;
	}
	if (rc == READER_NONE) {
		*ret_why = "the token is not known, revoked or expired";
		return 401;
	}
	if (!(info.scopes & SCOPE_WORKER)) {
		*ret_why = "the token has no scope worker";
		return 403;
	}
	return 0;
}

static int check(struct lws *wsi, struct reader *reader, const char **ret_why)
{
	char text[HEADER_MAX];
	int status;

	*ret_why = "no such path";
	if (!copy_header(wsi, WSI_TOKEN_GET_URI, text) || strcmp(text, WIRE_PATH) != 0)
		return 404;
	*ret_why = "no bearer token";
	if (!copy_header(wsi, WSI_TOKEN_HTTP_AUTHORIZATION, text) || strncasecmp(text, BEARER, strlen(BEARER)) != 0)
		return 401;
	status = check_token(text + strlen(BEARER), reader, ret_why);
	explicit_bzero(text, sizeof(text));
	if (status != 0)
		return status;
	*ret_why = "the subprotocol is not " WIRE_SUBPROTOCOL;
	if (!copy_header(wsi, WSI_TOKEN_PROTOCOL, text) || strcmp(text, WIRE_SUBPROTOCOL) != 0)
		return 400;
	return 0;
}

int gate_check(struct lws *wsi, struct reader *reader)
{
	const char *why;
	char peer[64] = "";
	int status = check(wsi, reader, &why);

	if (status == 0)
		return 0;
	lws_get_peer_simple(wsi, peer, sizeof(peer));
	LOG(LOG_WARN, "session.refused", KV("peer", peer), KV("status", status), KV("why", why));
	return status;
}
