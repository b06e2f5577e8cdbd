/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/sessions/grant.h"

#include <inttypes.h>

#include "common/mem.h"

#define BUCKETS 1024

struct grant {
	struct grant *next_in_bucket;
	struct grant *next_of_list;
	struct grant_list *list;
	int64_t attempt;
	int64_t durable_bytes; /* -1: not known yet */
	int64_t told_bytes;    /* durable_bytes of the last credit, -1: none yet */
	int64_t limit_bytes;   /* of the last credit */
	int64_t log_bytes;     /* -1: the log goes on */
	bool is_abandoned;
};

struct grants {
	int64_t window_bytes;
	struct grant *buckets[BUCKETS];
};

static struct grant **bucket(struct grants *grants, int64_t attempt)
{
	return &grants->buckets[(uint64_t)attempt % BUCKETS];
}

static struct grant *find(const struct grant_list *list, int64_t attempt)
{
	for (struct grant *grant = list->first; grant; grant = grant->next_of_list) {
		if (grant->attempt == attempt)
			return grant;
	}
	return NULL;
}

struct grants *grants_new(int64_t window_bytes)
{
	struct grants *grants = mem_alloc(sizeof(*grants));

	grants->window_bytes = window_bytes;
	return grants;
}

void grants_free(struct grants *grants)
{
	mem_free(grants);
}

void grant_add(struct grants *grants, struct grant_list *list, int64_t attempt)
{
	struct grant *grant = find(list, attempt);
	struct grant **place = bucket(grants, attempt);

	if (!grant) {
		grant = mem_alloc(sizeof(*grant));
		grant->list = list;
		grant->attempt = attempt;
		grant->next_in_bucket = *place;
		*place = grant;
		grant->next_of_list = list->first;
		list->first = grant;
	}
	grant->durable_bytes = grant->told_bytes = grant->log_bytes = -1;
	grant->limit_bytes = 0;
	grant->is_abandoned = false;
}

void grant_remove(struct grants *grants, struct grant_list *list, int64_t attempt)
{
	struct grant *grant = find(list, attempt);
	struct grant **link;

	if (!grant)
		return;
	for (link = &list->first; *link != grant; link = &(*link)->next_of_list)
		;
	*link = grant->next_of_list;
	for (link = bucket(grants, attempt); *link != grant; link = &(*link)->next_in_bucket)
		;
	*link = grant->next_in_bucket;
	mem_free(grant);
}

void grant_list_clear(struct grants *grants, struct grant_list *list)
{
	while (list->first)
		grant_remove(grants, list, list->first->attempt);
}

void grant_abandon(struct grant_list *list, int64_t attempt)
{
	struct grant *grant = find(list, attempt);

	if (grant)
		grant->is_abandoned = true;
}

static bool is_whole(const struct grant *grant, int64_t bytes)
{
	return grant->log_bytes >= 0 && bytes >= grant->log_bytes;
}

/* Not for every step: a credit per line of a log would be as many messages as lines. */
static bool is_due(const struct grants *grants, const struct grant *grant)
{
	int64_t advance = grant->durable_bytes - grant->told_bytes;

	if (grant->is_abandoned || grant->durable_bytes < 0)
		return false;
	if (grant->told_bytes < 0)
		return true;
	return advance > 0 && (advance >= grants->window_bytes / 4 || is_whole(grant, grant->durable_bytes));
}

bool grant_ends_at(struct grant_list *list, int64_t attempt, int64_t log_bytes)
{
	struct grant *grant = find(list, attempt);

	if (!grant)
		return false;
	grant->log_bytes = log_bytes;
	return is_whole(grant, grant->durable_bytes);
}

void grants_durable(struct grants *grants, int64_t attempt, int64_t durable_bytes, void (*on_due)(void *owner))
{
	for (struct grant *grant = *bucket(grants, attempt); grant; grant = grant->next_in_bucket) {
		if (grant->attempt != attempt)
			continue;
		if (durable_bytes > grant->durable_bytes)
			grant->durable_bytes = durable_bytes;
		if (is_due(grants, grant))
			on_due(grant->list->owner);
	}
}

bool grant_take_credit(struct grants *grants, struct grant_list *list, struct wire_log_credit *ret_credit)
{
	struct grant *next;

	for (struct grant *grant = list->first; grant; grant = next) {
		bool is_now = is_due(grants, grant);

		next = grant->next_of_list;
		if (is_now) {
			grant->told_bytes = grant->durable_bytes;
			grant->limit_bytes = grant->durable_bytes + grants->window_bytes;
			*ret_credit = (struct wire_log_credit){ grant->attempt, grant->told_bytes, grant->limit_bytes };
		}
		if (grant->told_bytes >= 0 && is_whole(grant, grant->told_bytes))
			grant_remove(grants, list, grant->attempt);
		if (is_now)
			return true;
	}
	return false;
}

int grant_check(struct grant_list *list, int64_t attempt, int64_t offset, size_t len, struct error *err)
{
	struct grant *grant = find(list, attempt);

	if (!grant)
		return error_set(err, ERR_DENIED, "log bytes of attempt %" PRId64 ", which this session does not hold",
				 attempt);
	if (grant->is_abandoned)
		return GRANT_OVER;
	if (offset > grant->limit_bytes || (int64_t)len > grant->limit_bytes - offset)
		return error_set(err, ERR_INVALID, "attempt %" PRId64 ": %zu log bytes from offset %" PRId64
				 " exceed the credit of %" PRId64, attempt, len, offset, grant->limit_bytes);
	return 0;
}
