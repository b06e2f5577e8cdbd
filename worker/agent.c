/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/agent.h"

#include <stdio.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "worker/health.h"
#include "worker/link.h"
#include "worker/notes.h"
#include "worker/roster.h"

#define ASK_TIMEOUT_MS 30000
#define WELCOME_TIMEOUT_MS 60000
#define GOODBYE_TIMEOUT_MS 3000

struct agent {
	struct agent_settings settings;
	struct job_place place;
	struct facts facts;          /* taken at the last hello */
	struct facts first_facts;    /* at start: jobs read these, so they never change */
	struct journal *journal;
	struct link *link;
	struct notes *notes;
	struct roster roster;
	struct wire_welcome welcome;
	bool is_welcome, is_stopping, has_said_bye;
	int64_t up_ms, beat_ms, stop_ms;
};

static void say_steps(struct agent *agent, struct held *held)
{
	struct wire_message msg = { .type = WIRE_STEP };

	while (held_next_step(held, &msg.step))
		link_send(agent->link, &msg);
}

/* Everything that may be said about an attempt and was not yet; steps of an ended one come too late. */
static void say_all(struct agent *agent, struct held *held)
{
	const struct wire_message *event;

	if (!agent->is_welcome)
		return;
	while ((event = held_next_event(held))) {
		if (event->type != WIRE_STARTED)
			say_steps(agent, held);
		link_send(agent->link, event);
	}
	say_steps(agent, held);
}

static void write_and_say(struct agent *agent, struct held *held)
{
	struct error err;

	if (held_write_events(held, agent->journal, &err) < 0)
		LOG(LOG_ERROR, "journal.failed", KV("attempt", held->attempt), KV("error", err.msg));
	say_all(agent, held);
}

static void say_attempt(struct agent *agent, enum wire_type type, int64_t attempt)
{
	struct wire_message msg = { .type = type };

	msg.accept.attempt = attempt;
	link_send(agent->link, &msg);
}

static void say_refuse(struct agent *agent, int64_t attempt, const char *reason)
{
	struct wire_message msg = { .type = WIRE_REFUSE };

	msg.refuse.attempt = attempt;
	snprintf(msg.refuse.reason, sizeof(msg.refuse.reason), "%s", reason);
	LOG(LOG_INFO, "attempt.refused", KV("attempt", attempt), KV("reason", reason));
	link_send(agent->link, &msg);
}

static void say_asks(struct agent *agent)
{
	struct wire_message msg = { .type = WIRE_CREDENTIAL_REQUEST };

	while (agent->is_welcome && asks_next(notes_asks(agent->notes), &msg.credential_request))
		link_send(agent->link, &msg);
}

static void say_beat(struct agent *agent)
{
	struct wire_message msg = { .type = WIRE_BEAT };

	msg.beat.held_count = roster_list(&agent->roster, msg.beat.held);
	msg.beat.disk_free_bytes = health_disk_free_bytes(agent->settings.state_dir);
	msg.beat.load_percent = health_load_percent();
	agent->beat_ms = clock_mono_ms();
	link_send(agent->link, &msg);
}

static void on_up(void *arg)
{
	struct agent *agent = arg;
	const struct agent_world *world = agent->settings.world;
	struct wire_message msg = { .type = WIRE_HELLO };
	struct error err;

	agent->is_welcome = false;
	agent->up_ms = clock_mono_ms();
	if (world->take_facts(&agent->facts, &err, world->arg) < 0) {
		LOG(LOG_ERROR, "facts.failed", KV("error", err.msg));
		link_redial(agent->link, 30, "this host cannot be examined");
		return;
	}
	if (!agent->facts.is_native)
		LOG(LOG_ERROR, "facts.not-native", KV("because", agent->facts.refused_because));
	health_hello(&agent->facts, &msg.hello);
	msg.hello.slots = agent->settings.slots;
	text_copy(msg.hello.name, sizeof(msg.hello.name), agent->settings.name);
	snprintf(msg.hello.engine, sizeof(msg.hello.engine), "%s", agent->settings.engine_text);
	msg.hello.held_count = roster_list(&agent->roster, msg.hello.held);
	link_send(agent->link, &msg);
}

static void on_down(void *arg)
{
	struct agent *agent = arg;

	agent->is_welcome = false;
	asks_again(notes_asks(agent->notes));
	roster_cut(&agent->roster);
	if (agent->has_said_bye)
		link_stop(agent->link);
}

static void on_welcome(struct agent *agent, const struct wire_welcome *welcome)
{
	agent->welcome = *welcome;
	agent->is_welcome = true;
	link_settle(agent->link, welcome->lease_s);
	LOG(LOG_INFO, "agent.welcome", KV("front", welcome->front_url), KV("held", (long long)agent->roster.count));
	for (struct held *held = agent->roster.first; held; held = held->next)
		say_all(agent, held);
	say_asks(agent);
	say_beat(agent);
}

/* Why an offer cannot be taken; false when it can. */
static bool why_not(struct agent *agent, const struct wire_offer *offer, char reason[HEALTH_REASON_MAX])
{
	const struct agent_settings *settings = &agent->settings;
	int running = (int)roster_running(&agent->roster);

	if (agent->is_stopping)
		snprintf(reason, HEALTH_REASON_MAX, "the worker stops");
	else if (running >= settings->slots)
		snprintf(reason, HEALTH_REASON_MAX, "no free slot: %d of %d run", running, settings->slots);
	else if (agent->roster.count >= WIRE_HELD_MAX)
		snprintf(reason, HEALTH_REASON_MAX, "%d attempts are not acknowledged yet", WIRE_HELD_MAX);
	else
		return health_refuses(&agent->facts, &offer->platform, settings->state_dir,
				      settings->disk_free_min_bytes, reason);
	return true;
}

static int take_offer(struct agent *agent, const struct wire_offer *offer, struct error *err)
{
	struct job_place place = agent->place;
	struct held *held;

	place.front_url = agent->welcome.front_url;
	place.token = link_token(agent->link);
	if (journal_offer(agent->journal, offer, err) < 0)
		return -1;
	held = held_new(agent->journal, offer->attempt);
	roster_add(&agent->roster, held);
	if (agent->settings.world->job_start(offer, &place, notes_ports(agent->notes), &held->job, err) < 0) {
		roster_forget(&agent->roster, held);
		return -1;
	}
	return 0;
}

static void on_offer(struct agent *agent, const struct wire_offer *offer)
{
	char reason[HEALTH_REASON_MAX];
	struct error err;

	if (roster_find(&agent->roster, offer->attempt)) {
		say_attempt(agent, WIRE_ACCEPT, offer->attempt);
	} else if (why_not(agent, offer, reason)) {
		say_refuse(agent, offer->attempt, reason);
	} else if (take_offer(agent, offer, &err) < 0) {
		say_refuse(agent, offer->attempt, err.msg);
	} else {
		LOG(LOG_INFO, "attempt.accepted", KV("attempt", offer->attempt), KV("job", offer->job),
		    KV("build", offer->build), KV("number", offer->number));
		say_attempt(agent, WIRE_ACCEPT, offer->attempt);
	}
}

static void on_ack(struct agent *agent, const struct wire_ack *ack)
{
	struct held *held = roster_find(&agent->roster, ack->attempt);

	if (!held)
		return;
	if (ack->seq > held->acked_seq)
		held->acked_seq = ack->seq;
	roster_forget_done(&agent->roster, held);
}

static void end_job(struct agent *agent, struct held *held)
{
	asks_give_up(notes_asks(agent->notes), held->attempt);
	agent->settings.world->job_cancel(held->job);
}

static void on_cancel(struct agent *agent, int64_t attempt)
{
	struct held *held = roster_find(&agent->roster, attempt);
	struct wire_message msg = { .type = WIRE_CANCELLED, .cancelled = { .attempt = attempt, .seq = 2 } };

	LOG(LOG_INFO, "attempt.cancel", KV("attempt", attempt));
	if (!held) {
		link_send(agent->link, &msg);
	} else if (held->job && !held->is_cancelled) {
		held->is_cancelled = true;
		end_job(agent, held);
	}
}

static void on_abandon(struct agent *agent, int64_t attempt)
{
	struct held *held = roster_find(&agent->roster, attempt);

	if (!held || held->is_abandoned)
		return;
	LOG(LOG_INFO, "attempt.abandoned", KV("attempt", attempt));
	held->is_abandoned = true;
	if (held->job)
		end_job(agent, held);
	else
		roster_forget(&agent->roster, held);
}

static void on_credit(struct agent *agent, const struct wire_log_credit *credit)
{
	struct held *held = roster_find(&agent->roster, credit->attempt);

	if (!held)
		return;
	spool_credit(&held->spool, credit->durable_bytes, credit->limit_bytes);
	if (!roster_forget_done(&agent->roster, held))
		link_has_frames(agent->link);
}

static void on_bye(struct agent *agent, const struct wire_bye *bye)
{
	health_print_refusal(bye);
	link_redial(agent->link, bye->retry_after_s, "the coordinator said bye");
}

static void on_message(struct wire_message *msg, void *arg)
{
	struct agent *agent = arg;

	switch (msg->type) {
	case WIRE_WELCOME:
		on_welcome(agent, &msg->welcome);
		break;
	case WIRE_OFFER:
		on_offer(agent, &msg->offer);
		break;
	case WIRE_ACK:
		on_ack(agent, &msg->ack);
		break;
	case WIRE_CANCEL:
		on_cancel(agent, msg->cancel.attempt);
		break;
	case WIRE_ABANDON:
		on_abandon(agent, msg->abandon.attempt);
		break;
	case WIRE_LOG_CREDIT:
		on_credit(agent, &msg->log_credit);
		break;
	case WIRE_CREDENTIAL:
		asks_answer(notes_asks(agent->notes), &msg->credential);
		break;
	case WIRE_BYE:
		on_bye(agent, &msg->bye);
		break;
	case WIRE_ERROR:
		LOG(LOG_WARN, "agent.error", KV("about", msg->error.about), KV("reason", msg->error.reason));
		break;
	default:
		LOG(LOG_WARN, "agent.strange-message", KV("type", wire_type_name(msg->type)));
	}
}

static bool next_frame(unsigned char frame[SPOOL_FRAME_MAX], size_t *ret_len, void *arg)
{
	return roster_next_frame(&((struct agent *)arg)->roster, frame, ret_len);
}

/* Its job has ended, and nothing of it runs: either it is told about, or given back, or forgotten. */
static void on_end(struct agent *agent, struct held *held, const struct wire_message *msg)
{
	bool is_stopped = agent->is_stopping && msg->type == WIRE_CANCELLED && !held->is_cancelled;

	agent->settings.world->job_free(TAKE(held->job));
	LOG(LOG_INFO, "attempt.ended", KV("attempt", held->attempt), KV("how", wire_type_name(msg->type)),
	    KV("reason", msg->type == WIRE_RESULT ? msg->result.reason : ""));
	if (is_stopped && !held->is_abandoned)
		say_refuse(agent, held->attempt, "the worker was stopped");
	if (is_stopped || held->is_abandoned) {
		roster_forget(&agent->roster, held);
		return;
	}
	held_add_event(held, msg);
	write_and_say(agent, held);
	link_has_frames(agent->link);
}

static void take_message(struct agent *agent, struct held *held, const struct wire_message *msg)
{
	if (msg->type == WIRE_STEP) {
		held_add_step(held, &msg->step);
		say_all(agent, held);
	} else if (msg->type == WIRE_STARTED) {
		held_add_event(held, msg);
		write_and_say(agent, held);
	} else {
		on_end(agent, held, msg);
	}
}

static void say_bye_when_idle(struct agent *agent)
{
	struct wire_message msg = { .type = WIRE_BYE, .bye = { .reason = "the worker was stopped" } };

	if (!agent->is_stopping || agent->has_said_bye || roster_running(&agent->roster) > 0)
		return;
	agent->has_said_bye = true;
	agent->stop_ms = clock_mono_ms();
	if (!link_is_up(agent->link)) {
		link_stop(agent->link);
		return;
	}
	link_send(agent->link, &msg);
	link_hang_up(agent->link);
}

static void on_stop(struct agent *agent)
{
	struct wire_message msg = { .type = WIRE_DRAIN, .drain = { "the worker stops" } };

	if (agent->is_stopping)
		return;
	LOG(LOG_INFO, "agent.stopping", KV("running", (long long)roster_running(&agent->roster)));
	agent->is_stopping = true;
	if (agent->is_welcome)
		link_send(agent->link, &msg);
	for (struct held *held = agent->roster.first; held; held = held->next) {
		if (held->job && !held->is_cancelled && !held->is_abandoned)
			end_job(agent, held);
	}
}

static void take_note(struct agent *agent, const struct note *note)
{
	struct held *held = roster_find(&agent->roster, note->attempt);

	switch (note->kind) {
	case NOTE_STOP:
		on_stop(agent);
		break;
	case NOTE_ASK:
		say_asks(agent);
		break;
	case NOTE_LOG:
		if (held)
			spool_grew(&held->spool, note->log_bytes);
		link_has_frames(agent->link);
		break;
	case NOTE_MESSAGE:
		if (held)
			take_message(agent, held, note->msg);
		break;
	}
}

static void on_wake(void *arg)
{
	struct agent *agent = arg;
	struct note *next;

	for (struct note *note = notes_take(agent->notes); note; note = next) {
		next = (struct note *)note->message.next;
		take_note(agent, note);
		note_free(note);
	}
	say_bye_when_idle(agent);
}

static void on_tick(void *arg)
{
	struct agent *agent = arg;
	int64_t now = clock_mono_ms();

	for (struct held *held = agent->roster.first; held; held = held->next) {
		if (held->journaled_count < held->event_count)
			write_and_say(agent, held);
	}
	if (agent->has_said_bye && now - agent->stop_ms > GOODBYE_TIMEOUT_MS)
		link_stop(agent->link);
	if (agent->is_welcome && now - agent->beat_ms >= (int64_t)agent->welcome.beat_interval_s * 1000)
		say_beat(agent);
	if (link_is_up(agent->link) && !agent->is_welcome && now - agent->up_ms > WELCOME_TIMEOUT_MS)
		link_redial(agent->link, 0, "no welcome came");
}

static void on_journaled(const struct journal_entry *entry, void *arg)
{
	struct agent *agent = arg;
	struct held *held = held_new(agent->journal, entry->attempt);

	held_restore(held, entry);
	roster_add(&agent->roster, held);
	/* Its processes ended with our earlier life. */
	if (held->log_bytes < 0)
		roster_forget(&agent->roster, held);
}

static void wake(void *arg)
{
	link_wake(((struct agent *)arg)->link);
}

DEFINE_CLEANUP(struct agent *, agent_free)

static int open_link(struct agent *agent, struct error *err)
{
	const struct agent_settings *settings = &agent->settings;
	const struct link_settings link = { settings->coordinator, settings->token_file, settings->ca_file };
	const struct link_ports ports = {
		.on_up = on_up, .on_message = on_message, .on_down = on_down, .next_frame = next_frame,
		.on_wake = on_wake, .on_tick = on_tick, .arg = agent,
	};

	return link_open(&link, &ports, &agent->link, err);
}

int agent_new(const struct agent_settings *settings, struct agent **ret_agent, struct error *err)
{
	CLEANUP(agent_freep) struct agent *agent = mem_alloc(sizeof(*agent));

	agent->settings = *settings;
	agent->place = (struct job_place){
		.state_dir = settings->state_dir, .front_url = "", .token = "", .ca_file = settings->ca_file,
		.engine = settings->engine, .facts = &agent->first_facts,
	};
	agent->notes = notes_new(settings->ask_timeout_ms > 0 ? settings->ask_timeout_ms : ASK_TIMEOUT_MS, wake, agent);
	if (journal_open(settings->state_dir, &agent->journal, err) < 0)
		return error_wrap(err, "journal");
	if (settings->world->clean_orphans(&agent->place, err) < 0)
		return error_wrap(err, "clean up after an earlier run");
	if (settings->world->take_facts(&agent->first_facts, err, settings->world->arg) < 0)
		return error_wrap(err, "examine this host");
	agent->roster.journal = agent->journal;
	if (journal_load(agent->journal, on_journaled, agent, err) < 0)
		return error_wrap(err, "journal");
	if (open_link(agent, err) < 0)
		return -1;
	*ret_agent = TAKE(agent);
	return 0;
}

void agent_free(struct agent *agent)
{
	if (!agent)
		return;
	link_close(agent->link);
	roster_clear(&agent->roster);
	journal_close(agent->journal);
	notes_free(agent->notes);
	mem_free(agent);
}

void agent_run(struct agent *agent)
{
	link_run(agent->link);
}

void agent_stop(struct agent *agent)
{
	notes_post_stop(agent->notes);
}
