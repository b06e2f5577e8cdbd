/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/sessions/session.h"

#include <inttypes.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"

#define QUEUE_FRAMES_MAX 256
#define QUEUE_BYTES_MAX (4u * 1024 * 1024)
#define BAD_MESSAGES_MAX 3
#define KEPT_BUFFER_BYTES (16u * 1024)

struct frame {
	struct frame *next;
	size_t len;
	unsigned char data[]; /* LWS_PRE bytes, which lws writes into, then the text */
};

struct session {
	int64_t id;
	struct lws *wsi;
	const struct session_world *world;
	struct frame *first, **end;
	size_t frame_count, frame_bytes;
	struct buf pieces; /* of the frame that is coming in */
	struct grant_list grants;
	int64_t heard_ms;
	int bad_count;
	bool has_hello, wants_ping;
	bool is_killed;  /* nothing is read or written any more */
	enum lws_close_status closing; /* LWS_CLOSE_STATUS_NOSTATUS: it goes on */
	char why[128];
	char worker[WORKER_NAME_MAX];
	char peer[64];
};

struct session *session_new(struct lws *wsi, int64_t id, const struct session_world *world)
{
	struct session *session = mem_alloc(sizeof(*session));

	session->id = id;
	session->wsi = wsi;
	session->world = world;
	session->end = &session->first;
	session->grants.owner = session;
	session->heard_ms = clock_mono_ms();
	session->closing = LWS_CLOSE_STATUS_NOSTATUS;
	lws_get_peer_simple(wsi, session->peer, sizeof(session->peer));
	LOG(LOG_INFO, "session.opened", KV("session", id), KV("peer", session->peer));
	return session;
}

int64_t session_id(const struct session *session)
{
	return session->id;
}

/* A frame may hold a secret. */
static void frame_free(struct frame *frame)
{
	explicit_bzero(frame->data, LWS_PRE + frame->len);
	mem_free(frame);
}

static struct frame *frame_take(struct session *session)
{
	struct frame *frame = session->first;

	if (!frame)
		return NULL;
	session->first = frame->next;
	if (!session->first)
		session->end = &session->first;
	session->frame_count--;
	session->frame_bytes -= frame->len;
	return frame;
}

void session_free(struct session *session)
{
	const struct sessions_config *config;
	struct core_event *event;
	struct frame *frame;

	if (!session)
		return;
	config = session->world->config;
	while ((frame = frame_take(session)))
		frame_free(frame);
	grant_list_clear(session->world->grants, &session->grants);
	buf_clear(&session->pieces);
	if (!session->why[0])
		text_copy(session->why, sizeof(session->why), "the connection ended");
	LOG(LOG_INFO, "session.closed", KV("session", session->id), KV("worker", session->worker),
	    KV("why", session->why));
	event = mem_alloc(sizeof(*event));
	event->type = EVENT_LEFT;
	event->left.session = session->id;
	text_copy(event->left.why, sizeof(event->left.why), session->why);
	config->on_event(event, config->arg);
	mem_free(session);
}

/* Not by a close frame: whoever does not read would not see it. */
static void kill_now(struct session *session, const char *why)
{
	if (session->is_killed)
		return;
	session->is_killed = true;
	text_copy(session->why, sizeof(session->why), why);
	lws_set_timeout(session->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
}

void session_close(struct session *session, enum lws_close_status status, const char *why)
{
	if (session->closing != LWS_CLOSE_STATUS_NOSTATUS)
		return;
	session->closing = status;
	text_copy(session->why, sizeof(session->why), why);
	lws_callback_on_writable(session->wsi);
}

/* Ends the connection from inside its own callback; what is queued is lost. */
static int close_now(struct session *session, enum lws_close_status status, const char *why)
{
	if (session->closing == LWS_CLOSE_STATUS_NOSTATUS) {
		session->closing = status;
		snprintf(session->why, sizeof(session->why), "%.120s", why);
	}
	lws_close_reason(session->wsi, session->closing, (unsigned char *)session->why,
			 strnlen(session->why, 120));
	return -1;
}

static void queue_text(struct session *session, const char *text)
{
	size_t len = strlen(text);
	struct frame *frame;

	if (session->is_killed)
		return;
	if (session->frame_count >= QUEUE_FRAMES_MAX || session->frame_bytes + len > QUEUE_BYTES_MAX) {
		kill_now(session, "the worker does not read what it is sent");
		return;
	}
	frame = mem_alloc(sizeof(*frame) + LWS_PRE + len);
	frame->len = len;
	memcpy(frame->data + LWS_PRE, text, len);
	*session->end = frame;
	session->end = &frame->next;
	session->frame_count++;
	session->frame_bytes += len;
	lws_callback_on_writable(session->wsi);
}

static void queue_message(struct session *session, const struct wire_message *msg)
{
	char *text = wire_encode(msg);

	queue_text(session, text);
	explicit_bzero(text, strlen(text));
	mem_free(text);
}

static void grant(struct session *session, int64_t attempt)
{
	grant_add(session->world->grants, &session->grants, attempt);
	logs_ask(session->world->config->logs, attempt);
}

void session_send(struct session *session, struct wire_message *msg)
{
	if (session->closing == LWS_CLOSE_STATUS_NOSTATUS) {
		queue_message(session, msg);
		if (msg->type == WIRE_OFFER)
			grant(session, msg->offer.attempt);
		if (msg->type == WIRE_ABANDON)
			grant_abandon(&session->grants, msg->abandon.attempt);
	}
	wire_message_clear(msg);
	mem_free(msg);
}

/* Tells the worker what was wrong; who goes on like that is shown out. */
static void refuse(struct session *session, const char *about, const char *reason)
{
	struct wire_message answer = { .type = WIRE_ERROR };

	snprintf(answer.error.about, sizeof(answer.error.about), "%s", about);
	snprintf(answer.error.reason, sizeof(answer.error.reason), "%s", reason);
	LOG(LOG_WARN, "session.bad-message", KV("session", session->id), KV("worker", session->worker),
	    KV("about", about), KV("reason", reason));
	queue_message(session, &answer);
	if (++session->bad_count >= BAD_MESSAGES_MAX)
		session_close(session, LWS_CLOSE_STATUS_POLICY_VIOLATION, "too many bad messages");
}

static bool is_from_worker(enum wire_type type)
{
	switch (type) {
	case WIRE_HELLO:
	case WIRE_ACCEPT:
	case WIRE_REFUSE:
	case WIRE_STARTED:
	case WIRE_STEP:
	case WIRE_RESULT:
	case WIRE_BEAT:
	case WIRE_CANCELLED:
	case WIRE_CREDENTIAL_REQUEST:
	case WIRE_DRAIN:
	case WIRE_BYE:
		return true;
	default:
		return false;
	}
}

/* Attempts it says it holds: only those that were given to a worker of that name. */
static void grant_held(struct session *session, const struct wire_hello *hello)
{
	struct attempt_row row;
	struct error err;

	for (size_t i = 0; i < hello->held_count; i++) {
		int rc = reader_attempt(session->world->reader, hello->held[i], &row, &err);

		if (rc < 0)
			LOG(LOG_ERROR, "session.attempt-unreadable", KV("attempt", hello->held[i]), KV("error", err.msg));
		if (rc == 0 && strcmp(row.worker, hello->name) == 0)
			grant(session, row.id);
	}
}

static void note(struct session *session, const struct wire_message *msg)
{
	bool is_due = false;

	switch (msg->type) {
	case WIRE_HELLO:
		session->has_hello = true;
		text_copy(session->worker, sizeof(session->worker), msg->hello.name);
		grant_held(session, &msg->hello);
		break;
	case WIRE_REFUSE:
		grant_remove(session->world->grants, &session->grants, msg->refuse.attempt);
		break;
	case WIRE_RESULT:
		is_due = grant_ends_at(&session->grants, msg->result.attempt, msg->result.log_bytes);
		break;
	case WIRE_CANCELLED:
		is_due = grant_ends_at(&session->grants, msg->cancelled.attempt, msg->cancelled.log_bytes);
		break;
	default:
		break;
	}
	if (is_due)
		lws_callback_on_writable(session->wsi);
}

/* Takes what msg owns. */
static void take_message(struct session *session, struct wire_message *msg)
{
	const struct sessions_config *config = session->world->config;
	struct core_event *event;

	if (msg->type == WIRE_ERROR) {
		LOG(LOG_WARN, "session.worker-error", KV("session", session->id), KV("worker", session->worker),
		    KV("about", msg->error.about), KV("reason", msg->error.reason));
	} else if (!is_from_worker(msg->type)) {
		refuse(session, wire_type_name(msg->type), "this is said by the coordinator, not by a worker");
	} else if (session->has_hello != (msg->type != WIRE_HELLO)) {
		refuse(session, wire_type_name(msg->type), "hello is the first message of a session, and said once");
	} else {
		note(session, msg);
		event = mem_alloc(sizeof(*event));
		event->type = EVENT_MESSAGE;
		event->message.session = session->id;
		event->message.msg = *msg;
		config->on_event(event, config->arg);
		return;
	}
	wire_message_clear(msg);
}

static void take_text(struct session *session, const char *text, size_t len)
{
	struct wire_message msg;
	struct error err;
	int rc = wire_decode(text, len, &msg, &err);

	if (rc < 0) {
		refuse(session, "", err.msg);
	} else if (rc == WIRE_UNKNOWN_TYPE) {
		refuse(session, msg.error.about, msg.error.reason);
		wire_message_clear(&msg);
	} else {
		take_message(session, &msg);
	}
}

static int take_log(struct session *session, const unsigned char *frame, size_t len)
{
	int64_t attempt, offset;
	struct error err;
	int rc;

	if (wire_log_decode(frame, len, &attempt, &offset, &err) < 0) {
		refuse(session, "log frame", err.msg);
		return 0;
	}
	len -= WIRE_LOG_HEADER;
	rc = grant_check(&session->grants, attempt, offset, len, &err);
	if (rc < 0 && err.code == ERR_DENIED)
		refuse(session, "log frame", err.msg);
	else if (rc < 0)
		return close_now(session, LWS_CLOSE_STATUS_POLICY_VIOLATION, err.msg);
	else if (rc == 0)
		logs_append(session->world->config->logs, attempt, offset, frame + WIRE_LOG_HEADER, len);
	return 0;
}

int session_receive(struct session *session, const void *piece, size_t len)
{
	struct buf *pieces = &session->pieces;
	bool is_binary = lws_frame_is_binary(session->wsi);
	size_t max = is_binary ? WIRE_LOG_HEADER + WIRE_LOG_DATA_MAX : WIRE_TEXT_MAX;
	int rc = 0;

	session_heard(session);
	if (session->is_killed || session->closing != LWS_CLOSE_STATUS_NOSTATUS)
		return 0;
	if (lws_is_first_fragment(session->wsi))
		pieces->len = 0;
	if (pieces->len + len > max)
		return close_now(session, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE,
				 is_binary ? "a log frame is larger than 64 KiB" : "a message is larger than 1 MiB");
	buf_append(pieces, piece, len);
	if (!lws_is_final_fragment(session->wsi) || lws_remaining_packet_payload(session->wsi) > 0)
		return 0;
	if (is_binary)
		rc = take_log(session, (const unsigned char *)buf_text(pieces), pieces->len);
	else
		take_text(session, buf_text(pieces), pieces->len);
	pieces->len = 0;
	if (pieces->cap > KEPT_BUFFER_BYTES)
		buf_clear(pieces);
	return rc;
}

void session_heard(struct session *session)
{
	session->heard_ms = clock_mono_ms();
	session->wants_ping = false;
}

static int write_ping(struct session *session)
{
	unsigned char ping[LWS_PRE + 4];

	/* An empty pong would never be shown to us. */
	memcpy(ping + LWS_PRE, "ping", 4);
	session->wants_ping = false;
	return lws_write(session->wsi, ping + LWS_PRE, 4, LWS_WRITE_PING);
}

static int write_frame(struct session *session, struct frame *frame)
{
	int rc = lws_write(session->wsi, frame->data + LWS_PRE, frame->len, LWS_WRITE_TEXT);

	frame_free(frame);
	return rc;
}

int session_write(struct session *session)
{
	struct frame *frame;
	struct wire_message credit = { .type = WIRE_LOG_CREDIT };
	int rc;

	if (session->is_killed)
		return 0;
	frame = frame_take(session);
	if (!frame && session->closing != LWS_CLOSE_STATUS_NOSTATUS)
		return close_now(session, session->closing, session->why);
	if (!frame && grant_take_credit(session->world->grants, &session->grants, &credit.log_credit)) {
		queue_message(session, &credit);
		frame = frame_take(session);
	}
	if (frame)
		rc = write_frame(session, frame);
	else if (session->wants_ping)
		rc = write_ping(session);
	else
		return 0;
	if (rc < 0) {
		text_copy(session->why, sizeof(session->why), "the connection broke");
		return -1;
	}
	lws_callback_on_writable(session->wsi);
	return 0;
}

void session_credit_due(struct session *session)
{
	lws_callback_on_writable(session->wsi);
}

void session_watch(struct session *session, int64_t silence_ms)
{
	int64_t silent_ms = clock_mono_ms() - session->heard_ms;

	if (silent_ms >= silence_ms) {
		kill_now(session, "the worker was silent and did not answer a ping");
	} else if (silent_ms >= silence_ms / 3) {
		session->wants_ping = true;
		lws_callback_on_writable(session->wsi);
	}
}
