/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection at a time. A try that libwebsockets never gives word of (it happens with a peer that
 * is frozen) is given up by a timer of ours; word that comes later is about a wsi that is no longer
 * ours, and ignored.
 */
#include "worker/link.h"

#include <libwebsockets.h>
#include <string.h>
#include <strings.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "worker/dial.h"

#define QUEUE_FRAMES_MAX 1024
#define QUEUE_BYTES_MAX (8u * 1024 * 1024)
#define PAUSE_MIN_MS 200
#define PAUSE_MAX_MS 30000
#define DIAL_TIMEOUT_S 10
#define FIRST_LEASE_S 30
#define RECEIVE_BYTES 8192

struct frame {
	struct frame *next;
	size_t len;
	unsigned char data[]; /* LWS_PRE, then the text */
};

struct link {
	struct dial_address address;
	char *token_file;
	char token[DIAL_TOKEN_MAX];
	struct link_ports ports;
	struct lws_context *context;
	struct lws *wsi;         /* NULL between two tries */
	bool is_up, is_hanging_up, is_over, is_stopped;
	struct frame *first, **end;
	size_t frame_count, frame_bytes;
	struct buf pieces;
	int64_t pause_ms;
	int64_t heard_ms, pinged_ms;
	int lease_s;
	lws_sorted_usec_list_t dial_timer, dial_limit, tick_timer;
	unsigned char out[LWS_PRE + SPOOL_FRAME_MAX];
};

static const lws_retry_bo_t no_pings_of_lws;

static void dial(lws_sorted_usec_list_t *sul);

static void frame_free(struct frame *frame)
{
	explicit_bzero(frame->data, LWS_PRE + frame->len);
	mem_free(frame);
}

static struct frame *frame_take(struct link *link)
{
	struct frame *frame = link->first;

	if (!frame)
		return NULL;
	link->first = frame->next;
	if (!link->first)
		link->end = &link->first;
	link->frame_count--;
	link->frame_bytes -= frame->len;
	return frame;
}

static void forget_queue(struct link *link)
{
	struct frame *frame;

	while ((frame = frame_take(link)))
		frame_free(frame);
	link->pieces.len = 0;
}

/* Half of the pause is chance, so that a fleet does not come back all at once. */
static void schedule_dial(struct link *link, int64_t pause_ms)
{
	uint32_t chance;

	if (link->is_over || link->is_hanging_up)
		return;
	if (pause_ms == 0) {
		pause_ms = link->pause_ms;
		link->pause_ms = pause_ms * 2 < PAUSE_MAX_MS ? pause_ms * 2 : PAUSE_MAX_MS;
	}
	lws_get_random(link->context, &chance, sizeof(chance));
	pause_ms = pause_ms / 2 + (int64_t)(chance % (uint32_t)(pause_ms / 2 + 1));
	lws_sul_schedule(link->context, 0, &link->dial_timer, dial, pause_ms * LWS_US_PER_MS);
}

/* The line is no longer ours, whatever becomes of its wsi. */
static void end_line(struct link *link, int64_t pause_ms, const char *why)
{
	bool was_up = link->is_up;

	link->wsi = NULL;
	link->is_up = false;
	lws_sul_cancel(&link->dial_limit);
	forget_queue(link);
	schedule_dial(link, pause_ms);
	LOG(was_up ? LOG_WARN : LOG_INFO, "link.down", KV("coordinator", link->address.text), KV("why", why));
	if (was_up)
		link->ports.on_down(link->ports.arg);
}

void link_redial(struct link *link, int pause_s, const char *why)
{
	struct lws *wsi = link->wsi;

	if (!wsi)
		return;
	end_line(link, (int64_t)pause_s * 1000, why);
	lws_set_timeout(wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
}

static void on_dial_limit(lws_sorted_usec_list_t *sul)
{
	link_redial(lws_container_of(sul, struct link, dial_limit), 0, "no answer to the dial");
}

static void dial(lws_sorted_usec_list_t *sul)
{
	struct link *link = lws_container_of(sul, struct link, dial_timer);
	struct lws_client_connect_info info = { 0 };
	struct lws *wsi;
	struct error err;

	if (dial_read_token(link->token_file, link->token, &err) < 0) {
		LOG(LOG_ERROR, "link.no-token", KV("error", err.msg));
		schedule_dial(link, PAUSE_MAX_MS);
		return;
	}
	info.context = link->context;
	info.address = link->address.host;
	info.port = link->address.port;
	info.path = WIRE_PATH;
	info.host = link->address.host_header;
	info.origin = link->address.host_header;
	info.protocol = WIRE_SUBPROTOCOL;
	info.ssl_connection = link->address.is_tls ? LCCSCF_USE_SSL : 0;
	info.retry_and_idle_policy = &no_pings_of_lws;
	info.pwsi = &link->wsi;
	lws_sul_schedule(link->context, 0, &link->dial_limit, on_dial_limit, DIAL_TIMEOUT_S * LWS_US_PER_SEC);
	wsi = lws_client_connect_via_info(&info);
	/* An error told during the call has ended the line already. */
	if (!wsi && link->wsi)
		end_line(link, 0, "cannot dial");
}

static int on_refused(struct link *link, struct lws *wsi, const char *text)
{
	unsigned int status = lws_http_client_http_response(wsi);

	if (status == 401 || status == 403) {
		LOG(LOG_ERROR, "link.token-refused", KV("coordinator", link->address.text),
		    KV("token_file", link->token_file), KV("status", status),
		    KV("remedy", "put a token with scope worker into the file; it is read again at the next try"));
		end_line(link, PAUSE_MAX_MS, "the token is refused");
	} else {
		end_line(link, 0, text ? text : "no connection");
	}
	return 0;
}

static int add_token(struct link *link, struct lws *wsi, unsigned char **p, size_t len)
{
	char value[DIAL_TOKEN_MAX + 8];
	int n = snprintf(value, sizeof(value), "Bearer %s", link->token);
	int rc = lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_AUTHORIZATION, (unsigned char *)value, n, p, *p + len);

	explicit_bzero(value, sizeof(value));
	return rc ? -1 : 0;
}

static void take_text(struct link *link)
{
	struct wire_message msg;
	struct error err;
	int rc = wire_decode(buf_text(&link->pieces), link->pieces.len, &msg, &err);

	if (rc < 0) {
		LOG(LOG_WARN, "link.bad-message", KV("error", err.msg));
		msg = (struct wire_message){ .type = WIRE_ERROR };
		snprintf(msg.error.reason, sizeof(msg.error.reason), "%s", err.msg);
		link_send(link, &msg);
		return;
	}
	if (rc == WIRE_UNKNOWN_TYPE)
		link_send(link, &msg);
	else
		link->ports.on_message(&msg, link->ports.arg);
	wire_message_clear(&msg);
}

static int on_receive(struct link *link, const void *piece, size_t len)
{
	link->heard_ms = clock_mono_ms();
	if (lws_is_first_fragment(link->wsi))
		link->pieces.len = 0;
	if (link->pieces.len + len > WIRE_TEXT_MAX) {
		lws_close_reason(link->wsi, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, NULL, 0);
		return -1;
	}
	buf_append(&link->pieces, piece, len);
	if (!lws_is_final_fragment(link->wsi) || lws_remaining_packet_payload(link->wsi) > 0)
		return 0;
	take_text(link);
	/* It may have brought a secret. */
	if (link->pieces.cap > 0)
		explicit_bzero(link->pieces.data, link->pieces.cap);
	link->pieces.len = 0;
	return 0;
}

/* Messages first, then one piece of a log: neither waits for the other for longer than a frame. */
static int on_writable(struct link *link)
{
	struct frame *frame = frame_take(link);
	size_t len;
	int rc = 0;

	if (frame) {
		rc = lws_write(link->wsi, frame->data + LWS_PRE, frame->len, LWS_WRITE_TEXT);
		frame_free(frame);
	} else if (link->is_hanging_up) {
		lws_close_reason(link->wsi, LWS_CLOSE_STATUS_NORMAL, NULL, 0);
		return -1;
	} else if (clock_mono_ms() - link->pinged_ms >= link->lease_s * 1000 / 4) {
		link->pinged_ms = clock_mono_ms();
		memcpy(link->out + LWS_PRE, "ping", 4);
		rc = lws_write(link->wsi, link->out + LWS_PRE, 4, LWS_WRITE_PING);
	} else if (link->ports.next_frame(link->out + LWS_PRE, &len, link->ports.arg)) {
		rc = lws_write(link->wsi, link->out + LWS_PRE, len, LWS_WRITE_BINARY);
	} else {
		return 0;
	}
	if (rc < 0)
		return -1;
	lws_callback_on_writable(link->wsi);
	return 0;
}

static int on_established(struct link *link)
{
	lws_sul_cancel(&link->dial_limit);
	link->is_up = true;
	link->lease_s = FIRST_LEASE_S;
	link->heard_ms = link->pinged_ms = clock_mono_ms();
	LOG(LOG_INFO, "link.up", KV("coordinator", link->address.text));
	link->ports.on_up(link->ports.arg);
	return 0;
}

static int on_line_event(struct link *link, struct lws *wsi, enum lws_callback_reasons reason, void *in, size_t len)
{
	switch (reason) {
	case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
		return add_token(link, wsi, in, len);
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
		return on_refused(link, wsi, in);
	case LWS_CALLBACK_CLIENT_ESTABLISHED:
		return on_established(link);
	case LWS_CALLBACK_CLIENT_RECEIVE:
		return on_receive(link, in, len);
	case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
		link->heard_ms = clock_mono_ms();
		return 0;
	case LWS_CALLBACK_CLIENT_WRITEABLE:
		return on_writable(link);
	case LWS_CALLBACK_CLIENT_CLOSED:
		end_line(link, 0, "the connection ended");
		return 0;
	default:
		return 0;
	}
}

static int on_lws_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	struct link *link = lws_context_user(lws_get_context(wsi));

	(void)user;
	if (reason == LWS_CALLBACK_EVENT_WAIT_CANCELLED) {
		link->ports.on_wake(link->ports.arg);
		return 0;
	}
	if (wsi == link->wsi)
		return on_line_event(link, wsi, reason, in, len);
	/* A line given up. */
	return reason == LWS_CALLBACK_CLIENT_RECEIVE || reason == LWS_CALLBACK_CLIENT_WRITEABLE ||
	       reason == LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER ? -1 : 0;
}

static void on_tick(lws_sorted_usec_list_t *sul)
{
	struct link *link = lws_container_of(sul, struct link, tick_timer);
	int64_t silent_ms = clock_mono_ms() - link->heard_ms;

	lws_sul_schedule(link->context, 0, &link->tick_timer, on_tick, LWS_US_PER_SEC);
	if (link->is_up && silent_ms > (int64_t)link->lease_s * 1000)
		link_redial(link, 0, "the coordinator is silent");
	if (link->is_up)
		lws_callback_on_writable(link->wsi);
	link->ports.on_tick(link->ports.arg);
}

static void on_lws_line(int level, const char *line)
{
	char text[256];
	size_t len = strcspn(line, "\n");

	(void)level;
	snprintf(text, sizeof(text), "%.*s", (int)(len < 255 ? len : 255), line);
	LOG(LOG_WARN, "link.lws", KV("text", text));
}

int link_open(const struct link_settings *settings, const struct link_ports *ports, struct link **ret_link,
	      struct error *err)
{
	static const struct lws_protocols protocols[] = {
		{ .name = WIRE_SUBPROTOCOL, .callback = on_lws_event, .rx_buffer_size = RECEIVE_BYTES },
		{ 0 },
	};
	CLEANUP(link_closep) struct link *link = mem_alloc(sizeof(*link));
	struct lws_context_creation_info info = { 0 };

	if (dial_parse(settings->url, &link->address, err) < 0)
		return -1;
	link->token_file = mem_strdup(settings->token_file);
	link->ports = *ports;
	link->end = &link->first;
	link->pause_ms = PAUSE_MIN_MS;
	lws_set_log_level(LLL_ERR, on_lws_line);
	info.port = CONTEXT_PORT_NO_LISTEN;
	info.protocols = protocols;
	info.user = link;
	info.gid = info.uid = (__typeof__(info.uid))-1; /* int or uid_t, by version */
	info.retry_and_idle_policy = &no_pings_of_lws;
	info.timeout_secs = DIAL_TIMEOUT_S;
	info.connect_timeout_secs = DIAL_TIMEOUT_S;
	info.options = LWS_SERVER_OPTION_VALIDATE_UTF8 |
		       (link->address.is_tls ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT : 0);
	info.client_ssl_ca_filepath = settings->ca_file;
	link->context = dial_context(&info, &link->address);
	if (!link->context)
		return error_set(err, ERR_IO, "libwebsockets does not start%s%s", settings->ca_file ? "; is this a CA file? "
				 : "", settings->ca_file ? settings->ca_file : "");
	*ret_link = TAKE(link);
	return 0;
}

void link_close(struct link *link)
{
	if (!link)
		return;
	link->is_over = true;
	link->wsi = NULL;
	if (link->context)
		lws_context_destroy(link->context);
	forget_queue(link);
	buf_clear(&link->pieces);
	explicit_bzero(link->token, sizeof(link->token));
	mem_free(link->token_file);
	mem_free(link);
}

void link_run(struct link *link)
{
	lws_sul_schedule(link->context, 0, &link->dial_timer, dial, 1);
	lws_sul_schedule(link->context, 0, &link->tick_timer, on_tick, LWS_US_PER_SEC);
	while (!link->is_stopped && lws_service(link->context, 0) >= 0)
		;
}

void link_stop(struct link *link)
{
	link->is_stopped = true;
	lws_cancel_service(link->context);
}

void link_wake(struct link *link)
{
	lws_cancel_service(link->context);
}

bool link_is_up(const struct link *link)
{
	return link->is_up;
}

const char *link_token(const struct link *link)
{
	return link->token;
}

void link_send(struct link *link, const struct wire_message *msg)
{
	struct frame *frame;
	char *text;
	size_t len;

	if (!link->is_up)
		return;
	text = wire_encode(msg);
	len = strlen(text);
	frame = mem_alloc(sizeof(*frame) + LWS_PRE + len);
	frame->len = len;
	memcpy(frame->data + LWS_PRE, text, len);
	explicit_bzero(text, len);
	mem_free(text);
	*link->end = frame;
	link->end = &frame->next;
	link->frame_count++;
	link->frame_bytes += len;
	if (link->frame_count > QUEUE_FRAMES_MAX || link->frame_bytes > QUEUE_BYTES_MAX)
		link_redial(link, 0, "the coordinator does not read");
	else
		lws_callback_on_writable(link->wsi);
}

void link_has_frames(struct link *link)
{
	if (link->is_up)
		lws_callback_on_writable(link->wsi);
}

void link_settle(struct link *link, int lease_s)
{
	link->pause_ms = PAUSE_MIN_MS;
	link->lease_s = lease_s;
}

void link_hang_up(struct link *link)
{
	link->is_hanging_up = true;
	lws_sul_cancel(&link->dial_timer);
	if (link->is_up)
		lws_callback_on_writable(link->wsi);
	else if (link->wsi)
		link_redial(link, 0, "the worker stops");
}
