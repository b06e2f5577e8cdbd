/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/core/message.h"

#include "common/mem.h"
#include "coordinator/core/pass.h"
#include "coordinator/core/tag.h"
#include "coordinator/core/text.h"

/* Long enough to mend something, short enough to notice that it was mended. */
#define BYE_RETRY_AFTER_S 60

/* Told, still to be filled in. */
static struct wire_message *message_new(struct core *core, int64_t session, enum wire_type type)
{
	struct wire_message *msg = mem_alloc(sizeof(*msg));

	msg->type = type;
	pass_tell(core, (struct effect){ .type = EFFECT_SEND, .send = { session, msg } });
	return msg;
}

void message_welcome(struct core *core, int64_t session)
{
	message_new(core, session, WIRE_WELCOME)->welcome = core->config.welcome;
}

void message_offer(struct core *core, const struct attempt *attempt)
{
	struct wire_offer *offer = &message_new(core, attempt->worker->session, WIRE_OFFER)->offer;
	const struct job *job = attempt->job;

	offer->attempt = attempt->row.id;
	offer->job = job->row.id;
	offer->build = job->build->row.id;
	offer->number = attempt->row.number;
	offer->platform = job->row.platform;
	offer->spec = mem_strdup(job->build->row.spec);
	offer->run_timeout_s = core->config.run_timeout_s;
	offer->repository_count = tag_repositories(job->build, offer->repositories);
}

void message_ack(struct core *core, int64_t session, int64_t attempt, int64_t seq)
{
	message_new(core, session, WIRE_ACK)->ack = (struct wire_ack){ attempt, seq };
}

void message_cancel(struct core *core, int64_t session, int64_t attempt)
{
	message_new(core, session, WIRE_CANCEL)->cancel.attempt = attempt;
}

void message_abandon(struct core *core, int64_t session, int64_t attempt)
{
	message_new(core, session, WIRE_ABANDON)->abandon.attempt = attempt;
}

void message_error(struct core *core, int64_t session, enum wire_type about, const char *reason)
{
	struct wire_error *error = &message_new(core, session, WIRE_ERROR)->error;

	text_format(error->about, sizeof(error->about), "%s", wire_type_name(about));
	text_format(error->reason, sizeof(error->reason), "%s", reason);
}

void message_bye(struct core *core, int64_t session, const char *reason, const char *remedy)
{
	struct wire_bye *bye = &message_new(core, session, WIRE_BYE)->bye;

	text_format(bye->reason, sizeof(bye->reason), "%s", reason);
	text_format(bye->remedy, sizeof(bye->remedy), "%s", remedy);
	bye->retry_after_s = BYE_RETRY_AFTER_S;
	pass_tell(core, (struct effect){ .type = EFFECT_CLOSE, .close = { session } });
}
