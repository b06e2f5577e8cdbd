/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the engine's pipe into the attempt's spool file, redacted, every byte; the steps are seen on the
 * way and the end is remembered. The job's thread.
 */
#ifndef WORKER_JOB_LOG_H
#define WORKER_JOB_LOG_H

#include <stdint.h>

#include "common/cleanup.h"
#include "common/error.h"
#include "worker/job_steps.h"
#include "worker/redact.h"

#define JOB_LOG_MAX_BYTES (1LL << 30)
#define JOB_LOG_TAIL_MAX 16384

struct job_log {
	int fd;
	int64_t attempt;
	int64_t size_bytes;
	struct redact *redact;
	struct steps steps;
	char tail[2 * JOB_LOG_TAIL_MAX + 1];
	size_t tail_len;
	void (*on_log)(int64_t attempt, int64_t spool_bytes, void *arg);
	void *arg;
};

/* Makes path new and empty. */
int job_log_open(struct job_log *log, const char *path, int64_t attempt, struct error *err);
void job_log_close(struct job_log *log);

/* Until every writer has closed the pipe. ERR_INVALID: larger than JOB_LOG_MAX_BYTES; ERR_FULL, ERR_IO: nothing more is kept. */
int job_log_pump(struct job_log *log, int pipe_fd, struct error *err);

/* A line of our own. */
int job_log_note(struct job_log *log, const char *text, struct error *err);

#endif
