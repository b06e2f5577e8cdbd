/* SPDX-License-Identifier: Apache-2.0 */
/* What front.c tells the context handlers. */
#ifndef COORDINATOR_FRONT_CONTEXTS_H
#define COORDINATOR_FRONT_CONTEXTS_H

#include "coordinator/front/context_store.h"
#include "coordinator/front/internal.h"

/* The upload of ex was checked and written, or refused. */
void contexts_put_done(struct exchange *ex, const struct context_put *put);

#endif
