/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials that job threads wait for. A job's thread calls asks_wait; everything else is the
 * agent's thread, which sends what is new and brings the answers.
 */
#ifndef WORKER_ASKS_H
#define WORKER_ASKS_H

#include "common/wire/wire.h"

struct asks;

/* on_new(arg): on the asking thread, when there is something to send. */
struct asks *asks_new(int timeout_ms, void (*on_new)(void *arg), void *arg);
void asks_free(struct asks *asks); /* nobody waits any more */

/* Blocks. ERR_UNAVAILABLE: no answer in time, or the attempt was cancelled. */
int asks_wait(struct asks *asks, int64_t attempt, const char *host, struct wire_credential *ret, struct error *err);

/* The next one not yet sent; false when there is none. */
bool asks_next(struct asks *asks, struct wire_credential_request *ret_request);
/* A new session: all are to be sent again. */
void asks_again(struct asks *asks);
/* Takes the secret out of credential. An answer nobody waits for is left alone. */
void asks_answer(struct asks *asks, struct wire_credential *credential);
/* Whoever waits for this attempt, now or later, gives up. */
void asks_give_up(struct asks *asks, int64_t attempt);

#endif
