/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of a job when its attempt did. Each of these may end the build. Private to this folder.
 */
#ifndef COORDINATOR_CORE_JOB_H
#define COORDINATOR_CORE_JOB_H

#include "coordinator/core/state.h"

struct job *job_new(struct core *core, struct build *build, const struct job_row *row);
void job_free(struct core *core, struct job *job); /* with its attempts */

/* Keep it away from this worker as long as another offers the platform. */
void job_exclude(struct job *job, struct worker *worker);

/* Back to its queue after a back-off; why is for people. */
void job_requeue(struct core *core, struct job *job, const char *why);

/* An attempt was lost or failed for infra reasons: again elsewhere while tries are left, else failed. */
void job_retry(struct core *core, struct job *job, const char *why);

void job_succeed(struct core *core, struct job *job, const struct wire_result *result);
void job_fail(struct core *core, struct job *job, enum failure_class failure, const char *reason);

/* Queued: cancelled at once. Offered, running: its worker is told, the job is cancelling. */
void job_cancel(struct core *core, struct job *job);
void job_cancelled(struct core *core, struct job *job, const char *reason); /* it was cancelling */

#endif
