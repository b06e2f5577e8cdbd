/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/front/query.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

static bool is_known(const struct route *route, const char *name)
{
	for (int i = 0; i < ROUTE_QUERY_MAX && route->query[i]; i++) {
		if (!strcmp(route->query[i], name))
			return true;
	}
	return false;
}

int query_open(const struct exchange *ex, struct query *ret_query, struct error *err)
{
	const char *text = ex->match.query;
	struct evkeyval *pair, *other;

	TAILQ_INIT(&ret_query->pairs);
	if (!text || !text[0])
		return 0;
	if (evhttp_parse_query_str(text, &ret_query->pairs) < 0)
		return error_set(err, ERR_INVALID, "the query must be name=value&name=value");
	TAILQ_FOREACH(pair, &ret_query->pairs, next) {
		if (!is_known(ex->match.route, pair->key))
			return error_set(err, ERR_INVALID, "unknown parameter %.64s", pair->key);
		for (other = TAILQ_NEXT(pair, next); other; other = TAILQ_NEXT(other, next)) {
			if (!strcmp(pair->key, other->key))
				return error_set(err, ERR_INVALID, "parameter %.64s is given twice", pair->key);
		}
	}
	return 0;
}

void query_clear(struct query *query)
{
	evhttp_clear_headers(&query->pairs);
}

const char *query_text(const struct query *query, const char *name)
{
	struct evkeyval *pair;

	TAILQ_FOREACH(pair, &query->pairs, next) {
		if (!strcmp(pair->key, name))
			return pair->value;
	}
	return NULL;
}

static int read_number(const char *text, int64_t *ret)
{
	size_t len = strlen(text);

	if (!len || len > 18 || strspn(text, "0123456789") != len)
		return -1;
	*ret = strtoll(text, NULL, 10);
	return 0;
}

int query_int(const struct query *query, const struct query_int *what, int64_t *ret, struct error *err)
{
	const char *text = query_text(query, what->name);
	int64_t value = what->fallback;

	if (text && (read_number(text, &value) < 0 || value < what->min || value > what->max))
		return error_set(err, ERR_INVALID, "%s=%.32s: must be a number from %" PRId64 " to %" PRId64, what->name,
				 text, what->min, what->max);
	*ret = value;
	return 0;
}

int path_id(const struct exchange *ex, const char *what, int64_t *ret_id, struct error *err)
{
	if (read_number(ex->match.word, ret_id) < 0 || *ret_id < 1)
		return error_set(err, ERR_NOT_FOUND, "no %s %.32s", what, ex->match.word);
	return 0;
}
