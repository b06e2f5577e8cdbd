/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/core/session.h"

#include "coordinator/core/attempt.h"
#include "coordinator/core/lease.h"
#include "coordinator/core/message.h"
#include "coordinator/core/pass.h"
#include "coordinator/core/text.h"
#include "coordinator/core/worker.h"

/* The worker's live attempt, or NULL and whoever still runs it is told to end it. */
static struct attempt *live_or_abandon(struct core *core, const struct worker *worker, int64_t id)
{
	struct attempt *attempt = worker_attempt(core, worker, id);

	if (!attempt && !attempt_was_reported(core, id))
		message_abandon(core, worker->session, id);
	return attempt;
}

/*
 * Every such event is acknowledged, so that the worker forgets it: also one known before, and one of
 * a fenced attempt. NULL: nothing else is to be done.
 */
static struct attempt *take_event(struct core *core, const struct worker *worker, int64_t id, int64_t seq)
{
	const struct attempt *attempt = map_get(&core->attempts, id);

	message_ack(core, worker->session, id, seq);
	if (attempt && attempt->worker == worker && seq <= attempt->row.last_seq)
		return NULL;
	return live_or_abandon(core, worker, id);
}

static void on_refuse(struct core *core, struct worker *worker, const struct wire_refuse *refuse)
{
	struct attempt *attempt = live_or_abandon(core, worker, refuse->attempt);
	char reason[REASON_MAX];

	if (!attempt)
		return;
	text_format(reason, sizeof(reason), "worker %s refused it: %s", worker->row.name, refuse->reason);
	if (attempt->row.state == ATTEMPT_OFFERED) {
		attempt->row.is_confirmed = true;
		attempt_refuse(core, attempt, reason);
	} else {
		attempt_lose(core, attempt, reason);
	}
}

static void on_step(struct core *core, struct worker *worker, const struct wire_step *step)
{
	struct attempt *attempt = live_or_abandon(core, worker, step->attempt);

	if (!attempt)
		return;
	attempt_accept(core, attempt);
	pass_save_step(core, attempt, step);
}

static void on_credential_request(struct core *core, struct worker *worker, const struct wire_credential_request *request)
{
	struct effect effect = { .type = EFFECT_CREDENTIAL, .credential = {
		.session = worker->session, .request = request->request, .attempt = request->attempt } };

	if (!live_or_abandon(core, worker, request->attempt))
		return;
	text_format(effect.credential.host, sizeof(effect.credential.host), "%s", request->host);
	pass_tell(core, effect);
}

/* What is reported about an attempt: acknowledged or not. False: it is none of these. */
static bool on_report(struct core *core, struct worker *worker, const struct wire_message *msg)
{
	struct attempt *attempt;

	if (msg->type == WIRE_ACCEPT) {
		attempt = live_or_abandon(core, worker, msg->accept.attempt);
		if (attempt)
			attempt_accept(core, attempt);
	} else if (msg->type == WIRE_STARTED) {
		attempt = take_event(core, worker, msg->started.attempt, msg->started.seq);
		if (attempt)
			attempt_start(core, attempt, &msg->started);
	} else if (msg->type == WIRE_RESULT) {
		attempt = take_event(core, worker, msg->result.attempt, msg->result.seq);
		if (attempt)
			attempt_finish(core, attempt, &msg->result);
	} else if (msg->type == WIRE_CANCELLED) {
		attempt = take_event(core, worker, msg->cancelled.attempt, msg->cancelled.seq);
		if (attempt)
			attempt_cancelled(core, attempt, &msg->cancelled);
	} else {
		return false;
	}
	return true;
}

static void on_worker_message(struct core *core, struct worker *worker, const struct wire_message *msg)
{
	if (on_report(core, worker, msg))
		return;
	switch (msg->type) {
	case WIRE_REFUSE:
		on_refuse(core, worker, &msg->refuse);
		break;
	case WIRE_STEP:
		on_step(core, worker, &msg->step);
		break;
	case WIRE_BEAT:
		worker_beat(core, worker, &msg->beat);
		break;
	case WIRE_CREDENTIAL_REQUEST:
		on_credential_request(core, worker, &msg->credential_request);
		break;
	case WIRE_DRAIN:
		worker->is_draining = true;
		core->is_changed = true;
		break;
	case WIRE_BYE:   /* its session ends next */
	case WIRE_ERROR: /* sent back, it would go on for ever */
		break;
	case WIRE_HELLO:
		message_error(core, worker->session, msg->type, "hello was said already in this session");
		break;
	default:
		message_error(core, worker->session, msg->type, "a worker does not say this");
	}
}

void session_message(struct core *core, int64_t session, const struct wire_message *msg)
{
	struct worker *worker = map_get(&core->sessions, session);

	if (worker) {
		lease_renew(core, worker);
		on_worker_message(core, worker, msg);
	} else if (msg->type == WIRE_HELLO) {
		worker_hello(core, session, &msg->hello);
	} else {
		message_bye(core, session, "the first message of a session is hello", "");
	}
}

void session_left(struct core *core, int64_t session)
{
	struct worker *worker = map_get(&core->sessions, session);

	if (worker)
		worker_leave(core, worker);
}
