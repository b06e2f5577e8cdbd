/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The session thread: libwebsockets' default loop, woken by a mailbox. No timer per connection (lws
 * keeps all timers in one sorted list, which costs as many steps as there are connections): one
 * sweep looks at all of them.
 */
#include "coordinator/sessions/sessions.h"

#include <libwebsockets.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "common/mailbox.h"
#include "common/mem.h"
#include "coordinator/sessions/gate.h"
#include "coordinator/sessions/listen.h"
#include "coordinator/sessions/session.h"

#define BUCKETS 1024
#define SILENCE_S 45
#define HANDSHAKE_TIMEOUT_S 10
#define HEADER_BYTES_MAX 16384
#define RECEIVE_BYTES 8192

/* What lws keeps for a connection. */
struct slot {
	struct session *session; /* NULL until the upgrade is done */
	struct slot *next;
};

enum command_kind { COMMAND_SEND, COMMAND_CLOSE, COMMAND_DURABLE, COMMAND_STOP };

struct command {
	struct message message;
	enum command_kind kind;
	int64_t session;
	struct wire_message *msg;  /* SEND */
	int64_t attempt, durable_bytes;
};

struct sessions {
	struct sessions_config config;
	struct session_world world;
	struct mailbox *box;
	pthread_mutex_t wake_lock;
	struct lws_context *context; /* NULL when there is nobody to wake; under wake_lock */
	pthread_t thread;
	bool has_thread, is_stopping;
	int port;
	int64_t last_id;
	int count;
	struct slot *buckets[BUCKETS];
	lws_sorted_usec_list_t sweep;
};

static const lws_retry_bo_t no_pings_of_lws;

static void command_free(struct message *message)
{
	struct command *command = (struct command *)message;

	if (command->msg)
		wire_message_clear(command->msg);
	mem_free(command->msg);
	mem_free(command);
}

static struct slot **bucket(struct sessions *sessions, int64_t id)
{
	return &sessions->buckets[(uint64_t)id % BUCKETS];
}

static struct session *find(struct sessions *sessions, int64_t id)
{
	for (struct slot *slot = *bucket(sessions, id); slot; slot = slot->next) {
		if (session_id(slot->session) == id)
			return slot->session;
	}
	return NULL;
}

static void on_opened(struct sessions *sessions, struct slot *slot, struct lws *wsi)
{
	struct slot **place;

	slot->session = session_new(wsi, ++sessions->last_id, &sessions->world);
	place = bucket(sessions, sessions->last_id);
	slot->next = *place;
	*place = slot;
	sessions->count++;
}

static void on_closed(struct sessions *sessions, struct slot *slot)
{
	struct slot **link;

	if (!slot || !slot->session)
		return;
	for (link = bucket(sessions, session_id(slot->session)); *link != slot; link = &(*link)->next)
		;
	*link = slot->next;
	sessions->count--;
	session_free(slot->session);
	slot->session = NULL;
}

static void on_credit_due(void *owner)
{
	session_credit_due(owner);
}

static void take_command(struct sessions *sessions, struct command *command)
{
	struct session *session = find(sessions, command->session);

	switch (command->kind) {
	case COMMAND_SEND:
		if (session)
			session_send(session, TAKE(command->msg));
		break;
	case COMMAND_CLOSE:
		if (session)
			session_close(session, LWS_CLOSE_STATUS_NORMAL, "closed by the coordinator");
		break;
	case COMMAND_DURABLE:
		grants_durable(sessions->world.grants, command->attempt, command->durable_bytes, on_credit_due);
		break;
	case COMMAND_STOP:
		sessions->is_stopping = true;
		break;
	}
}

static void take_commands(struct sessions *sessions)
{
	struct message *next;

	for (struct message *message = mailbox_take(sessions->box); message; message = next) {
		next = message->next;
		take_command(sessions, (struct command *)message);
		command_free(message);
	}
}

static void schedule_sweep(struct sessions *sessions);

static void on_sweep(lws_sorted_usec_list_t *sul)
{
	struct sessions *sessions = lws_container_of(sul, struct sessions, sweep);

	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct slot *slot = sessions->buckets[i]; slot; slot = slot->next)
			session_watch(slot->session, (int64_t)sessions->config.silence_s * 1000);
	}
	schedule_sweep(sessions);
}

static void schedule_sweep(struct sessions *sessions)
{
	lws_sul_schedule(sessions->context, 0, &sessions->sweep, on_sweep,
			 (lws_usec_t)sessions->config.silence_s * LWS_USEC_PER_SEC / 9);
}

/* Returns not 0 when the connection was answered with a refusal and is to end. */
static int on_upgrade(struct sessions *sessions, struct lws *wsi)
{
	int status = sessions->count >= sessions->config.sessions_max ? 503 : gate_check(wsi, sessions->world.reader);

	if (status == 0)
		return 0;
	lws_return_http_status(wsi, (unsigned int)status, NULL);
	return 1;
}

static int on_plain_request(struct lws *wsi)
{
	lws_return_http_status(wsi, 404, "This port is for workers: WebSocket at " WIRE_PATH);
	return -1;
}

static int on_lws_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	struct sessions *sessions = lws_context_user(lws_get_context(wsi));
	struct slot *slot = user;

	switch (reason) {
	case LWS_CALLBACK_EVENT_WAIT_CANCELLED:
		take_commands(sessions);
		return 0;
	case LWS_CALLBACK_HTTP:
		return on_plain_request(wsi);
	case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
		return on_upgrade(sessions, wsi);
	case LWS_CALLBACK_ESTABLISHED:
		on_opened(sessions, slot, wsi);
		return 0;
	case LWS_CALLBACK_RECEIVE:
		return session_receive(slot->session, in, len);
	case LWS_CALLBACK_RECEIVE_PONG:
		session_heard(slot->session);
		return 0;
	case LWS_CALLBACK_SERVER_WRITEABLE:
		return session_write(slot->session);
	case LWS_CALLBACK_CLOSED:
		on_closed(sessions, slot);
		return 0;
	default:
		return 0;
	}
}

/* Under the lock, so that the context cannot go away under a waker. */
static void wake(void *arg)
{
	struct sessions *sessions = arg;

	pthread_mutex_lock(&sessions->wake_lock);
	if (sessions->context)
		lws_cancel_service(sessions->context);
	pthread_mutex_unlock(&sessions->wake_lock);
}

static void close_context(struct sessions *sessions)
{
	struct lws_context *context;

	pthread_mutex_lock(&sessions->wake_lock);
	context = TAKE(sessions->context);
	pthread_mutex_unlock(&sessions->wake_lock);
	if (context)
		lws_context_destroy(context);
}

static void *sessions_run(void *arg)
{
	struct sessions *sessions = arg;

	schedule_sweep(sessions);
	while (!sessions->is_stopping && lws_service(sessions->context, 0) >= 0)
		;
	close_context(sessions);
	return NULL;
}

static int open_context(struct sessions *sessions, struct error *err)
{
	static const struct lws_protocols protocols[] = {
		{ .name = WIRE_SUBPROTOCOL, .callback = on_lws_event, .per_session_data_size = sizeof(struct slot),
		  .rx_buffer_size = RECEIVE_BYTES },
		{ 0 },
	};
	struct lws_context_creation_info info = { 0 };
	char host[LISTEN_HOST_MAX];

	if (listen_parse(sessions->config.listen, host, &info.port, err) < 0 || listen_probe(host, info.port, err) < 0)
		return -1;
	info.iface = host;
	info.protocols = protocols;
	info.user = sessions;
	info.gid = (__typeof__(info.gid))-1;
	info.uid = (__typeof__(info.uid))-1; /* int or uid_t, by version */
	info.options = LWS_SERVER_OPTION_VALIDATE_UTF8 | LWS_SERVER_OPTION_DISABLE_IPV6 |
		       LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND;
	info.retry_and_idle_policy = &no_pings_of_lws;
	info.max_http_header_data = HEADER_BYTES_MAX;
	info.timeout_secs = HANDSHAKE_TIMEOUT_S;
	info.pt_serv_buf_size = HEADER_BYTES_MAX;
	info.vhost_name = "workers";
	sessions->context = lws_create_context(&info);
	if (!sessions->context)
		return error_set(err, ERR_IO, "worker listener: cannot listen on %s",
				 sessions->config.listen);
	sessions->port = lws_get_vhost_listen_port(lws_get_vhost_by_name(sessions->context, "workers"));
	return 0;
}

static int start_thread(struct sessions *sessions, struct error *err)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	rc = pthread_create(&sessions->thread, NULL, sessions_run, sessions);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc != 0)
		return error_set(err, ERR_INTERNAL, "sessions: no thread: %s", strerror(rc));
	sessions->has_thread = true;
	return 0;
}

DEFINE_CLEANUP(struct sessions *, sessions_free)

static void on_lws_line(int level, const char *line)
{
	char text[256];
	size_t len = strcspn(line, "\n");

	(void)level;
	snprintf(text, sizeof(text), "%.*s", (int)(len < 255 ? len : 255), line);
	LOG(LOG_WARN, "session.lws", KV("text", text));
}

int sessions_start(const struct sessions_config *config, struct sessions **ret_sessions, struct error *err)
{
	CLEANUP(sessions_freep) struct sessions *sessions = mem_alloc(sizeof(*sessions));

	lws_set_log_level(LLL_ERR, on_lws_line);
	pthread_mutex_init(&sessions->wake_lock, NULL);
	sessions->config = *config;
	if (config->silence_s == 0)
		sessions->config.silence_s = SILENCE_S;
	sessions->box = mailbox_new(wake, sessions);
	sessions->world.config = &sessions->config;
	sessions->world.grants = grants_new(config->log_window_bytes);
	if (reader_open(config->dir, &sessions->world.reader, err) < 0)
		return error_wrap(err, "sessions");
	if (open_context(sessions, err) < 0)
		return -1;
	if (start_thread(sessions, err) < 0)
		return -1;
	*ret_sessions = TAKE(sessions);
	return 0;
}

static void post(struct sessions *sessions, const struct command *command)
{
	struct command *copy = mem_alloc(sizeof(*copy));

	*copy = *command;
	copy->message.free = command_free;
	mailbox_post(sessions->box, &copy->message);
}

void sessions_stop(struct sessions *sessions)
{
	if (!sessions || !sessions->has_thread)
		return;
	post(sessions, &(struct command){ .kind = COMMAND_STOP });
	pthread_join(sessions->thread, NULL);
	sessions->has_thread = false;
}

void sessions_free(struct sessions *sessions)
{
	if (!sessions)
		return;
	sessions_stop(sessions);
	close_context(sessions);
	mailbox_free(sessions->box);
	if (sessions->world.reader)
		reader_close(sessions->world.reader);
	grants_free(sessions->world.grants);
	pthread_mutex_destroy(&sessions->wake_lock);
	mem_free(sessions);
}

int sessions_port(const struct sessions *sessions)
{
	return sessions->port;
}

void sessions_send(struct sessions *sessions, int64_t session, struct wire_message *msg)
{
	post(sessions, &(struct command){ .kind = COMMAND_SEND, .session = session, .msg = msg });
}

void sessions_close(struct sessions *sessions, int64_t session)
{
	post(sessions, &(struct command){ .kind = COMMAND_CLOSE, .session = session });
}

void sessions_log_durable(struct sessions *sessions, int64_t attempt, int64_t durable_bytes)
{
	post(sessions, &(struct command){ .kind = COMMAND_DURABLE, .attempt = attempt,
					  .durable_bytes = durable_bytes });
}
