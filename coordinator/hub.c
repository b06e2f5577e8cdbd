/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/hub.h"

#include <time.h>

#include "common/log.h"
#include "common/mailbox.h"
#include "common/mem.h"
#include "common/oci/auth.h"
#include "coordinator/front/front.h"
#include "coordinator/publish/publish_pool.h"
#include "coordinator/sessions/sessions.h"
#include "coordinator/store/writer.h"

struct hub {
	struct core *core;
	struct mailbox *inbox;
	struct hub_parts parts;
	int64_t wake_mono_ms;
	bool is_stopping;
};

/* event NULL: stop. */
struct hub_message {
	struct message message;
	struct core_event *event;
};

/* A pass: its rows, and what may be told when they are on disk. */
struct pass {
	struct batch batch; /* first: the writer knows only this */
	struct effect *tells;
	size_t tell_count;
};

static struct core_time time_now(void)
{
	struct timespec mono, wall;

	clock_gettime(CLOCK_MONOTONIC, &mono);
	clock_gettime(CLOCK_REALTIME, &wall);
	return (struct core_time){
		.mono_ms = (int64_t)mono.tv_sec * 1000 + mono.tv_nsec / 1000000,
		.wall_ms = (int64_t)wall.tv_sec * 1000 + wall.tv_nsec / 1000000,
	};
}

static void hub_message_free(struct message *message)
{
	struct hub_message *msg = (struct hub_message *)message;

	if (msg->event)
		core_event_clear(msg->event);
	mem_free(msg->event);
	mem_free(msg);
}

static void pass_free(struct message *message)
{
	struct pass *pass = (struct pass *)message;

	for (size_t i = 0; i < pass->batch.row_count; i++) {
		row_clear(pass->batch.rows[i]);
		mem_free(pass->batch.rows[i]);
	}
	mem_free(pass->batch.rows);
	for (size_t i = 0; i < pass->tell_count; i++)
		effect_clear(&pass->tells[i]);
	mem_free(pass->tells);
	mem_free(pass);
}

struct hub *hub_new(void)
{
	struct hub *hub = mem_alloc(sizeof(*hub));

	hub->inbox = mailbox_new(NULL, NULL);
	hub->wake_mono_ms = INT64_MAX;
	return hub;
}

void hub_free(struct hub *hub)
{
	if (!hub)
		return;
	mailbox_free(hub->inbox);
	core_free(hub->core);
	mem_free(hub);
}

void hub_post(struct hub *hub, struct core_event *event)
{
	struct hub_message *msg = mem_alloc(sizeof(*msg));

	msg->message.free = hub_message_free;
	msg->event = event;
	mailbox_post(hub->inbox, &msg->message);
}

void hub_stop(struct hub *hub)
{
	hub_post(hub, NULL);
}

/* Needs no commit: who asks has the attempt, so the attempt is on disk. */
static void hub_send_credential(struct hub *hub, const struct effect *effect)
{
	struct wire_message *msg = mem_alloc(sizeof(*msg));
	struct credential found = { 0 };
	struct error err;

	msg->type = WIRE_CREDENTIAL;
	msg->credential.request = effect->credential.request;
	if (hub->parts.auth && auth_find(hub->parts.auth, effect->credential.host, "", &found, &err) == 0) {
		msg->credential.is_basic = true;
		if (text_copy(msg->credential.username, sizeof(msg->credential.username), found.username) < 0)
			LOG(LOG_WARN, "credential.too_long", KV("host", effect->credential.host));
		msg->credential.secret = mem_strdup(found.password);
	} else {
		msg->credential.secret = mem_strdup("");
	}
	credential_clear(&found);
	LOG(LOG_INFO, "credential.given", KV("attempt", effect->credential.attempt),
	    KV("host", effect->credential.host), KV("kind", msg->credential.is_basic ? "basic" : "anonymous"));
	sessions_send(hub->parts.sessions, effect->credential.session, msg);
}

static void hub_tell(struct hub *hub, struct effect *effect)
{
	switch (effect->type) {
	case EFFECT_SEND:
		sessions_send(hub->parts.sessions, effect->send.session, TAKE(effect->send.msg));
		break;
	case EFFECT_CLOSE:
		sessions_close(hub->parts.sessions, effect->close.session);
		break;
	case EFFECT_REPLY:
		front_reply(hub->parts.front, effect->reply.request, effect->reply.build, effect->reply.code,
			    effect->reply.message);
		break;
	case EFFECT_PUBLISH:
		publish_pool_post(hub->parts.publish_pool, TAKE(effect->publish));
		break;
	case EFFECT_ANNOUNCE:
		front_announce(hub->parts.front, effect->announce.build, effect->announce.job,
			       effect->announce.attempt);
		break;
	case EFFECT_REASONS:
		front_set_reasons(hub->parts.front, TAKE(effect->reasons.list), effect->reasons.count);
		break;
	case EFFECT_SAVE:
	case EFFECT_CREDENTIAL:
	case EFFECT_WAKE:
		break; /* hub_split keeps them out of the tells */
	}
}

void hub_on_durable(struct batch *batch, void *arg)
{
	struct pass *pass = (struct pass *)batch;

	for (size_t i = 0; i < pass->tell_count; i++)
		hub_tell(arg, &pass->tells[i]);
	pass_free(&batch->message);
}

/* A row that a person watching the log wants to hear of; once it is decided, so a commit may still follow. */
static void hub_log_row(const struct row *row)
{
	const struct event_row *event = &row->event;

	if (row->kind == ROW_EVENT)
		LOG(LOG_INFO, event->kind, KV("build", event->build), KV("job", event->job),
		    KV("attempt", event->attempt), KV("text", event->text));
}

/* Rows and tells of one pass; what needs no commit is done at once. */
static struct pass *hub_split(struct hub *hub, struct effects *effects)
{
	struct pass *pass = mem_alloc(sizeof(*pass));

	pass->batch.message.free = pass_free;
	pass->batch.rows = mem_alloc((effects->count + 1) * sizeof(struct row *));
	pass->tells = mem_alloc((effects->count + 1) * sizeof(struct effect));
	for (size_t i = 0; i < effects->count; i++) {
		struct effect *effect = &effects->list[i];

		if (effect->type == EFFECT_SAVE) {
			hub_log_row(effect->save);
			pass->batch.rows[pass->batch.row_count++] = TAKE(effect->save);
		} else if (effect->type == EFFECT_WAKE) {
			hub->wake_mono_ms = effect->wake.mono_ms;
		} else if (effect->type == EFFECT_CREDENTIAL) {
			hub_send_credential(hub, effect);
		} else {
			pass->tells[pass->tell_count++] = *effect;
			*effect = (struct effect){ .type = EFFECT_WAKE }; /* handed on; owns nothing now */
		}
	}
	return pass;
}

static void hub_release(struct hub *hub, struct effects *effects)
{
	struct pass *pass = hub_split(hub, effects);

	effects_clear(effects);
	if (pass->batch.row_count || pass->tell_count)
		writer_post(hub->parts.writer, &pass->batch);
	else
		pass_free(&pass->batch.message);
}

static void hub_handle(struct hub *hub, struct core_event *event)
{
	struct effects effects = { 0 };

	core_handle(hub->core, event, time_now(), &effects);
	hub_release(hub, &effects);
}

static void hub_take(struct hub *hub, struct message *list)
{
	while (list) {
		struct hub_message *msg = (struct hub_message *)list;

		list = list->next;
		if (msg->event && !hub->is_stopping)
			hub_handle(hub, msg->event);
		else if (!msg->event)
			hub->is_stopping = true;
		hub_message_free(&msg->message);
	}
}

void hub_run(struct hub *hub, const struct core_config *config, const struct hub_parts *parts, struct rows *rows)
{
	struct effects effects = { 0 };
	struct core_event listening = { .type = EVENT_LISTENING };

	hub->parts = *parts;
	hub->core = core_new(config);
	core_load(hub->core, rows, time_now(), &effects);
	hub_release(hub, &effects);
	hub_handle(hub, &listening);
	while (!hub->is_stopping) {
		struct core_event tick = { .type = EVENT_TICK };

		hub_take(hub, hub->wake_mono_ms == INT64_MAX ? mailbox_wait(hub->inbox)
							      : mailbox_wait_until(hub->inbox, hub->wake_mono_ms));
		if (!hub->is_stopping && time_now().mono_ms >= hub->wake_mono_ms) {
			hub->wake_mono_ms = INT64_MAX;
			hub_handle(hub, &tick);
		}
	}
}
