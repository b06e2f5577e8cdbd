/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COORDINATOR_FRONT_JOBS_H
#define COORDINATOR_FRONT_JOBS_H

#include "coordinator/front/internal.h"

/* The job that the path names; ERR_NOT_FOUND also when it is another project's. */
int job_find(const struct exchange *ex, struct job_view *ret_view, struct error *err);

#endif
