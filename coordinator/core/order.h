/* SPDX-License-Identifier: Apache-2.0 */
/* What a publish step needs to be taken, complete in itself. Private to this folder. */
#ifndef COORDINATOR_CORE_ORDER_H
#define COORDINATOR_CORE_ORDER_H

#include "coordinator/core/state.h"

void order_tell(struct core *core, const struct step *step);

struct tag *order_tag(const struct step *step); /* TAG, READBACK */

#endif
