/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/front/exchange.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "common/log.h"
#include "common/mem.h"
#include "coordinator/front/conn.h"

static int64_t clock_ms(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t wall_ms(void)
{
	return clock_ms(CLOCK_REALTIME);
}

int64_t mono_ms(void)
{
	return clock_ms(CLOCK_MONOTONIC);
}

int64_t exchange_number(struct front *front, char id[32])
{
	int64_t number = ++front->last_exchange;

	snprintf(id, 32, "%s-%" PRIx64, front->run_id, (uint64_t)number);
	return number;
}

static struct exchange **bucket_of(struct front *front, int64_t number)
{
	return &front->exchanges[(uint64_t)number % EXCHANGE_BUCKETS];
}

struct exchange *exchange_find(struct front *front, int64_t number)
{
	struct exchange *ex = *bucket_of(front, number);

	while (ex && ex->number != number)
		ex = ex->next;
	return ex;
}

struct exchange *exchange_new(struct front *front, struct conn *conn, struct evhttp_request *req)
{
	struct exchange *ex = mem_alloc(sizeof(*ex));
	struct exchange **bucket;

	ex->front = front;
	ex->conn = conn;
	ex->req = req;
	ex->started_ms = mono_ms();
	ex->number = exchange_number(front, ex->id);
	bucket = bucket_of(front, ex->number);
	ex->next = *bucket;
	*bucket = ex;
	return ex;
}

static void exchange_free(struct exchange *ex)
{
	struct exchange **at = bucket_of(ex->front, ex->number);

	while (*at != ex)
		at = &(*at)->next;
	*at = ex->next;
	match_clear(&ex->match);
	mem_free(ex);
}

static void log_access(const struct exchange *ex, int status)
{
	LOG(status >= 500 ? LOG_WARN : LOG_DEBUG, "front.request", KV("method", ex->method),
	    KV("path", ex->match.path ? ex->match.path : "-"), KV("status", status), KV("bytes", ex->sent_bytes),
	    KV("ms", mono_ms() - ex->started_ms), KV("request", ex->id));
}

void exchange_done(struct exchange *ex)
{
	log_access(ex, ex->status);
	conn_forget_exchange(ex->conn);
	exchange_free(ex);
}

void exchange_gone(struct exchange *ex)
{
	struct evhttp_request *req = ex->req;

	log_access(ex, 499);
	if (ex->on_gone)
		ex->on_gone(ex);
	exchange_free(ex);
	/* A request that its connection dropped in mid-reply is nobody's but ours; this frees it. */
	if (!evhttp_request_get_connection(req))
		evhttp_send_reply_end(req);
}
