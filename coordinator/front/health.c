/* SPDX-License-Identifier: Apache-2.0 */
#include "common/version.h"
#include "coordinator/front/handlers.h"
#include "coordinator/front/reply.h"

void health_root(struct exchange *ex)
{
	reply_text(ex, 200, "manifold-coordinator: the API is under /v1 (builds, jobs, workers, contexts), "
			    "/healthz and /readyz tell how it is.\n");
}

void health_alive(struct exchange *ex)
{
	reply_text(ex, 200, "ok\n");
}

void health_ready(struct exchange *ex)
{
	if (!ex->front->is_ready)
		reply_text(ex, 503, "not ready: rows are being loaded, workers are not listened for yet\n");
	else if (ex->front->is_full)
		reply_text(ex, 503, "not ready: the disk is full, only reads are answered\n");
	else
		reply_text(ex, 200, "ready\n");
}
