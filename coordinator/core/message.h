/* SPDX-License-Identifier: Apache-2.0 */
/* What the core says to workers: one function per message. Private to this folder. */
#ifndef COORDINATOR_CORE_MESSAGE_H
#define COORDINATOR_CORE_MESSAGE_H

#include "coordinator/core/state.h"

void message_welcome(struct core *core, int64_t session);
void message_offer(struct core *core, const struct attempt *attempt);
void message_ack(struct core *core, int64_t session, int64_t attempt, int64_t seq);
void message_cancel(struct core *core, int64_t session, int64_t attempt);
void message_abandon(struct core *core, int64_t session, int64_t attempt);
void message_error(struct core *core, int64_t session, enum wire_type about, const char *reason);

/* Says bye and closes the session. */
void message_bye(struct core *core, int64_t session, const char *reason, const char *remedy);

#endif
