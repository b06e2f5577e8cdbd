/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which worker last built the same thing, and so has its layers. Advice, bounded, found out again
 * after a start. Private to this folder.
 */
#ifndef COORDINATOR_CORE_WARM_H
#define COORDINATOR_CORE_WARM_H

#include "coordinator/core/state.h"

void warm_remember(struct core *core, struct job *job, struct worker *worker);
struct worker *warm_worker(struct core *core, struct job *job); /* NULL: nobody */

#endif
