/* SPDX-License-Identifier: Apache-2.0 */
/* Who says what in which session, and whether it may. Private to this folder. */
#ifndef COORDINATOR_CORE_SESSION_H
#define COORDINATOR_CORE_SESSION_H

#include "coordinator/core/state.h"

void session_message(struct core *core, int64_t session, const struct wire_message *msg);
void session_left(struct core *core, int64_t session);

#endif
