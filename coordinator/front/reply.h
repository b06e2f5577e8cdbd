/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ways to answer an exchange. All but reply_header and the first two of a stream end it: ex is
 * gone when they return.
 */
#ifndef COORDINATOR_FRONT_REPLY_H
#define COORDINATOR_FRONT_REPLY_H

#include <event2/buffer.h>

#include "common/json/json.h"
#include "coordinator/front/internal.h"

/* NULL err_code row never happens: one table, every code. */
int status_of_error(enum err_code code);
const char *status_phrase(int status);

/* {"error":{...}} as it is sent, in *out. */
void error_body(const char *code, const char *message, const char *request_id, struct buf *out);

void reply_header(struct exchange *ex, const char *name, const char *value);

void reply_json(struct exchange *ex, int status, json_t *root); /* takes root */
void reply_text(struct exchange *ex, int status, const char *text);
/* Without a body, as a GET with a body of that many bytes would be. */
void reply_length_only(struct exchange *ex, int status, const char *type, int64_t bytes);
void reply_error(struct exchange *ex, const struct error *err);
void reply_refusal(struct exchange *ex, const struct refusal *refusal);

/* A body in pieces; bytes -1: as long as it lasts (chunked). Not for HEAD. */
void stream_start(struct exchange *ex, int status, const char *type, int64_t bytes);
/* Takes data's content. on_sent(ex) when it has left for the kernel: the time for the next piece. */
void stream_send(struct exchange *ex, struct evbuffer *data, void (*on_sent)(struct exchange *ex));
void stream_end(struct exchange *ex);

/* The client sees a transfer cut short. */
void stream_abort(struct exchange *ex);

#endif
