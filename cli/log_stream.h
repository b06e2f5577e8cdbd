/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One job's log, followed on a thread of its own and printed line by line with the platform in front.
 * A broken connection is taken up again at the byte where it broke; a lost attempt's log is followed
 * by the next attempt's.
 */
#ifndef CLI_LOG_STREAM_H
#define CLI_LOG_STREAM_H

#include <pthread.h>
#include <stdio.h>

#include "cli/client.h"
#include "common/wire/spec.h"

struct log_stream;

struct log_stream_config {
	int64_t job;
	const char *platform;      /* copied */
	FILE *out;
	pthread_mutex_t *out_lock; /* held while a line is written */
	void (*on_end)(void *arg); /* on its thread, when everything is printed; NULL: tell nobody */
	void *arg;
};

struct log_stream *log_stream_start(const struct client *client, const struct log_stream_config *config);

/* Waits for its end (is_cut: ends it now) and frees. */
void log_stream_join(struct log_stream *stream, bool is_cut);

/* True when all of them have printed everything. */
bool log_streams_ended(struct log_stream *const *streams, size_t count);

#endif
