/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/job_log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"

int job_log_open(struct job_log *log, const char *path, int64_t attempt, struct error *err)
{
	log->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	if (log->fd < 0)
		return error_set(err, errno == ENOSPC ? ERR_FULL : ERR_IO, "%.300s: %s", path, strerror(errno));
	log->attempt = attempt;
	log->redact = redact_new();
	return 0;
}

void job_log_close(struct job_log *log)
{
	if (log->fd >= 0)
		close(log->fd);
	redact_free(log->redact);
	log->fd = -1;
	log->redact = NULL;
}

static void tail_add(struct job_log *log, const char *data, size_t len)
{
	if (len > JOB_LOG_TAIL_MAX) {
		data += len - JOB_LOG_TAIL_MAX;
		len = JOB_LOG_TAIL_MAX;
	}
	if (log->tail_len + len > 2 * (size_t)JOB_LOG_TAIL_MAX) {
		memmove(log->tail, log->tail + log->tail_len - JOB_LOG_TAIL_MAX, JOB_LOG_TAIL_MAX);
		log->tail_len = JOB_LOG_TAIL_MAX;
	}
	/* Searched as text: a NUL would end it. */
	for (size_t i = 0; i < len; i++)
		log->tail[log->tail_len + i] = data[i] ? data[i] : ' ';
	log->tail_len += len;
	log->tail[log->tail_len] = '\0';
}

static int spool_write(struct job_log *log, const struct buf *bytes, struct error *err)
{
	const char *at = bytes->data;
	size_t left = bytes->len;

	if (log->size_bytes + (int64_t)left > JOB_LOG_MAX_BYTES)
		return error_set(err, ERR_INVALID, "the log is larger than the %lld bytes allowed", (long long)JOB_LOG_MAX_BYTES);
	while (left > 0) {
		ssize_t done = write(log->fd, at, left);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return error_set(err, errno == ENOSPC || errno == EDQUOT ? ERR_FULL : ERR_IO, "the attempt's log: %s",
					 strerror(errno));
		at += done;
		left -= (size_t)done;
		log->size_bytes += done;
	}
	if (bytes->len > 0) {
		tail_add(log, bytes->data, bytes->len);
		steps_bytes(&log->steps, bytes->data, bytes->len);
		log->on_log(log->attempt, log->size_bytes, log->arg);
	}
	return 0;
}

int job_log_pump(struct job_log *log, int pipe_fd, struct error *err)
{
	char piece[65536];
	ssize_t got;

	while ((got = read(pipe_fd, piece, sizeof(piece))) != 0) {
		CLEANUP(buf_clear) struct buf clean = { 0 };

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_set(err, ERR_IO, "the engine's output: %s", strerror(errno));
		redact_bytes(log->redact, piece, (size_t)got, &clean);
		if (spool_write(log, &clean, err) < 0)
			return -1;
	}
	CLEANUP(buf_clear) struct buf rest = { 0 };

	redact_end(log->redact, &rest);
	return spool_write(log, &rest, err);
}

int job_log_note(struct job_log *log, const char *text, struct error *err)
{
	CLEANUP(buf_clear) struct buf line = { 0 };

	buf_puts(&line, "manifold: ");
	redact_bytes(log->redact, text, strlen(text), &line);
	redact_end(log->redact, &line);
	buf_puts(&line, "\n");
	return spool_write(log, &line, err);
}
