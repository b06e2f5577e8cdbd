/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes one step of a publish: blocking, without memory of its own. The core decides which step is
 * next and has it recorded before and after, so each may be taken twice and comes to the same.
 *
 *    VERIFY    the job's manifest is in the repository, is one image, for the platform the job was to
 *              build, and all its blobs are there
 *    INDEX     the index of all parts is put by digest
 *    TAG       the same bytes are put under the tag
 *    READBACK  the tag stands for the index
 */
#ifndef COORDINATOR_PUBLISH_PUBLISH_H
#define COORDINATOR_PUBLISH_PUBLISH_H

#include "common/oci/registry.h"
#include "coordinator/core/core.h"

/*
 * registry is of the order's host. Always fills the outcome: what it was, the reason when it failed and
 * whether a later try may do better (network, 429, 5xx; what was pushed or tagged a moment ago and is not
 * seen yet). INDEX and TAG give the index's digest.
 */
void publish_take_step(struct registry *registry, const struct publish_order *order,
		       struct publish_outcome *ret_outcome);

/* "host" and "team/app" of "host/team/app", in the caller's arrays of REPOSITORY_MAX. ERR_INVALID. */
int publish_split_repository(const char *repository, char host[REPOSITORY_MAX], char path[REPOSITORY_MAX],
			     struct error *err);

#endif
