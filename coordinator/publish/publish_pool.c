/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/publish/publish_pool.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "common/fault.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/oci/registry.h"
#include "coordinator/publish/publish.h"

struct item {
	struct item *next;
	struct publish_order *order;
};

/* One thread, and the registry it spoke with last: the next step is mostly for the same one. */
struct hand {
	struct publish_pool *pool;
	pthread_t thread;
	struct registry *registry;    /* changed only by the thread, under the pool's lock */
	char host[REPOSITORY_MAX];
	struct credential credential; /* what it was opened with */
};

struct publish_pool {
	struct publish_pool_events events;
	char *ca_file;
	int tries_max, wait_ms;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct item *first, **last;
	bool is_stopping;
	struct hand hands[PUBLISH_POOL_THREADS];
	size_t hand_count;
};

static bool is_stopping(struct publish_pool *pool)
{
	bool answer;

	pthread_mutex_lock(&pool->lock);
	answer = pool->is_stopping;
	pthread_mutex_unlock(&pool->lock);
	return answer;
}

/* The next order, or NULL when the pool stops. */
static struct publish_order *wait_order(struct publish_pool *pool)
{
	struct publish_order *order = NULL;
	struct item *item = NULL;

	pthread_mutex_lock(&pool->lock);
	while (!pool->is_stopping && !pool->first)
		pthread_cond_wait(&pool->changed, &pool->lock);
	if (!pool->is_stopping) {
		item = pool->first;
		pool->first = item->next;
		if (!pool->first)
			pool->last = &pool->first;
		order = item->order;
	}
	pthread_mutex_unlock(&pool->lock);
	mem_free(item);
	return order;
}

static bool is_same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* A stop that comes before the new registry is seen finds is_stopping set here: none is left unaborted. */
static void hand_set_registry(struct hand *hand, struct registry *registry)
{
	struct registry *old;

	pthread_mutex_lock(&hand->pool->lock);
	old = hand->registry;
	hand->registry = registry;
	if (registry && hand->pool->is_stopping)
		registry_abort(registry);
	pthread_mutex_unlock(&hand->pool->lock);
	registry_close(old);
}

/* Takes credential. */
static int hand_open(struct hand *hand, const char *host, struct credential *credential, struct error *err)
{
	struct registry_options options = {
		.host = host,
		.username = credential->username,
		.password = credential->password,
		.ca_file = hand->pool->ca_file,
		.tries_max = hand->pool->tries_max,
		.wait_ms = hand->pool->wait_ms,
	};
	struct registry *registry;

	if (hand->registry && strcmp(hand->host, host) == 0 &&
	    is_same_text(hand->credential.username, credential->username) &&
	    is_same_text(hand->credential.password, credential->password)) {
		credential_clear(credential);
		return 0;
	}
	if (registry_open(&options, &registry, err) < 0) {
		credential_clear(credential);
		return -1;
	}
	hand_set_registry(hand, registry);
	credential_clear(&hand->credential);
	hand->credential = *credential;
	snprintf(hand->host, sizeof(hand->host), "%s", host);
	return 0;
}

static int hand_prepare(struct hand *hand, const struct publish_order *order, struct error *err)
{
	const struct publish_pool_events *events = &hand->pool->events;
	struct credential credential = { .username = NULL };
	char host[REPOSITORY_MAX], path[REPOSITORY_MAX];

	if (publish_split_repository(order->repository, host, path, err) < 0)
		return -1;
	if (events->credential(host, path, &credential, err, events->arg) < 0)
		return -1;
	return hand_open(hand, host, &credential, err);
}

static void hand_take(struct hand *hand, const struct publish_order *order)
{
	struct publish_pool *pool = hand->pool;
	struct publish_outcome outcome = { .publish = order->publish, .n = order->n };
	struct error err;

	if (hand_prepare(hand, order, &err) == 0) {
		publish_take_step(hand->registry, order, &outcome);
	} else {
		outcome.is_retryable = err.code == ERR_UNAVAILABLE;
		snprintf(outcome.reason, sizeof(outcome.reason), "%s", err.msg);
	}
	if (is_stopping(pool))
		return;
	LOG(outcome.is_ok ? LOG_INFO : LOG_WARN, outcome.is_ok ? "publish.step" : "publish.step_failed",
	    KV("publish", order->publish), KV("n", order->n), KV("kind", publish_step_kind_name(order->kind)),
	    KV("repository", order->repository), KV("reason", outcome.reason));
	pool->events.on_outcome(&outcome, pool->events.arg);
}

static void *work(void *arg)
{
	struct hand *hand = arg;
	struct publish_order *order;

	while ((order = wait_order(hand->pool))) {
		hand_take(hand, order);
		mem_free(order);
	}
	return NULL;
}

int publish_pool_start(const struct publish_pool_options *options, struct publish_pool **ret_pool,
		       struct error *err)
{
	CLEANUP(publish_pool_stopp) struct publish_pool *pool = mem_alloc(sizeof(*pool));

	pool->events = options->events;
	pool->ca_file = mem_strdup(options->ca_file);
	pool->tries_max = options->tries_max;
	pool->wait_ms = options->wait_ms;
	pool->last = &pool->first;
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->changed, NULL);
	for (size_t i = 0; i < PUBLISH_POOL_THREADS; i++) {
		struct hand *hand = &pool->hands[i];

		hand->pool = pool;
		if (FAULT() || pthread_create(&hand->thread, NULL, work, hand) != 0)
			return error_set(err, ERR_NO_MEMORY, "publish pool: the system gives no thread");
		pool->hand_count++;
	}
	*ret_pool = TAKE(pool);
	return 0;
}

void publish_pool_post(struct publish_pool *pool, struct publish_order *order)
{
	struct item *item = mem_alloc(sizeof(*item));

	item->order = order;
	pthread_mutex_lock(&pool->lock);
	*pool->last = item;
	pool->last = &item->next;
	pthread_cond_signal(&pool->changed);
	pthread_mutex_unlock(&pool->lock);
}

static void stop_hands(struct publish_pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	pool->is_stopping = true;
	for (size_t i = 0; i < pool->hand_count; i++) {
		if (pool->hands[i].registry)
			registry_abort(pool->hands[i].registry);
	}
	pthread_cond_broadcast(&pool->changed);
	pthread_mutex_unlock(&pool->lock);
	for (size_t i = 0; i < pool->hand_count; i++)
		pthread_join(pool->hands[i].thread, NULL);
}

void publish_pool_stop(struct publish_pool *pool)
{
	if (!pool)
		return;
	stop_hands(pool);
	for (size_t i = 0; i < pool->hand_count; i++) {
		registry_close(pool->hands[i].registry);
		credential_clear(&pool->hands[i].credential);
	}
	while (pool->first) {
		struct item *item = pool->first;

		pool->first = item->next;
		mem_free(item->order);
		mem_free(item);
	}
	pthread_cond_destroy(&pool->changed);
	pthread_mutex_destroy(&pool->lock);
	mem_free(pool->ca_file);
	mem_free(pool);
}
