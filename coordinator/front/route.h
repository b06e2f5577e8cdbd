/* SPDX-License-Identifier: Apache-2.0 */
/* The one table of what the API answers, and how a path finds its row. */
#ifndef COORDINATOR_FRONT_ROUTE_H
#define COORDINATOR_FRONT_ROUTE_H

#include <stdbool.h>
#include <stdint.h>

#include "coordinator/front/head.h"

#define ROUTE_QUERY_MAX 8

struct exchange;

struct route {
	const char *method;        /* GET answers HEAD too */
	const char *pattern;       /* "/v1/builds/{}/cancel": {} is one segment */
	unsigned scopes;           /* any of these will do; 0: without a token */
	int64_t body_max;          /* with a good token */
	const char *query[ROUTE_QUERY_MAX]; /* names it knows */
	void (*handle)(struct exchange *ex);
};

#define BODY_CONTEXT (-1)          /* body_max: front_config.context_max_bytes */
#define BODY_UNKNOWN_MAX 65536     /* of a body from whoever may not send one */

struct match {
	const struct route *route; /* NULL after a refusal */
	char *path;                /* decoded, owned */
	char *query;               /* as sent, owned; NULL when there was none */
	char *word;                /* what {} stood for, owned; NULL when the pattern has none */
};

/* Finds the row for a method and a target as it came. -1: refused as 404, 405 or 400. */
int route_find(const char *method, const char *target, struct match *ret_match, struct refusal *ret_refusal);
void match_clear(struct match *match);

#endif
