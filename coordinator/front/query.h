/* SPDX-License-Identifier: Apache-2.0 */
/* The part of a URL after "?": only names the route knows, each once, each checked. */
#ifndef COORDINATOR_FRONT_QUERY_H
#define COORDINATOR_FRONT_QUERY_H

#include <event2/http.h>
#include <event2/keyvalq_struct.h>

#include "coordinator/front/internal.h"

struct query {
	struct evkeyvalq pairs;
};

/* ERR_INVALID names what is unknown or doubled. query_clear() it, also after -1. */
int query_open(const struct exchange *ex, struct query *ret_query, struct error *err);
void query_clear(struct query *query);

/* NULL when absent. */
const char *query_text(const struct query *query, const char *name);

/* fallback when absent; ERR_INVALID unless it is digits between min and max. */
struct query_int { const char *name; int64_t min, max, fallback; };
int query_int(const struct query *query, const struct query_int *what, int64_t *ret, struct error *err);

/* The {} of the path as an id; ERR_NOT_FOUND says what there is not ("build"). */
int path_id(const struct exchange *ex, const char *what, int64_t *ret_id, struct error *err);

#endif
