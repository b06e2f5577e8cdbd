/* SPDX-License-Identifier: Apache-2.0 */
/* What was submitted, from then until nothing of it is left to do. Private to this folder. */
#ifndef COORDINATOR_CORE_BUILD_H
#define COORDINATOR_CORE_BUILD_H

#include "coordinator/core/state.h"

struct build *build_new(struct core *core, const struct build_row *row); /* takes row->spec */
void build_free(struct core *core, struct build *build);                 /* with all that is its */

void build_submit(struct core *core, const struct core_event *event);
void build_cancel(struct core *core, int64_t request, int64_t id);

/* Call when a job became final: when all are, the build publishes or ends. */
void build_settle(struct core *core, struct build *build);

/* Ends it; what is still pending of its tags fails. Forgotten at the end of the pass. */
void build_end(struct core *core, struct build *build, enum build_state state, const char *reason);

#endif
