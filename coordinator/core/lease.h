/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long a silent worker keeps what it runs, and an offer waits for its answer. None of it ends
 * while we were not listening. Private to this folder.
 */
#ifndef COORDINATOR_CORE_LEASE_H
#define COORDINATOR_CORE_LEASE_H

#include "coordinator/core/state.h"

void lease_renew(struct core *core, struct worker *worker); /* it was heard */

/* We were deaf until now: nobody's silence before counts. */
void lease_freshen_all(struct core *core);

/* Ends leases and offers whose time is over. */
void lease_end_due(struct core *core);
int64_t lease_next_mono_ms(const struct core *core); /* INT64_MAX: none runs */

#endif
