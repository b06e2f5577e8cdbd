/* SPDX-License-Identifier: Apache-2.0 */
#include "common/loop.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/fault.h"
#include "common/mem.h"

struct loop {
	struct event_base *base;
	struct event *wake;
	struct mailbox *box;
	int wake_fd;
	atomic_bool is_stopping;
	void (*on_message)(struct message *msg, void *arg);
	void *arg;
};

/* An eventfd write fails only when its counter is full, and then a wake is waiting anyway. */
static void wake_loop(void *arg)
{
	struct loop *loop = arg;
	uint64_t one = 1;
	ssize_t written = write(loop->wake_fd, &one, sizeof(one));

	(void)written;
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
	struct loop *loop = arg;
	/* Before the box is emptied: what is posted in between has already been counted. */
	bool is_stopping = atomic_load(&loop->is_stopping);
	struct message *next;
	uint64_t count;
	ssize_t got = read(fd, &count, sizeof(count));

	(void)got;
	(void)what;
	for (struct message *msg = mailbox_take(loop->box); msg; msg = next) {
		next = msg->next;
		loop->on_message(msg, loop->arg);
	}
	if (is_stopping)
		event_base_loopbreak(loop->base);
}

static int watch_mailbox(struct loop *loop, struct error *err)
{
	loop->wake_fd = FAULT() ? -1 : eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (loop->wake_fd < 0)
		return error_set(err, ERR_IO, "event loop: eventfd: %s", strerror(errno));
	loop->base = FAULT() ? NULL : event_base_new();
	if (!loop->base)
		return error_set(err, ERR_IO, "event loop: no way to wait for events");
	loop->wake = FAULT() ? NULL : event_new(loop->base, loop->wake_fd, EV_READ | EV_PERSIST, on_wake, loop);
	if (!loop->wake || event_add(loop->wake, NULL) < 0)
		return error_set(err, ERR_NO_MEMORY, "event loop: out of memory");
	return 0;
}

int loop_new(void (*on_message)(struct message *msg, void *arg), void *arg, struct loop **ret_loop,
	     struct error *err)
{
	CLEANUP(loop_freep) struct loop *loop = mem_alloc(sizeof(*loop));

	loop->on_message = on_message;
	loop->arg = arg;
	loop->wake_fd = -1;
	loop->box = mailbox_new(wake_loop, loop);
	if (watch_mailbox(loop, err) < 0)
		return -1;
	*ret_loop = TAKE(loop);
	return 0;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	mailbox_free(loop->box);
	if (loop->wake)
		event_free(loop->wake);
	if (loop->base)
		event_base_free(loop->base);
	if (loop->wake_fd >= 0)
		close(loop->wake_fd);
	mem_free(loop);
}

struct event_base *loop_base(struct loop *loop)
{
	return loop->base;
}

void loop_post(struct loop *loop, struct message *msg)
{
	mailbox_post(loop->box, msg);
}

int loop_run(struct loop *loop, struct error *err)
{
	if (event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY) < 0)
		return error_set(err, ERR_IO, "event loop: waiting for events failed");
	return 0;
}

void loop_stop(struct loop *loop)
{
	atomic_store(&loop->is_stopping, true);
	wake_loop(loop);
}
