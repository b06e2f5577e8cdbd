/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replaces secrets by *** in a stream of bytes, also where one is cut by the border of two pieces.
 * It holds back at most the length of the longest secret. One thread.
 */
#ifndef WORKER_REDACT_H
#define WORKER_REDACT_H

#include "common/buf.h"
#include "common/cleanup.h"

#define REDACT_SECRET_MIN 4 /* shorter ones would blacken the text and protect nothing */

struct redact;

struct redact *redact_new(void);
void redact_free(struct redact *redact); /* wipes */
DEFINE_CLEANUP(struct redact *, redact_free)

/* From here on. Copies. */
void redact_add(struct redact *redact, const char *secret);

/* Appends to out what is sure; the rest comes with later bytes or with redact_end. */
void redact_bytes(struct redact *redact, const char *data, size_t len, struct buf *out);
void redact_end(struct redact *redact, struct buf *out);

#endif
