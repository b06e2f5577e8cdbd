/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pass: what an event changed is touched, what follows is told, and at the end each touched row
 * is saved once, before anything that is told. Private to this folder.
 */
#ifndef COORDINATOR_CORE_PASS_H
#define COORDINATOR_CORE_PASS_H

#include "coordinator/core/state.h"

/* What a line of history is about; 0: does not apply. */
struct subject {
	int64_t build, job, attempt;
};

struct subject subject_build(const struct build *build);
struct subject subject_attempt(const struct attempt *attempt);

/* The row changed: to be saved and announced. */
void pass_touch_worker(struct core *core, struct worker *worker);
void pass_touch_build(struct core *core, struct build *build);
void pass_touch_job(struct core *core, struct job *job);
void pass_touch_attempt(struct core *core, struct attempt *attempt);
void pass_touch_tag(struct core *core, struct tag *tag);
void pass_touch_publish(struct core *core, struct publish *publish);
void pass_touch_step(struct core *core, struct step *step);

void pass_save_step(struct core *core, const struct attempt *attempt, const struct wire_step *step);
void pass_note(struct core *core, struct subject about, const char *kind, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Takes what the effect owns. */
void pass_tell(struct core *core, struct effect effect);

/* Saves first, then what was told, appended to effects. */
void pass_flush(struct core *core, struct effects *effects);

#endif
