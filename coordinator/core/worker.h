/* SPDX-License-Identifier: Apache-2.0 */
/* Workers, known by name for ever, and the session each may have. Private to this folder. */
#ifndef COORDINATOR_CORE_WORKER_H
#define COORDINATOR_CORE_WORKER_H

#include "coordinator/core/state.h"

struct worker *worker_of(struct core *core, const char *name); /* made when it is new */
void worker_load(struct core *core, const struct worker_row *row);

void worker_hello(struct core *core, int64_t session, const struct wire_hello *hello);

/* Its session is over. What it runs stays its own until its lease ends. */
void worker_leave(struct core *core, struct worker *worker);

bool worker_offers(const struct worker *worker, const struct platform *platform);

/* Its live attempt of this id; NULL when there is none. */
struct attempt *worker_attempt(const struct core *core, const struct worker *worker, int64_t id);

/* The worker says what it holds: reattach those, lose those it does not, abandon what is not its own. */
void worker_reconcile(struct core *core, struct worker *worker, const struct wire_hello *hello);
void worker_beat(struct core *core, struct worker *worker, const struct wire_beat *beat);

#endif
