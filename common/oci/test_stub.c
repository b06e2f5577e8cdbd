/* SPDX-License-Identifier: Apache-2.0 */
#include "common/oci/test_stub.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/thread.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"

struct stub {
	const struct stub_step *steps;
	size_t count, next;
	struct event_base *base;
	struct evhttp *http;
	int port;
	char host[32];
	pthread_t thread;
	sem_t is_silent;
	struct buf wrong;
	struct buf bodies;
};

static void expand(const struct stub *stub, const char *text, struct buf *out)
{
	for (; text && *text; text++) {
		if (text[0] == '%' && text[1] == 'P') {
			buf_printf(out, "%d", stub->port);
			text++;
		} else {
			buf_append(out, text, 1);
		}
	}
}

static void add_headers(const struct stub *stub, const char *text, struct evkeyvalq *headers)
{
	struct buf all = { 0 };
	char *line, *rest;

	expand(stub, text, &all);
	rest = all.data;
	while ((line = strsep(&rest, "\n"))) {
		char *value = strstr(line, ": ");

		*value = '\0';
		evhttp_add_header(headers, line, value + 2);
	}
	buf_clear(&all);
}

static const char *method_of(struct evhttp_request *req)
{
	switch (evhttp_request_get_command(req)) {
	case EVHTTP_REQ_GET:
		return "GET";
	case EVHTTP_REQ_HEAD:
		return "HEAD";
	case EVHTTP_REQ_POST:
		return "POST";
	case EVHTTP_REQ_PUT:
		return "PUT";
	case EVHTTP_REQ_DELETE:
		return "DELETE";
	default:
		return "OTHER";
	}
}

static void keep_body(struct stub *stub, struct evhttp_request *req)
{
	struct evbuffer *in = evhttp_request_get_input_buffer(req);
	size_t len = evbuffer_get_length(in);

	if (len)
		buf_append(&stub->bodies, evbuffer_pullup(in, -1), len);
}

static void reply(struct stub *stub, const struct stub_step *step, struct evhttp_request *req)
{
	struct evbuffer *out = evbuffer_new();
	struct buf body = { 0 };

	expand(stub, step->body, &body);
	if (body.len)
		evbuffer_add(out, body.data, body.len);
	add_headers(stub, step->headers, evhttp_request_get_output_headers(req));
	evhttp_send_reply(req, step->status, "As told", out);
	evbuffer_free(out);
	buf_clear(&body);
}

static void on_request(struct evhttp_request *req, void *arg)
{
	struct stub *stub = arg;
	const struct stub_step *step = stub->next < stub->count ? &stub->steps[stub->next] : NULL;
	const char *auth = evhttp_find_header(evhttp_request_get_input_headers(req), "Authorization");
	struct buf line = { 0 };

	buf_printf(&line, "%s %s", method_of(req), evhttp_request_get_uri(req));
	keep_body(stub, req);
	auth = auth ? auth : "";
	if (!step || strncmp(line.data, step->request, strlen(step->request)) != 0 ||
	    (step->auth && strcmp(step->auth, auth) != 0)) {
		buf_printf(&stub->wrong, "step %zu was to be %s [%s], came %s [%s]\n", stub->next,
			   step ? step->request : "nothing", step && step->auth ? step->auth : "any", line.data, auth);
		evhttp_send_reply(req, 418, "Not told", NULL);
	} else {
		stub->next++;
		if (step->status)
			reply(stub, step, req);
		else
			sem_post(&stub->is_silent);
	}
	buf_clear(&line);
}

static void *serve(void *arg)
{
	struct stub *stub = arg;

	event_base_loop(stub->base, EVLOOP_NO_EXIT_ON_EMPTY);
	return NULL;
}

static void on_stop(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	event_base_loopbreak(arg);
}

struct stub *stub_start(const struct stub_step *steps, size_t count)
{
	struct stub *stub = mem_alloc(sizeof(*stub));
	struct evhttp_bound_socket *bound;
	struct sockaddr_in address;
	socklen_t len = sizeof(address);

	evthread_use_pthreads();
	sem_init(&stub->is_silent, 0, 0);
	stub->steps = steps;
	stub->count = count;
	stub->base = event_base_new();
	stub->http = evhttp_new(stub->base);
	evhttp_set_gencb(stub->http, on_request, stub);
	bound = evhttp_bind_socket_with_handle(stub->http, "127.0.0.1", 0);
	if (!bound || getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&address, &len) != 0)
		abort();
	stub->port = ntohs(address.sin_port);
	snprintf(stub->host, sizeof(stub->host), "127.0.0.1:%d", stub->port);
	if (pthread_create(&stub->thread, NULL, serve, stub) != 0)
		abort();
	return stub;
}

int stub_port(const struct stub *stub)
{
	return stub->port;
}

const char *stub_host(const struct stub *stub)
{
	return stub->host;
}

void stub_wait_for_silence(struct stub *stub)
{
	while (sem_wait(&stub->is_silent) != 0)
		;
}

char *stub_stop(struct stub *stub, struct buf *bodies)
{
	struct timeval at_once = { 0 };
	struct buf wrong;

	event_base_once(stub->base, -1, EV_TIMEOUT, on_stop, stub->base, &at_once);
	pthread_join(stub->thread, NULL);
	if (stub->next < stub->count)
		buf_printf(&stub->wrong, "step %zu, %s, never came\n", stub->next, stub->steps[stub->next].request);
	wrong = stub->wrong;
	if (bodies && stub->bodies.len)
		buf_append(bodies, stub->bodies.data, stub->bodies.len);
	buf_clear(&stub->bodies);
	evhttp_free(stub->http);
	event_base_free(stub->base);
	sem_destroy(&stub->is_silent);
	mem_free(stub);
	return buf_take(&wrong);
}
