/* SPDX-License-Identifier: Apache-2.0 */
/* Who may open a session: path, subprotocol and a bearer token with scope worker. Session thread only. */
#ifndef COORDINATOR_SESSIONS_GATE_H
#define COORDINATOR_SESSIONS_GATE_H

#include <libwebsockets.h>

#include "coordinator/store/reader.h"

/*
 * 0: let it in; else the HTTP status to refuse with: 404 (path), 401 (no or no valid token), 403 (scope),
 * 400 (subprotocol), 503 (the store cannot be read). The reason is logged.
 */
int gate_check(struct lws *wsi, struct reader *reader);

#endif
