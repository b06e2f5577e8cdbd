/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/front/reply.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "common/mem.h"
#include "coordinator/front/auth.h"
#include "coordinator/front/conn.h"
#include "coordinator/front/exchange.h"

static const struct {
	int status;
	const char *phrase;
} phrases[] = {
	{ 200, "OK" }, { 201, "Created" }, { 202, "Accepted" }, { 206, "Partial Content" },
	{ 400, "Bad Request" }, { 401, "Unauthorized" }, { 403, "Forbidden" }, { 404, "Not Found" },
	{ 405, "Method Not Allowed" }, { 408, "Request Timeout" }, { 409, "Conflict" }, { 411, "Length Required" },
	{ 413, "Content Too Large" }, { 416, "Range Not Satisfiable" }, { 417, "Expectation Failed" },
	{ 431, "Request Header Fields Too Large" }, { 500, "Internal Server Error" }, { 501, "Not Implemented" },
	{ 503, "Service Unavailable" }, { 507, "Insufficient Storage" },
};

const char *status_phrase(int status)
{
	for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++) {
		if (phrases[i].status == status)
			return phrases[i].phrase;
	}
	return "Status";
}

int status_of_error(enum err_code code)
{
	static const int statuses[] = {
		[ERR_INTERNAL] = 500, [ERR_INVALID] = 400, [ERR_NOT_FOUND] = 404, [ERR_CONFLICT] = 409,
		[ERR_DENIED] = 403, [ERR_NO_MEMORY] = 503, [ERR_IO] = 500, [ERR_DATABASE] = 500,
		[ERR_FULL] = 507, [ERR_UNAVAILABLE] = 503,
	};

	if ((size_t)code >= sizeof(statuses) / sizeof(statuses[0]) || !statuses[code])
		return 500;
	return statuses[code];
}

void error_body(const char *code, const char *message, const char *request_id, struct buf *out)
{
	json_auto_t *root = json_object();
	json_t *error = json_object();
	/* Quotes what the client sent, which need not be UTF-8. */
	char safe[512];
	size_t len = 0;
	CLEANUP(mem_freep) char *text = NULL;

	for (; message[len] && len + 1 < sizeof(safe); len++)
		safe[len] = (unsigned char)message[len] < 0x80 ? message[len] : '?';
	safe[len] = '\0';
	json_object_set_new(error, "code", json_string(code));
	json_object_set_new(error, "message", json_string(safe));
	json_object_set_new(error, "request", json_string(request_id));
	json_object_set_new(root, "error", error);
	text = json_text(root);
	buf_puts(out, text);
	buf_puts(out, "\n");
}

void reply_header(struct exchange *ex, const char *name, const char *value)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(ex->req);

	evhttp_remove_header(headers, name);
	evhttp_add_header(headers, name, value);
}

static void usual_headers(struct exchange *ex, const char *type)
{
	reply_header(ex, "Content-Type", type);
	reply_header(ex, "X-Request-Id", ex->id);
	reply_header(ex, "Cache-Control", "no-store");
	reply_header(ex, "X-Content-Type-Options", "nosniff");
}

static void length_header(struct exchange *ex, int64_t bytes)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, bytes);
	reply_header(ex, "Content-Length", text);
}

static void reply_body(struct exchange *ex, int status, const char *type, const char *data, size_t len)
{
	struct evhttp_request *req = ex->req;
	struct evbuffer *body = NULL;

	usual_headers(ex, type);
	length_header(ex, (int64_t)len);
	if (!ex->is_head) {
		body = evbuffer_new();
		if (!body || evbuffer_add(body, data, len) < 0)
			abort();
		ex->sent_bytes = (int64_t)len;
	}
	ex->status = status;
	exchange_done(ex);
	evhttp_send_reply(req, status, status_phrase(status), body);
	if (body)
		evbuffer_free(body);
}

void reply_json(struct exchange *ex, int status, json_t *root)
{
	CLEANUP(buf_clear) struct buf body = { 0 };
	CLEANUP(mem_freep) char *text = json_text(root);

	json_decref(root);
	buf_puts(&body, text);
	buf_puts(&body, "\n");
	reply_body(ex, status, "application/json", body.data, body.len);
}

void reply_text(struct exchange *ex, int status, const char *text)
{
	reply_body(ex, status, "text/plain; charset=utf-8", text, strlen(text));
}

void reply_length_only(struct exchange *ex, int status, const char *type, int64_t bytes)
{
	struct evhttp_request *req = ex->req;

	usual_headers(ex, type);
	if (bytes >= 0)
		length_header(ex, bytes);
	ex->status = status;
	exchange_done(ex);
	evhttp_send_reply(req, status, status_phrase(status), NULL);
}

static void reply_problem(struct exchange *ex, int status, const char *code, const char *message)
{
	CLEANUP(buf_clear) struct buf body = { 0 };

	error_body(code, message, ex->id, &body);
	reply_body(ex, status, "application/json", body.data, body.len);
}

void reply_error(struct exchange *ex, const struct error *err)
{
	int status = status_of_error(err->code);

	if (status == 500)
		LOG(LOG_ERROR, "front.failed", KV("request", ex->id), KV("why", err->msg));
	reply_problem(ex, status, err_code_name(err->code), err->msg);
}

void reply_refusal(struct exchange *ex, const struct refusal *refusal)
{
	if (refusal->status == 401)
		reply_header(ex, "WWW-Authenticate", AUTH_CHALLENGE);
	if (refusal->allow[0])
		reply_header(ex, "Allow", refusal->allow);
	reply_problem(ex, refusal->status, refusal->code, refusal->message);
}

void stream_start(struct exchange *ex, int status, const char *type, int64_t bytes)
{
	usual_headers(ex, type);
	if (bytes >= 0)
		length_header(ex, bytes);
	else
		reply_header(ex, "Connection", "close"); /* how HTTP/1.0 knows the end */
	ex->status = status;
	evhttp_send_reply_start(ex->req, status, status_phrase(status));
}

static void on_piece_sent(struct evhttp_connection *evcon, void *arg)
{
	struct exchange *ex = arg;

	(void)evcon;
	ex->on_sent(ex);
}

void stream_send(struct exchange *ex, struct evbuffer *data, void (*on_sent)(struct exchange *ex))
{
	ex->sent_bytes += (int64_t)evbuffer_get_length(data);
	ex->on_sent = on_sent;
	evhttp_send_reply_chunk_with_cb(ex->req, data, on_piece_sent, ex);
}

void stream_end(struct exchange *ex)
{
	struct evhttp_request *req = ex->req;

	exchange_done(ex);
	evhttp_send_reply_end(req);
}

void stream_abort(struct exchange *ex)
{
	conn_abort(ex->conn);
}
