/* SPDX-License-Identifier: Apache-2.0 */
/* What answers each row of the route table. Each one ends the exchange, now or later. */
#ifndef COORDINATOR_FRONT_HANDLERS_H
#define COORDINATOR_FRONT_HANDLERS_H

struct exchange;

void health_root(struct exchange *ex);
void health_alive(struct exchange *ex);
void health_ready(struct exchange *ex);

void contexts_put(struct exchange *ex);
void contexts_head(struct exchange *ex);
void contexts_get(struct exchange *ex);

void builds_submit(struct exchange *ex);
void builds_cancel(struct exchange *ex);
void builds_list(struct exchange *ex);
void builds_show(struct exchange *ex);

void jobs_list(struct exchange *ex);
void jobs_show(struct exchange *ex);
void job_log_get(struct exchange *ex);

void workers_list(struct exchange *ex);

#endif
