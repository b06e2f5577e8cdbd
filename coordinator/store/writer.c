/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/store/writer.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/fault.h"
#include "common/mem.h"
#include "coordinator/store/ballast.h"

/* Rows of one transaction; a single batch may be larger. */
#define GROUP_ROWS_MAX 4096
#define CHECKPOINT_INTERVAL_MS 300
/* Each waits for SQLite's busy timeout: about a minute that another process holds the file. */
#define BUSY_TRIES_MAX 12
#define EXIT_FAILED 70

struct writer {
	struct writer_ports ports;
	struct store *store;              /* the writing thread's */
	struct store *checkpoint_store;   /* the checkpointing thread's */
	struct ballast ballast;           /* the writing thread's, as the next line is */
	bool is_full, starts_full, is_done;
	struct mailbox *mailbox;
	struct batch stop_mark, nudge_mark; /* known by their address */
	atomic_bool wants_nudge, nudge_is_posted;
	pthread_t thread, checkpoint_thread;
	pthread_mutex_t lock;             /* of is_stopping */
	pthread_cond_t stopping;
	bool is_stopping;
};

/* Nothing may be told and nothing tried again: what is on disk decides, at the next start. */
static void fail(struct writer *writer, const struct error *err)
{
	if (writer->ports.on_failed)
		writer->ports.on_failed(err, writer->ports.arg);
	else
		fprintf(stderr, "writer: %s\n", err->msg);
	_exit(EXIT_FAILED);
}

/* True when the writer is to stop; false after an interval. */
static bool wait_interval(struct writer *writer)
{
	struct timespec until;
	bool is_stopping;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += CHECKPOINT_INTERVAL_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	pthread_mutex_lock(&writer->lock);
	while (!writer->is_stopping && pthread_cond_timedwait(&writer->stopping, &writer->lock, &until) != ETIMEDOUT)
		;
	is_stopping = writer->is_stopping;
	pthread_mutex_unlock(&writer->lock);
	return is_stopping;
}

/*
 * Checkpoints, outside the acknowledged path. A failed one may have left pages that the kernel believes
 * clean: going on could empty a log that is still needed. Only lack of space is harmless.
 */
static void *checkpoint_run(void *arg)
{
	struct writer *writer = arg;
	struct error err;

	while (!wait_interval(writer)) {
		if (store_checkpoint(writer->checkpoint_store, &err) < 0 && err.code != ERR_FULL)
			fail(writer, &err);
		if (atomic_load(&writer->wants_nudge) && !atomic_exchange(&writer->nudge_is_posted, true))
			mailbox_post(writer->mailbox, &writer->nudge_mark.message);
	}
	return NULL;
}

static void set_full(struct writer *writer, bool is_full)
{
	if (writer->is_full == is_full)
		return;
	writer->is_full = is_full;
	if (writer->ports.on_full)
		writer->ports.on_full(is_full, writer->ports.arg);
}

/* After a commit that went well, or from time to time: is the disk good for new work again? */
static void recover(struct writer *writer)
{
	struct error err;
	int rc;

	if (!writer->is_full)
		return;
	atomic_store(&writer->wants_nudge, false);
	rc = ballast_fill(&writer->ballast, &err);
	if (rc < 0)
		fail(writer, &err);
	if (rc == 0)
		set_full(writer, false);
	else
		atomic_store(&writer->wants_nudge, true);
}

/*
 * Until the rows are on disk. True; or false when the writer is to stop and the disk still takes
 * nothing: then they are lost as in a power cut, and nobody was told.
 */
static bool commit(struct writer *writer, struct row *const *rows, size_t count)
{
	struct error err;
	int busy = 0;

	while (store_commit(writer->store, rows, count, &err) < 0) {
		if (err.code != ERR_FULL && (err.code != ERR_UNAVAILABLE || ++busy == BUSY_TRIES_MAX))
			fail(writer, &err);
		if (err.code == ERR_FULL) {
			set_full(writer, true);
			if (ballast_free(&writer->ballast))
				continue;
		}
		if (wait_interval(writer))
			return store_commit(writer->store, rows, count, &err) == 0;
	}
	return true;
}

static void free_rows(struct batch *batch)
{
	for (size_t i = 0; i < batch->row_count; i++) {
		row_clear(batch->rows[i]);
		mem_free(batch->rows[i]);
	}
	mem_free(batch->rows);
	batch->rows = NULL;
	batch->row_count = 0;
}

static bool is_mark(const struct writer *writer, const struct message *msg)
{
	return msg == &writer->stop_mark.message || msg == &writer->nudge_mark.message;
}

static struct batch *batch_of(struct message *msg)
{
	return (struct batch *)msg;
}

/* The end of the group that begins with first: as many batches as fit into one transaction. */
static struct message *group_end(struct writer *writer, struct message *first, size_t *ret_rows)
{
	size_t rows = batch_of(first)->row_count;
	struct message *end = first->next;

	for (; end && !is_mark(writer, end); end = end->next) {
		if (rows + batch_of(end)->row_count > GROUP_ROWS_MAX)
			break;
		rows += batch_of(end)->row_count;
	}
	*ret_rows = rows;
	return end;
}

static bool commit_group(struct writer *writer, struct message *first, struct message *end, size_t count)
{
	CLEANUP(mem_freep) struct row **rows = NULL;
	size_t n = 0;

	if (count == 0)
		return true;
	rows = mem_alloc(count * sizeof(*rows));
	for (struct message *msg = first; msg != end; msg = msg->next) {
		if (batch_of(msg)->row_count)
			memcpy(rows + n, batch_of(msg)->rows, batch_of(msg)->row_count * sizeof(*rows));
		n += batch_of(msg)->row_count;
	}
	return commit(writer, rows, count);
}

static void free_messages(struct writer *writer, struct message *msg)
{
	for (struct message *next; msg; msg = next) {
		next = msg->next;
		if (!is_mark(writer, msg) && msg->free)
			msg->free(msg);
	}
}

/* One transaction, then the batches in order; gives what is left. */
static struct message *write_group(struct writer *writer, struct message *first)
{
	struct error err;
	size_t rows;
	struct message *end = group_end(writer, first, &rows);

	if (!commit_group(writer, first, end, rows)) {
		writer->is_done = true;
		free_messages(writer, first);
		return NULL;
	}
	for (struct message *msg = first, *next; msg != end; msg = next) {
		next = msg->next;
		free_rows(batch_of(msg));
		writer->ports.on_durable(batch_of(msg), writer->ports.arg);
	}
	recover(writer);
	if (rows && store_needs_checkpoint(writer->store) && store_checkpoint(writer->store, &err) < 0 &&
	    err.code != ERR_FULL)
		fail(writer, &err);
	return end;
}

/* A mark may be posted again once it says so; what comes after it is read before. */
static struct message *on_mark(struct writer *writer, struct message *msg)
{
	struct message *next = msg->next;

	if (msg == &writer->stop_mark.message)
		writer->is_done = true;
	else
		atomic_store(&writer->nudge_is_posted, false);
	return next;
}

static void *writer_run(void *arg)
{
	struct writer *writer = arg;

	set_full(writer, writer->starts_full);
	recover(writer);
	while (!writer->is_done) {
		struct message *msg = mailbox_wait(writer->mailbox);

		while (msg) {
			if (!is_mark(writer, msg)) {
				msg = write_group(writer, msg);
				continue;
			}
			msg = on_mark(writer, msg);
			recover(writer);
		}
	}
	return NULL;
}

static void writer_free(struct writer *writer)
{
	if (!writer)
		return;
	mailbox_free(writer->mailbox);
	store_close(writer->checkpoint_store);
	store_close(writer->store);
	pthread_cond_destroy(&writer->stopping);
	pthread_mutex_destroy(&writer->lock);
	mem_free(writer);
}
DEFINE_CLEANUP(struct writer *, writer_free)

static struct writer *writer_new(const struct writer_ports *ports)
{
	struct writer *writer = mem_alloc(sizeof(*writer));
	pthread_condattr_t attr;

	writer->ports = *ports;
	writer->mailbox = mailbox_new(NULL, NULL);
	pthread_mutex_init(&writer->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&writer->stopping, &attr);
	pthread_condattr_destroy(&attr);
	return writer;
}

static void stop_thread(struct writer *writer, pthread_t thread)
{
	pthread_mutex_lock(&writer->lock);
	writer->is_stopping = true;
	pthread_cond_broadcast(&writer->stopping);
	pthread_mutex_unlock(&writer->lock);
	pthread_join(thread, NULL);
}

static int start_threads(struct writer *writer, struct error *err)
{
	int why = FAULT() ? EAGAIN : pthread_create(&writer->checkpoint_thread, NULL, checkpoint_run, writer);

	if (why != 0)
		return error_set(err, ERR_INTERNAL, "start checkpoint thread: %s", strerror(why));
	why = FAULT() ? EAGAIN : pthread_create(&writer->thread, NULL, writer_run, writer);
	if (why == 0)
		return 0;
	stop_thread(writer, writer->checkpoint_thread);
	return error_set(err, ERR_INTERNAL, "start writer thread: %s", strerror(why));
}

int writer_start(const char *dir, int64_t ballast_bytes, const struct writer_ports *ports, struct writer **ret_writer,
		 struct error *err)
{
	CLEANUP(writer_freep) struct writer *writer = writer_new(ports);
	int rc;

	if (store_open(dir, &writer->store, err) < 0 || store_open(dir, &writer->checkpoint_store, err) < 0 ||
	    ballast_init(&writer->ballast, dir, ballast_bytes, err) < 0)
		return error_wrap(err, "start writer");
	rc = ballast_fill(&writer->ballast, err);
	if (rc < 0)
		return error_wrap(err, "start writer");
	writer->starts_full = rc == BALLAST_NO_ROOM;
	if (start_threads(writer, err) < 0)
		return -1;
	*ret_writer = TAKE(writer);
	return 0;
}

void writer_post(struct writer *writer, struct batch *batch)
{
	mailbox_post(writer->mailbox, &batch->message);
}

void writer_stop(struct writer *writer)
{
	struct error err;

	if (!writer)
		return;
	mailbox_post(writer->mailbox, &writer->stop_mark.message);
	stop_thread(writer, writer->thread);
	pthread_join(writer->checkpoint_thread, NULL);
	/* A log that stays is read at the next start; so nothing is lost when this fails. */
	(void)store_truncate(writer->store, &err);
	writer_free(writer);
}
