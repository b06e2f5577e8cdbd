/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/front/front.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/log.h"
#include "common/mem.h"
#include "coordinator/front/conn.h"
#include "coordinator/front/contexts.h"
#include "coordinator/front/internal.h"
#include "coordinator/front/job_log.h"
#include "coordinator/front/listen.h"
#include "coordinator/front/reply.h"

enum note_kind { NOTE_REPLY, NOTE_ANNOUNCE, NOTE_LOG_GREW, NOTE_REASONS, NOTE_FULL, NOTE_READY, NOTE_CONTEXT };

/* What other threads tell the front's. */
struct note {
	struct message message;
	enum note_kind kind;
	union {
		struct { int64_t request, build; struct error err; } reply; /* err.code 0: done */
		struct { int64_t build, job; } announce;
		struct { int64_t attempt, bytes; } log_grew;
		struct { struct wait_reason *list; size_t count; } reasons;
		bool flag;
		struct context_put context;
	};
};

static void note_free(struct message *message)
{
	struct note *note = (struct note *)message;

	if (note->kind == NOTE_REASONS)
		mem_free(note->reasons.list);
	mem_free(note);
}

static struct note *note_new(enum note_kind kind)
{
	struct note *note = mem_alloc(sizeof(*note));

	note->message.free = note_free;
	note->kind = kind;
	return note;
}

static void take_reply(struct front *front, const struct note *note)
{
	struct exchange *ex = exchange_find(front, note->reply.request);

	if (!ex || !ex->on_core_reply)
		return; /* its client left */
	if (note->reply.err.code)
		reply_error(ex, &note->reply.err);
	else
		ex->on_core_reply(ex, note->reply.build);
}

static void take_context(struct front *front, const struct note *note)
{
	struct exchange *ex = exchange_find(front, note->context.number);

	if (ex)
		contexts_put_done(ex, &note->context);
}

static void take_reasons(struct front *front, struct note *note)
{
	mem_free(front->reasons);
	front->reasons = TAKE(note->reasons.list);
	front->reason_count = note->reasons.count;
}

static void on_note(struct message *message, void *arg)
{
	struct front *front = arg;
	struct note *note = (struct note *)message;

	switch (note->kind) {
	case NOTE_REPLY:
		take_reply(front, note);
		break;
	case NOTE_ANNOUNCE:
		job_log_announce(front, note->announce.build, note->announce.job);
		break;
	case NOTE_LOG_GREW:
		job_log_grew(front, note->log_grew.attempt, note->log_grew.bytes);
		break;
	case NOTE_REASONS:
		take_reasons(front, note);
		break;
	case NOTE_FULL:
		front->is_full = note->flag;
		break;
	case NOTE_READY:
		front->is_ready = note->flag;
		break;
	case NOTE_CONTEXT:
		take_context(front, note);
		break;
	}
	note_free(message);
}

static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
	struct front *front = arg;
	int64_t now = mono_ms();

	(void)fd;
	(void)what;
	conn_sweep(front, now);
	job_log_sweep(front, now);
	conn_resume_accepting(front);
}

/* No file descriptor left, usually. Until the next sweep nobody is accepted; else this would spin. */
static void on_accept_error(struct evconnlistener *listener, void *arg)
{
	int error = EVUTIL_SOCKET_ERROR();

	(void)arg;
	LOG(LOG_ERROR, "front.accept_failed", KV("why", evutil_socket_error_to_string(error)));
	evconnlistener_disable(listener);
}

static void on_context_put(const struct context_put *put, void *arg)
{
	struct front *front = arg;
	struct note *note = note_new(NOTE_CONTEXT);

	note->context = *put;
	loop_post(front->loop, &note->message);
}

static int open_http(struct front *front, struct error *err)
{
	struct event_base *base = loop_base(front->loop);
	unsigned flags = LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC;
	int fd;

	front->http = evhttp_new(base);
	if (!front->http)
		return error_set(err, ERR_NO_MEMORY, "HTTP server: out of memory");
	evhttp_set_allowed_methods(front->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST | EVHTTP_REQ_PUT |
				   EVHTTP_REQ_PATCH | EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS);
	/* Above our own limit, so that ours answers. */
	evhttp_set_max_headers_size(front->http, 2 * HEAD_BYTES_MAX);
	evhttp_set_max_body_size(front->http, (ev_ssize_t)front->config.context_max_bytes);
	conn_guard(front);
	if (listen_open(front->config.listen, &fd, &front->port, err) < 0)
		return -1;
	front->listener = evconnlistener_new(base, NULL, NULL, flags, 0, fd);
	if (!front->listener || !evhttp_bind_listener(front->http, front->listener)) {
		close(fd);
		return error_set(err, ERR_NO_MEMORY, "HTTP server: out of memory");
	}
	evconnlistener_set_error_cb(front->listener, on_accept_error);
	return 0;
}

static int start_sweep(struct front *front, struct error *err)
{
	struct timeval second = { .tv_sec = 1 };

	front->sweep = event_new(loop_base(front->loop), -1, EV_PERSIST, on_sweep, front);
	if (!front->sweep || event_add(front->sweep, &second) < 0)
		return error_set(err, ERR_NO_MEMORY, "HTTP server: out of memory");
	return 0;
}

static void name_run(struct front *front)
{
	unsigned value = 0;

	if (getrandom(&value, sizeof(value), 0) != sizeof(value))
		value = (unsigned)getpid();
	snprintf(front->run_id, sizeof(front->run_id), "%08x", value);
}

static int open_all(struct front *front, struct error *err)
{
	if (loop_new(on_note, front, &front->loop, err) < 0 ||
	    reader_open(front->dir, &front->reader, err) < 0 ||
	    context_store_start(front->dir, on_context_put, front, &front->contexts, err) < 0 ||
	    open_http(front, err) < 0 || start_sweep(front, err) < 0)
		return error_wrap(err, "front");
	return 0;
}

static void front_free(struct front *front)
{
	context_store_stop(front->contexts);
	if (front->sweep)
		event_free(front->sweep);
	/* Connections end here; on_close of each looks at the listener, which goes with http too. */
	if (front->http) {
		front->listener = NULL;
		evhttp_free(front->http);
	}
	reader_close(front->reader);
	loop_free(front->loop);
	mem_free(front->reasons);
	mem_free(front->conns_by_fd);
	mem_free(front->dir);
	mem_free(front);
}

static void *run(void *arg)
{
	struct front *front = arg;
	struct error err;

	if (loop_run(front->loop, &err) < 0) {
		LOG(LOG_ERROR, "front.loop_failed", KV("why", err.msg));
		abort();
	}
	return NULL;
}

int front_start(const struct front_config *config, struct front **ret_front, struct error *err)
{
	struct front *front = mem_alloc(sizeof(*front));
	int rc;

	front->config = *config;
	front->dir = mem_strdup(config->dir);
	name_run(front);
	if (open_all(front, err) < 0) {
		front_free(front);
		return -1;
	}
	rc = pthread_create(&front->thread, NULL, run, front);
	if (rc) {
		front_free(front);
		return error_set(err, ERR_NO_MEMORY, "front: start thread: %s", strerror(rc));
	}
	*ret_front = front;
	return 0;
}

void front_stop(struct front *front)
{
	if (!front)
		return;
	loop_stop(front->loop);
	pthread_join(front->thread, NULL);
	front_free(front);
}

int front_port(const struct front *front)
{
	return front->port;
}

void front_reply(struct front *front, int64_t request, int64_t build, enum err_code code, const char *message)
{
	struct note *note = note_new(NOTE_REPLY);

	note->reply.request = request;
	note->reply.build = build;
	if (code)
		error_set(&note->reply.err, code, "%s", message);
	loop_post(front->loop, &note->message);
}

void front_announce(struct front *front, int64_t build, int64_t job, int64_t attempt)
{
	struct note *note = note_new(NOTE_ANNOUNCE);

	(void)attempt; /* followers look at the job's rows */
	note->announce.build = build;
	note->announce.job = job;
	loop_post(front->loop, &note->message);
}

void front_log_grew(struct front *front, int64_t attempt, int64_t durable_bytes)
{
	struct note *note = note_new(NOTE_LOG_GREW);

	note->log_grew.attempt = attempt;
	note->log_grew.bytes = durable_bytes;
	loop_post(front->loop, &note->message);
}

void front_set_reasons(struct front *front, struct wait_reason *list, size_t count)
{
	struct note *note = note_new(NOTE_REASONS);

	note->reasons.list = list;
	note->reasons.count = count;
	loop_post(front->loop, &note->message);
}

static void post_flag(struct front *front, enum note_kind kind, bool flag)
{
	struct note *note = note_new(kind);

	note->flag = flag;
	loop_post(front->loop, &note->message);
}

void front_set_full(struct front *front, bool is_full)
{
	post_flag(front, NOTE_FULL, is_full);
}

void front_set_ready(struct front *front, bool is_ready)
{
	post_flag(front, NOTE_READY, is_ready);
}
