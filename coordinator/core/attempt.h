/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One try of a job on one worker, from the offer to its end. Callers have made sure that the attempt
 * is live and its worker's own. Private to this folder.
 */
#ifndef COORDINATOR_CORE_ATTEMPT_H
#define COORDINATOR_CORE_ATTEMPT_H

#include "coordinator/core/state.h"

/* base_ms, doubled so often (at most 5 times), give or take a quarter that follows from salt alone. */
int64_t backoff_ms(uint64_t salt, int64_t base_ms, int doublings);

bool digest_is_sound(const char *digest); /* sha256: and 64 hex digits */

struct attempt *attempt_new(struct core *core, struct job *job, struct worker *worker, const struct attempt_row *row);
void attempt_offer(struct core *core, struct job *job, struct worker *worker);

/* The worker took it; nothing when that is known. */
void attempt_accept(struct core *core, struct attempt *attempt);
void attempt_start(struct core *core, struct attempt *attempt, const struct wire_started *started);
void attempt_finish(struct core *core, struct attempt *attempt, const struct wire_result *result);
void attempt_cancelled(struct core *core, struct attempt *attempt, const struct wire_cancelled *cancelled);

/* It never ran: refused, not answered in time, or the offer did not arrive. */
void attempt_refuse(struct core *core, struct attempt *attempt, const char *reason);

/* Its worker is silent, or does not hold it any more. */
void attempt_lose(struct core *core, struct attempt *attempt, const char *reason);

/* Its worker told how it ended, lately. */
bool attempt_was_reported(const struct core *core, int64_t attempt);

/* Whether its job is kept away from its worker because of it. */
bool attempt_excludes(const struct attempt *attempt);

#endif
