/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queued jobs of each platform, in lanes, and the workers that offer it. Knows who waits and who
 * could take it; schedule.c decides who does. Private to this folder.
 */
#ifndef COORDINATOR_CORE_QUEUE_H
#define COORDINATOR_CORE_QUEUE_H

#include "coordinator/core/state.h"

struct queue *queue_of(struct core *core, const struct platform *platform); /* made when it is new */
void queue_free(struct queue *queue);

/* A queued job: ready, or delayed until its back-off is over. */
void queue_add(struct core *core, struct job *job);
void queue_take_out(struct job *job); /* nothing when it is in none */
size_t queue_job_count(const struct queue *queue);

/* Delayed jobs whose time has come are ready. */
void queue_wake_due(struct core *core);
int64_t queue_next_due_ms(const struct core *core); /* wall clock; INT64_MAX: none is delayed */

void queue_join(struct core *core, struct worker *worker);
void queue_leave(struct core *core, struct worker *worker);

/* Lanes that ran empty are freed; none is stuck. Between two rounds of placing. */
void queue_tidy(struct queue *queue);

bool lane_excludes(const struct lane *lane, const struct worker *worker);

#endif
