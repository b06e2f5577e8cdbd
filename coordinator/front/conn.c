/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/front/conn.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <string.h>
#include <sys/socket.h>

#include "common/log.h"
#include "common/mem.h"
#include "coordinator/front/auth.h"
#include "coordinator/front/exchange.h"
#include "coordinator/front/head.h"
#include "coordinator/front/reply.h"

#define INPUT_MAX 65536          /* bytes that wait while a reply is being written */
#define LINGER_MS 2000           /* a refused client may go on sending so long: a reset could cost it the answer */

/*
 * head -> body -> busy -> head ...: waits for a whole head, for evhttp to have the body, for the
 * reply to be sent. refused: our answer is on its way, evhttp has no part in the connection any more.
 */
enum conn_state { CONN_HEAD, CONN_BODY, CONN_BUSY, CONN_REFUSED };

struct conn {
	struct front *front;
	struct conn *next, **link;
	struct bufferevent *bev;
	struct evhttp_connection *evcon; /* NULL until on_tick ran first */
	struct event *tick;              /* one shot: right after accept, and after each reply */
	evutil_socket_t fd;
	enum conn_state state;
	bool must_rescan;                /* of the next head, what is in the input has not been read */
	int64_t deadline_ms;             /* 0: none */
	struct head head;
	struct match match;
	struct token_info token;
	struct refusal refusal;          /* status 0: it may go to its handler */
	struct exchange *exchange;
};

static void set_deadline(struct conn *conn, int64_t after_ms)
{
	conn->deadline_ms = mono_ms() + after_ms;
}

static void on_refusal_sent(struct bufferevent *bev, void *arg)
{
	struct conn *conn = arg;

	(void)bev;
	shutdown(conn->fd, SHUT_WR);
}

static void on_refused_end(struct bufferevent *bev, short what, void *arg)
{
	struct conn *conn = arg;

	(void)bev;
	(void)what;
	evhttp_connection_free(conn->evcon); /* conn is gone from here on */
}

static void write_refusal(struct conn *conn, const struct refusal *refusal, const char *id)
{
	struct evbuffer *out = bufferevent_get_output(conn->bev);
	CLEANUP(buf_clear) struct buf body = { 0 };

	error_body(refusal->code, refusal->message, id, &body);
	evbuffer_add_printf(out, "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
			    "Connection: close\r\nX-Request-Id: %s\r\n", refusal->status,
			    status_phrase(refusal->status), body.len, id);
	if (refusal->status == 401)
		evbuffer_add_printf(out, "WWW-Authenticate: %s\r\n", AUTH_CHALLENGE);
	if (refusal->allow[0])
		evbuffer_add_printf(out, "Allow: %s\r\n", refusal->allow);
	evbuffer_add(out, "\r\n", 2);
	if (strcmp(conn->head.method, "HEAD") != 0)
		evbuffer_add(out, body.data, body.len);
}

/* Answers past evhttp and closes. The input is drained at once, so evhttp finds nothing to parse. */
static void conn_refuse(struct conn *conn, const struct refusal *refusal)
{
	struct evbuffer *input = bufferevent_get_input(conn->bev);
	char id[32];

	exchange_number(conn->front, id);
	conn->state = CONN_REFUSED;
	set_deadline(conn, LINGER_MS);
	evbuffer_drain(input, evbuffer_get_length(input));
	bufferevent_setcb(conn->bev, NULL, on_refusal_sent, on_refused_end, conn);
	write_refusal(conn, refusal, id);
	bufferevent_enable(conn->bev, EV_READ | EV_WRITE);
	LOG(LOG_DEBUG, "front.refused", KV("status", refusal->status), KV("why", refusal->message), KV("request", id));
}

static void forget_head(struct conn *conn)
{
	head_clear(&conn->head);
	match_clear(&conn->match);
	memset(&conn->token, 0, sizeof(conn->token));
	conn->refusal.status = 0;
}

/* Who asks for what, and therefore how large its body may be. */
static void judge_head(struct conn *conn)
{
	const struct head *head = &conn->head;
	const struct front_config *config = &conn->front->config;
	int64_t limit = BODY_UNKNOWN_MAX;
	struct refusal too_large;

	if (route_find(head->method, head->target, &conn->match, &conn->refusal) == 0 &&
	    auth_check(conn->front, conn->match.route, head, &conn->token, &conn->refusal) == 0) {
		limit = conn->match.route->body_max;
		if (limit == BODY_CONTEXT)
			limit = config->context_max_bytes;
	}
	if (head->content_length > limit) {
		refuse(&too_large, 413, "too_large", "a body of %lld bytes; at most %lld bytes are taken here",
		       (long long)head->content_length, (long long)limit);
		conn_refuse(conn, conn->refusal.status ? &conn->refusal : &too_large);
		return;
	}
	evhttp_connection_set_max_body_size(conn->evcon, (ev_ssize_t)limit);
	/* evhttp leaves a body in the input until it is whole. */
	bufferevent_setwatermark(conn->bev, EV_READ, 0, INPUT_MAX + (size_t)head->content_length);
	conn->state = CONN_BODY;
}

/* Reads the head from offset of the input on. */
static void read_head(struct conn *conn, size_t offset)
{
	struct evbuffer *input = bufferevent_get_input(conn->bev);
	struct refusal refusal;
	struct evbuffer_ptr at;
	char data[4096];
	ev_ssize_t got;
	int rc = 0;

	while (rc == 0 && offset < evbuffer_get_length(input)) {
		if (!conn->head.raw.len)
			set_deadline(conn, conn->front->config.request_timeout_s * INT64_C(1000));
		evbuffer_ptr_set(input, &at, offset, EVBUFFER_PTR_SET);
		got = evbuffer_copyout_from(input, &at, data, sizeof(data));
		if (got <= 0)
			return;
		offset += (size_t)got;
		rc = head_feed(&conn->head, data, (size_t)got, &refusal);
	}
	if (rc == HEAD_COMPLETE)
		judge_head(conn);
	else if (rc < 0)
		conn_refuse(conn, &refusal);
}

static void rescan(struct conn *conn)
{
	conn->must_rescan = false;
	read_head(conn, 0);
}

/* Called as bytes come in, before evhttp looks at them. */
static void on_input(struct evbuffer *input, const struct evbuffer_cb_info *info, void *arg)
{
	struct conn *conn = arg;

	if (!info->n_added)
		return;
	if (conn->state == CONN_REFUSED) {
		evbuffer_drain(input, evbuffer_get_length(input));
	} else if (conn->state == CONN_HEAD && conn->must_rescan) {
		rescan(conn);
	} else if (conn->state == CONN_HEAD) {
		read_head(conn, evbuffer_get_length(input) - info->n_added);
	}
}

static void conn_free(struct conn *conn)
{
	struct front *front = conn->front;

	if (conn->next)
		conn->next->link = conn->link;
	*conn->link = conn->next;
	if ((size_t)conn->fd < front->fd_limit && front->conns_by_fd[conn->fd] == conn)
		front->conns_by_fd[conn->fd] = NULL;
	front->conn_count--;
	forget_head(conn);
	event_free(conn->tick);
	mem_free(conn);
	conn_resume_accepting(front);
}

/* From evhttp, while it frees the connection. */
static void on_close(struct evhttp_connection *evcon, void *arg)
{
	struct conn *conn = arg;

	(void)evcon;
	if (conn->exchange)
		exchange_gone(TAKE(conn->exchange));
	conn_free(conn);
}

static void remember_fd(struct conn *conn)
{
	struct front *front = conn->front;
	size_t want = (size_t)conn->fd + 1;

	if (want > front->fd_limit) {
		front->conns_by_fd = mem_realloc(front->conns_by_fd, 2 * want * sizeof(front->conns_by_fd[0]));
		memset(front->conns_by_fd + front->fd_limit, 0,
		       (2 * want - front->fd_limit) * sizeof(front->conns_by_fd[0]));
		front->fd_limit = 2 * want;
	}
	front->conns_by_fd[conn->fd] = conn;
}

/*
 * evhttp gives no way from a fresh bufferevent to its connection, but it is the argument of the
 * callbacks it has just set. Reading has its own deadlines here, so a quiet stream is not cut.
 */
static void take_over(struct conn *conn)
{
	struct timeval write_timeout = { .tv_sec = conn->front->config.idle_timeout_s };
	bufferevent_data_cb on_read, on_write;
	bufferevent_event_cb on_event;
	void *evcon;

	bufferevent_getcb(conn->bev, &on_read, &on_write, &on_event, &evcon);
	if (!evcon) {
		bufferevent_decref(conn->bev);
		conn_free(conn);
		return;
	}
	conn->evcon = evcon;
	conn->fd = bufferevent_getfd(conn->bev);
	remember_fd(conn);
	evhttp_connection_set_closecb(conn->evcon, on_close, conn);
	bufferevent_set_timeouts(conn->bev, NULL, &write_timeout);
	bufferevent_setwatermark(conn->bev, EV_READ, 0, INPUT_MAX);
	bufferevent_decref(conn->bev);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct conn *conn = arg;

	(void)fd;
	(void)what;
	if (!conn->evcon)
		take_over(conn); /* conn may be gone from here on */
	else if (conn->state == CONN_HEAD && conn->must_rescan)
		rescan(conn);
}

static struct bufferevent *on_accept(struct event_base *base, void *arg)
{
	struct front *front = arg;
	struct bufferevent *bev = bufferevent_socket_new(base, -1, 0);
	struct conn *conn;

	/* NULL makes evhttp use a bufferevent of its own, which nobody guards. */
	if (!bev)
		abort();
	conn = mem_alloc(sizeof(*conn));
	conn->front = front;
	conn->bev = bev;
	conn->fd = -1;
	conn->tick = event_new(base, -1, 0, on_tick, conn);
	if (!conn->tick || !evbuffer_add_cb(bufferevent_get_input(bev), on_input, conn))
		abort();
	bufferevent_incref(bev);
	conn->next = front->conns;
	conn->link = &front->conns;
	if (conn->next)
		conn->next->link = &conn->next;
	front->conns = conn;
	set_deadline(conn, front->config.idle_timeout_s * INT64_C(1000));
	if (++front->conn_count >= front->config.connections_max)
		evconnlistener_disable(front->listener);
	event_active(conn->tick, EV_TIMEOUT, 0);
	return bev;
}

/* From evhttp, when a reply has been sent; it frees the connection next or reads the next head. */
static void on_complete(struct evhttp_request *req, void *arg)
{
	struct conn *conn = arg;

	(void)req;
	forget_head(conn);
	conn->state = CONN_HEAD;
	conn->must_rescan = true;
	set_deadline(conn, conn->front->config.idle_timeout_s * INT64_C(1000));
	event_active(conn->tick, EV_TIMEOUT, 0);
}

static void on_request(struct evhttp_request *req, void *arg)
{
	struct front *front = arg;
	struct bufferevent *bev = evhttp_connection_get_bufferevent(evhttp_request_get_connection(req));
	size_t fd = (size_t)bufferevent_getfd(bev);
	struct conn *conn = fd < front->fd_limit ? front->conns_by_fd[fd] : NULL;
	struct exchange *ex;

	/* A request whose head did not pass us must not exist; if it does, it gets nowhere. */
	if (!conn || conn->state != CONN_BODY) {
		evhttp_send_error(req, 400, NULL);
		return;
	}
	conn->state = CONN_BUSY;
	conn->deadline_ms = 0;
	bufferevent_setwatermark(conn->bev, EV_READ, 0, INPUT_MAX);
	ex = exchange_new(front, conn, req);
	memcpy(ex->method, conn->head.method, sizeof(ex->method));
	ex->is_head = !strcmp(ex->method, "HEAD");
	ex->match = conn->match;
	memset(&conn->match, 0, sizeof(conn->match));
	ex->token = conn->token;
	ex->project = ex->token.scopes & SCOPE_ADMIN ? 0 : ex->token.project;
	conn->exchange = ex;
	evhttp_request_set_on_complete_cb(req, on_complete, conn);
	if (conn->refusal.status)
		reply_refusal(ex, &conn->refusal);
	else
		auth_admit(ex);
}

void conn_guard(struct front *front)
{
	evhttp_set_bevcb(front->http, on_accept, front);
	evhttp_set_gencb(front->http, on_request, front);
}

void conn_resume_accepting(struct front *front)
{
	if (front->listener && front->conn_count < front->config.connections_max)
		evconnlistener_enable(front->listener);
}

static void end_late(struct conn *conn)
{
	struct refusal late;

	if ((conn->state == CONN_HEAD && conn->head.raw.len) || conn->state == CONN_BODY) {
		refuse(&late, 408, "timeout", "the request was not complete after %d s",
		       conn->front->config.request_timeout_s);
		conn_refuse(conn, &late);
		return;
	}
	evhttp_connection_free(conn->evcon);
}

void conn_sweep(struct front *front, int64_t now_ms)
{
	struct conn *next;

	for (struct conn *conn = front->conns; conn; conn = next) {
		next = conn->next;
		if (conn->evcon && conn->deadline_ms && now_ms >= conn->deadline_ms)
			end_late(conn); /* conn may be gone from here on */
	}
}

void conn_abort(struct conn *conn)
{
	evhttp_connection_free(conn->evcon);
}

void conn_forget_exchange(struct conn *conn)
{
	conn->exchange = NULL;
}
