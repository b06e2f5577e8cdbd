/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/front/auth.h"

#include <string.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "coordinator/front/query.h"
#include "coordinator/front/reply.h"

static int no_token(const struct head *head, struct refusal *ret)
{
	if (!head->has_authorization)
		return refuse(ret, 401, "unauthorized", "a token is needed: Authorization: Bearer mfd_...");
	return refuse(ret, 401, "unauthorized", "Authorization must be: Bearer mfd_...");
}

int auth_check(struct front *front, const struct route *route, const struct head *head, struct token_info *ret_token,
	       struct refusal *ret_refusal)
{
	struct token_info token;
	struct error err;
	char wanted[64];
	int rc;

	if (!route->scopes)
		return 0;
	if (!head->bearer[0])
		return no_token(head, ret_refusal);
	rc = reader_token(front->reader, head->bearer, wall_ms(), &token, &err);
	if (rc < 0) {
		LOG(LOG_ERROR, "front.token_lookup_failed", KV("why", err.msg));
		return refuse(ret_refusal, 500, err_code_name(err.code), "the token could not be looked up");
	}
	if (rc == READER_NONE)
		return refuse(ret_refusal, 401, "unauthorized", "the token is unknown, revoked or expired");
	if (!(token.scopes & route->scopes)) {
		scopes_format(route->scopes, wanted, sizeof(wanted));
		return refuse(ret_refusal, 403, "denied", "token %s lacks the scope for this: one of %s", token.name,
			      wanted);
	}
	*ret_token = token;
	return 0;
}

void auth_admit(struct exchange *ex)
{
	bool is_read = !strcmp(ex->method, "GET") || ex->is_head;
	CLEANUP(query_clear) struct query query;
	struct refusal refusal;
	struct error err;

	if (query_open(ex, &query, &err) < 0 && ex->match.route->scopes) {
		reply_error(ex, &err); /* a misspelt option must not be a silent no-op */
	} else if (!is_read && ex->front->is_full) {
		refuse(&refusal, 507, "disk_full", "the coordinator's disk is full: only reads are answered");
		reply_refusal(ex, &refusal);
	} else if (!strcmp(ex->method, "POST") && !ex->front->is_ready) {
		reply_header(ex, "Retry-After", "1");
		refuse(&refusal, 503, "unavailable", "the coordinator is starting: try again");
		reply_refusal(ex, &refusal);
	} else {
		ex->match.route->handle(ex);
	}
}
