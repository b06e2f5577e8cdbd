/* SPDX-License-Identifier: Apache-2.0 */
/* A core from its rows. Private to this folder. */
#ifndef COORDINATOR_CORE_LOAD_H
#define COORDINATOR_CORE_LOAD_H

#include "coordinator/core/state.h"

void load_rows(struct core *core, struct rows *rows); /* takes them */

#endif
