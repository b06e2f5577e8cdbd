/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The logs of jobs. A stream is of one attempt and ends with it: whoever follows a job asks again
 * until the job is final. Each follower has one piece under way, so a slow reader costs no memory.
 */
#ifndef COORDINATOR_FRONT_JOB_LOG_H
#define COORDINATOR_FRONT_JOB_LOG_H

#include "coordinator/front/internal.h"

/* Rows of this job (0: of some jobs of this build) changed. */
void job_log_announce(struct front *front, int64_t build, int64_t job);

/* So many bytes of the attempt's log are on disk. */
void job_log_grew(struct front *front, int64_t attempt, int64_t durable_bytes);

/* Ends followers of a log whose rest does not come. */
void job_log_sweep(struct front *front, int64_t now_ms);

#endif
