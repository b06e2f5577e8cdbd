/* SPDX-License-Identifier: Apache-2.0 */
/* Who asks, and whether that one may. */
#ifndef COORDINATOR_FRONT_AUTH_H
#define COORDINATOR_FRONT_AUTH_H

#include "coordinator/front/internal.h"

#define AUTH_CHALLENGE "Bearer realm=\"manifold\""

/* -1: refused as 401 or 403 (or 500 when the token could not be looked up). */
int auth_check(struct front *front, const struct route *route, const struct head *head, struct token_info *ret_token,
	       struct refusal *ret_refusal);

/* Hands ex to its handler, or answers 400 (unknown parameter), 507 (disk full) or 503 (not ready). */
void auth_admit(struct exchange *ex);

#endif
