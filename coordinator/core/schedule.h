/* SPDX-License-Identifier: Apache-2.0 */
/* Which queued job goes to which worker, and why the others wait. Private to this folder. */
#ifndef COORDINATOR_CORE_SCHEDULE_H
#define COORDINATOR_CORE_SCHEDULE_H

#include "coordinator/core/state.h"

/* Offers what fits. A platform without a free slot costs nothing per job that waits for it. */
void schedule_pass(struct core *core);

/* Tells the reasons per platform when they changed. */
void reasons_pass(struct core *core);

bool worker_has_slot(const struct worker *worker);

#endif
