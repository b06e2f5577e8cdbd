/* SPDX-License-Identifier: Apache-2.0 */
/* The life of an exchange; how it is answered is in reply.h, what with in the handlers. */
#ifndef COORDINATOR_FRONT_EXCHANGE_H
#define COORDINATOR_FRONT_EXCHANGE_H

#include "coordinator/front/internal.h"

/* A number never given before, and the request id made of it. */
int64_t exchange_number(struct front *front, char id[32]);

struct exchange *exchange_new(struct front *front, struct conn *conn, struct evhttp_request *req);

/* It was answered: logs it, lets go of the connection, frees. The request is evhttp's again. */
void exchange_done(struct exchange *ex);

/* Its client is gone: tells the handler, frees ex and the request when evhttp no longer does. */
void exchange_gone(struct exchange *ex);

#endif
