/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One publish of a build, policy `all`: verify, index, then each tag and its reading back. One step
 * at a time, each saved before it is taken and after. Private to this folder.
 */
#ifndef COORDINATOR_CORE_PUBLISH_H
#define COORDINATOR_CORE_PUBLISH_H

#include "coordinator/core/state.h"

/* All jobs succeeded and there are tags: every step becomes a row. */
void publish_plan(struct core *core, struct build *build);

void publish_on_outcome(struct core *core, const struct publish_outcome *outcome);

/* Goes on with those whose back-off is over or whose references are free now. */
void publish_pass(struct core *core);
int64_t publish_next_due_ms(const struct core *core); /* wall clock; INT64_MAX: none backs off */

/* From rows; publish_resume when all of them are there. */
struct publish *publish_load(struct core *core, struct build *build, const struct publish_row *row);
void publish_load_step(struct publish *publish, const struct publish_step_row *row);
void publish_resume(struct core *core, struct publish *publish);
void publish_forget(struct core *core, struct publish *publish);

#endif
