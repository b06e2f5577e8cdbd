/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/log_stream.h"

#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "common/mem.h"

#define LINE_MAX_BYTES 65536 /* a longer line is printed in pieces */
#define TRIES_MAX 600        /* half a second apart: the coordinator may be away so long */

struct log_stream {
	struct client *client;
	struct log_stream_config config;
	char platform[PLATFORM_TEXT_MAX];
	struct buf line;
	int attempt;       /* number of the one being read */
	int64_t offset;    /* of the next byte in it */
	atomic_bool is_cut, is_ended;
	pthread_t thread;
};

static void stream_put(struct log_stream *stream, const char *text, size_t len)
{
	pthread_mutex_lock(stream->config.out_lock);
	fprintf(stream->config.out, "[%s] ", stream->platform);
	fwrite(text, 1, len, stream->config.out);
	fputc('\n', stream->config.out);
	pthread_mutex_unlock(stream->config.out_lock);
}

static void stream_flush_line(struct log_stream *stream)
{
	if (stream->line.len)
		stream_put(stream, stream->line.data, stream->line.len);
	buf_clear(&stream->line);
}

static int on_log_data(const char *data, size_t len, void *arg)
{
	struct log_stream *stream = arg;
	const char *end = data + len;

	stream->offset += (int64_t)len;
	while (data < end) {
		const char *newline = memchr(data, '\n', (size_t)(end - data));
		size_t part = (size_t)((newline ? newline : end) - data);

		buf_append(&stream->line, data, part);
		if (newline && !stream->line.len)
			stream_put(stream, "", 0);
		if (newline || stream->line.len > LINE_MAX_BYTES)
			stream_flush_line(stream);
		data += part + (newline ? 1 : 0);
	}
	fflush(stream->config.out);
	return atomic_load(&stream->is_cut) ? -1 : 0;
}

/* What the job is now: 1 final and this was its last attempt, 0 go on (attempt may have moved on). */
static int stream_look(struct log_stream *stream, struct error *err)
{
	json_t *job = NULL;
	char path[64];
	int64_t newest;
	const char *state;
	int is_final;

	snprintf(path, sizeof(path), "/v1/jobs/%lld", (long long)stream->config.job);
	if (client_get(stream->client, path, &job, err) < 0)
		return -1;
	newest = json_integer_value(json_object_get(json_object_get(job, "attempt"), "number"));
	state = json_string_value(json_object_get(job, "state"));
	is_final = state && (strcmp(state, "succeeded") == 0 || strcmp(state, "failed") == 0 ||
			     strcmp(state, "cancelled") == 0);
	json_decref(job);
	return is_final && newest <= stream->attempt;
}

/* One attempt's log to its end. */
static int stream_attempt(struct log_stream *stream, struct error *err)
{
	struct client_stream sink = { .on_data = on_log_data, .arg = stream };
	char path[128];

	snprintf(path, sizeof(path), "/v1/jobs/%lld/log?follow=1&attempt=%d&offset=%lld",
		 (long long)stream->config.job, stream->attempt, (long long)stream->offset);
	return client_stream(stream->client, path, &sink, err);
}

static void stream_next_attempt(struct log_stream *stream)
{
	stream_flush_line(stream);
	stream->attempt++;
	stream->offset = 0;
}

static void *stream_run(void *arg)
{
	struct log_stream *stream = arg;
	struct timespec pause = { .tv_nsec = 500 * 1000000 };
	struct error err;
	int tries = 0;

	while (!atomic_load(&stream->is_cut) && tries < TRIES_MAX) {
		int rc = stream_attempt(stream, &err);

		if (rc == 0)
			rc = stream_look(stream, &err);
		if (rc == 1)
			break;
		if (rc == 0) {
			stream_next_attempt(stream);
			tries = 0;
		} else if (err.code == ERR_NOT_FOUND && stream_look(stream, &err) == 1) {
			break; /* it ended before it had such an attempt */
		} else {
			tries++;
			nanosleep(&pause, NULL);
		}
	}
	stream_flush_line(stream);
	atomic_store(&stream->is_ended, true);
	if (stream->config.on_end)
		stream->config.on_end(stream->config.arg);
	return NULL;
}

struct log_stream *log_stream_start(const struct client *client, const struct log_stream_config *config)
{
	struct log_stream *stream = mem_alloc(sizeof(*stream));

	stream->client = client_copy(client);
	stream->config = *config;
	snprintf(stream->platform, sizeof(stream->platform), "%s", config->platform);
	stream->attempt = 1;
	if (pthread_create(&stream->thread, NULL, stream_run, stream) != 0)
		abort();
	return stream;
}

void log_stream_join(struct log_stream *stream, bool is_cut)
{
	if (is_cut) {
		atomic_store(&stream->is_cut, true);
		client_abort(stream->client);
	}
	pthread_join(stream->thread, NULL);
	client_close(stream->client);
	buf_clear(&stream->line);
	mem_free(stream);
}

bool log_streams_ended(struct log_stream *const *streams, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!atomic_load(&streams[i]->is_ended))
			return false;
	}
	return true;
}
