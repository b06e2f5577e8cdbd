/* SPDX-License-Identifier: Apache-2.0 */
#include "common/mailbox.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "common/mem.h"

struct mailbox {
	pthread_mutex_t lock;
	pthread_cond_t filled;
	struct message *first;
	struct message **end;
	void (*wake)(void *arg);
	void *arg;
};

struct mailbox *mailbox_new(void (*wake)(void *arg), void *arg)
{
	struct mailbox *box = mem_alloc(sizeof(*box));
	pthread_condattr_t attr;

	pthread_mutex_init(&box->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&box->filled, &attr);
	pthread_condattr_destroy(&attr);
	box->end = &box->first;
	box->wake = wake;
	box->arg = arg;
	return box;
}

void mailbox_free(struct mailbox *box)
{
	struct message *next;

	if (!box)
		return;
	for (struct message *msg = box->first; msg; msg = next) {
		next = msg->next;
		if (msg->free)
			msg->free(msg);
	}
	pthread_cond_destroy(&box->filled);
	pthread_mutex_destroy(&box->lock);
	mem_free(box);
}

void mailbox_post(struct mailbox *box, struct message *msg)
{
	int was_empty;

	msg->next = NULL;
	pthread_mutex_lock(&box->lock);
	was_empty = !box->first;
	*box->end = msg;
	box->end = &msg->next;
	pthread_cond_signal(&box->filled);
	/* Inside the lock, so that a receiver that empties the box cannot free it under us. */
	if (was_empty && box->wake)
		box->wake(box->arg);
	pthread_mutex_unlock(&box->lock);
}

static struct message *take_locked(struct mailbox *box)
{
	struct message *first = box->first;

	box->first = NULL;
	box->end = &box->first;
	return first;
}

struct message *mailbox_take(struct mailbox *box)
{
	struct message *first;

	pthread_mutex_lock(&box->lock);
	first = take_locked(box);
	pthread_mutex_unlock(&box->lock);
	return first;
}

struct message *mailbox_wait(struct mailbox *box)
{
	struct message *first;

	pthread_mutex_lock(&box->lock);
	while (!box->first)
		pthread_cond_wait(&box->filled, &box->lock);
	first = take_locked(box);
	pthread_mutex_unlock(&box->lock);
	return first;
}

struct message *mailbox_wait_until(struct mailbox *box, int64_t mono_ms)
{
	struct timespec until = { .tv_sec = mono_ms / 1000, .tv_nsec = mono_ms % 1000 * 1000000 };
	struct message *first;

	pthread_mutex_lock(&box->lock);
	while (!box->first) {
		if (pthread_cond_timedwait(&box->filled, &box->lock, &until) == ETIMEDOUT)
			break;
	}
	first = take_locked(box);
	pthread_mutex_unlock(&box->lock);
	return first;
}
