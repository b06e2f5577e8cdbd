/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log of one attempt on its way to the coordinator: a file that the job appends to, sent from the
 * last durable offset on, within the credit given. The agent's thread only.
 */
#ifndef WORKER_SPOOL_H
#define WORKER_SPOOL_H

#include "common/wire/wire.h"

#define SPOOL_FRAME_MAX (WIRE_LOG_HEADER + WIRE_LOG_DATA_MAX)

struct spool {
	int64_t attempt;
	char *path;              /* owned */
	int fd;                  /* -1: not opened yet */
	int64_t size_bytes;      /* written by the job so far */
	int64_t sent_bytes;
	int64_t durable_bytes;   /* at the coordinator */
	int64_t limit_bytes;
	bool has_credit;         /* since the session began */
};

/* The file need not exist yet. */
void spool_init(struct spool *spool, int64_t attempt, const char *path);
void spool_clear(struct spool *spool);

/* The job wrote up to here. */
void spool_grew(struct spool *spool, int64_t size_bytes);
/* A session ended: what was on its way may be lost; nothing is sent before the next credit. */
void spool_cut(struct spool *spool);
void spool_credit(struct spool *spool, int64_t durable_bytes, int64_t limit_bytes);

bool spool_has_frame(const struct spool *spool);
/* The next log frame, header and bytes, counted as sent. -1 ERR_IO: the file cannot be read. */
int spool_next(struct spool *spool, unsigned char frame[SPOOL_FRAME_MAX], size_t *ret_len, struct error *err);

/* Its bytes are on this disk: before a result that counts them is journaled. */
int spool_sync(struct spool *spool, struct error *err);

#endif
