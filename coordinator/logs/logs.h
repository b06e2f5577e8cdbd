/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log files, one per attempt: DIR/logs/<attempt>.log. A thread of its own appends and syncs what
 * came together with one fdatasync per file, and says how far each is durable. Bytes arrive by
 * offset: what is already there is skipped, a gap is not written (the writer goes on from what is durable).
 */
#ifndef COORDINATOR_LOGS_LOGS_H
#define COORDINATOR_LOGS_LOGS_H

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

struct logs;

/* on_durable: on the log thread, after the fdatasync. */
int logs_start(const char *dir, void (*on_durable)(int64_t attempt, int64_t durable_bytes, void *arg), void *arg,
	       struct logs **ret_logs, struct error *err);
/* Writes what was posted, then joins. */
void logs_stop(struct logs *logs);

/* Copies data. Any thread. */
void logs_append(struct logs *logs, int64_t attempt, int64_t offset, const void *data, size_t len);

/* Asks for on_durable with what is there now, in turn with the appends. Any thread. */
void logs_ask(struct logs *logs, int64_t attempt);

/* Opens an attempt's file for reading; -1 ERR_NOT_FOUND when nothing was written. Any thread; the caller closes. */
int logs_open_read(const char *dir, int64_t attempt, int *ret_fd, struct error *err);

#endif
