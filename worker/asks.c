/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/asks.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "common/mem.h"

#define GIVEN_UP_MAX 64

/* On the stack of the thread that waits. */
struct ask {
	struct ask *next;
	struct wire_credential_request request;
	struct wire_credential answer;
	bool is_sent, is_answered, is_given_up;
};

struct asks {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int timeout_ms;
	void (*on_new)(void *arg);
	void *arg;
	int64_t last_request;
	struct ask *first;
	int64_t given_up[GIVEN_UP_MAX]; /* attempts; a ring, as many as can be held at once */
	unsigned given_up_count;
};

struct asks *asks_new(int timeout_ms, void (*on_new)(void *arg), void *arg)
{
	struct asks *asks = mem_alloc(sizeof(*asks));
	pthread_condattr_t attr;

	pthread_mutex_init(&asks->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&asks->changed, &attr);
	pthread_condattr_destroy(&attr);
	asks->timeout_ms = timeout_ms;
	asks->on_new = on_new;
	asks->arg = arg;
	return asks;
}

void asks_free(struct asks *asks)
{
	if (!asks)
		return;
	pthread_cond_destroy(&asks->changed);
	pthread_mutex_destroy(&asks->lock);
	mem_free(asks);
}

static void deadline(int timeout_ms, struct timespec *ret)
{
	clock_gettime(CLOCK_MONOTONIC, ret);
	ret->tv_sec += timeout_ms / 1000;
	ret->tv_nsec += (long)(timeout_ms % 1000) * 1000000;
	if (ret->tv_nsec >= 1000000000) {
		ret->tv_sec++;
		ret->tv_nsec -= 1000000000;
	}
}

static bool is_given_up(const struct asks *asks, int64_t attempt)
{
	for (size_t i = 0; i < GIVEN_UP_MAX; i++) {
		if (asks->given_up[i] == attempt)
			return true;
	}
	return false;
}

static void unlink_ask(struct asks *asks, const struct ask *ask)
{
	struct ask **link = &asks->first;

	while (*link != ask)
		link = &(*link)->next;
	*link = ask->next;
}

int asks_wait(struct asks *asks, int64_t attempt, const char *host, struct wire_credential *ret, struct error *err)
{
	struct ask ask = { .request = { .attempt = attempt } };
	struct timespec until;
	int rc = 0;

	if (text_copy(ask.request.host, sizeof(ask.request.host), host) < 0)
		return error_set(err, ERR_INVALID, "credential for %.200s...: the host name is too long", host);
	deadline(asks->timeout_ms, &until);
	pthread_mutex_lock(&asks->lock);
	ask.request.request = ++asks->last_request;
	ask.is_given_up = is_given_up(asks, attempt);
	ask.next = asks->first;
	asks->first = &ask;
	pthread_mutex_unlock(&asks->lock);
	asks->on_new(asks->arg);
	pthread_mutex_lock(&asks->lock);
	while (!ask.is_answered && !ask.is_given_up && rc != ETIMEDOUT)
		rc = pthread_cond_timedwait(&asks->changed, &asks->lock, &until);
	unlink_ask(asks, &ask);
	pthread_mutex_unlock(&asks->lock);
	if (ask.is_answered) {
		*ret = ask.answer;
		return 0;
	}
	if (ask.is_given_up)
		return error_set(err, ERR_UNAVAILABLE, "credential for %s: the attempt is cancelled", host);
	return error_set(err, ERR_UNAVAILABLE, "credential for %s: the coordinator did not answer in %d s", host,
			 asks->timeout_ms / 1000);
}

bool asks_next(struct asks *asks, struct wire_credential_request *ret_request)
{
	bool is_found = false;

	pthread_mutex_lock(&asks->lock);
	for (struct ask *ask = asks->first; ask && !is_found; ask = ask->next) {
		if (ask->is_sent)
			continue;
		ask->is_sent = is_found = true;
		*ret_request = ask->request;
	}
	pthread_mutex_unlock(&asks->lock);
	return is_found;
}

void asks_again(struct asks *asks)
{
	pthread_mutex_lock(&asks->lock);
	for (struct ask *ask = asks->first; ask; ask = ask->next)
		ask->is_sent = false;
	pthread_mutex_unlock(&asks->lock);
}

void asks_answer(struct asks *asks, struct wire_credential *credential)
{
	pthread_mutex_lock(&asks->lock);
	for (struct ask *ask = asks->first; ask; ask = ask->next) {
		if (ask->request.request != credential->request || ask->is_answered)
			continue;
		ask->answer = *credential;
		ask->is_answered = true;
		credential->secret = NULL;
		pthread_cond_broadcast(&asks->changed);
		break;
	}
	pthread_mutex_unlock(&asks->lock);
}

void asks_give_up(struct asks *asks, int64_t attempt)
{
	pthread_mutex_lock(&asks->lock);
	if (!is_given_up(asks, attempt))
		asks->given_up[asks->given_up_count++ % GIVEN_UP_MAX] = attempt;
	for (struct ask *ask = asks->first; ask; ask = ask->next) {
		if (ask->request.attempt == attempt)
			ask->is_given_up = true;
	}
	pthread_cond_broadcast(&asks->changed);
	pthread_mutex_unlock(&asks->lock);
}
