/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log thread takes what came together, writes it, then syncs each file once: many small appends
 * cost one fdatasync. A full disk is waited out in place: no credit leaves meanwhile, so what waits
 * is bounded by the senders' windows. Any other failed write or sync ends the process, for a failed
 * fsync says nothing about the bytes before it; the next life goes on from what is on disk.
 */
#include "coordinator/logs/logs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/fault.h"
#include "common/log.h"
#include "common/mailbox.h"
#include "common/mem.h"

#define OPEN_FILES_MAX 128
#define FULL_RETRY_MS 250
#define PATH_MAX_BYTES 4096

enum order_kind { ORDER_APPEND, ORDER_ASK, ORDER_STOP };

struct order {
	struct message message;
	enum order_kind kind;
	int64_t attempt, offset;
	size_t len;
	unsigned char data[];
};

struct file {
	int64_t attempt;  /* 0: unused */
	int fd;           /* -1: nothing was ever written */
	int64_t size_bytes;
	uint64_t used_at; /* for choosing which to close */
	bool is_dirty;    /* needs a sync */
	bool is_asked;    /* on_durable is due at the end of this round */
};

struct logs {
	char dir[PATH_MAX_BYTES];
	void (*on_durable)(int64_t attempt, int64_t durable_bytes, void *arg);
	void *arg;
	struct mailbox *box;
	pthread_t thread;
	atomic_bool is_stopping;
	struct file files[OPEN_FILES_MAX];
	uint64_t round;
	bool is_dir_dirty;
	bool is_full;
};

static void order_free(struct message *msg)
{
	mem_free((struct order *)msg);
}

static void fail(const char *what, int64_t attempt)
{
	LOG(LOG_ERROR, "log.failed", KV("what", what), KV("attempt", attempt), KV("error", strerror(errno)));
	abort();
}

static int file_path(const char *dir, int64_t attempt, char path[PATH_MAX_BYTES])
{
	int len = snprintf(path, PATH_MAX_BYTES, "%s/%" PRId64 ".log", dir, attempt);

	return len > 0 && len < PATH_MAX_BYTES ? 0 : -1;
}

static bool is_disk_full(int errnum)
{
	return errnum == ENOSPC || errnum == EDQUOT;
}

/* False when it is time to stop instead. */
static bool wait_for_space(struct logs *logs, int64_t attempt)
{
	struct timespec pause = { .tv_nsec = FULL_RETRY_MS * 1000000L };

	if (!logs->is_full)
		LOG(LOG_ERROR, "log.disk-full", KV("attempt", attempt), KV("dir", logs->dir));
	logs->is_full = true;
	if (atomic_load(&logs->is_stopping))
		return false;
	clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
	return true;
}

static void file_sync(struct logs *logs, struct file *file)
{
	if (!file->attempt)
		return;
	if (file->is_dirty && fdatasync(file->fd) < 0)
		fail("fdatasync", file->attempt);
	file->is_dirty = false;
	if (file->is_asked) {
		file->is_asked = false;
		logs->on_durable(file->attempt, file->size_bytes, logs->arg);
	}
}

static void dir_sync(struct logs *logs)
{
	int fd;

	if (!logs->is_dir_dirty)
		return;
	fd = open(logs->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		fail("fsync of the folder", 0);
	close(fd);
	logs->is_dir_dirty = false;
}

static void file_close(struct logs *logs, struct file *file)
{
	dir_sync(logs);
	file_sync(logs, file);
	if (file->fd >= 0)
		close(file->fd);
	*file = (struct file){ .fd = -1 };
}

/* The attempt's place in the table, and a free one or the longest unused one for a new attempt. */
static struct file *file_find(struct logs *logs, int64_t attempt)
{
	struct file *oldest = &logs->files[0];

	for (size_t i = 0; i < OPEN_FILES_MAX; i++) {
		struct file *file = &logs->files[i];

		if (file->attempt == attempt) {
			file->used_at = ++logs->round;
			return file;
		}
		if (file->used_at < oldest->used_at)
			oldest = file;
	}
	file_close(logs, oldest);
	oldest->attempt = attempt;
	oldest->used_at = ++logs->round;
	return oldest;
}

/* What an earlier life wrote may not be synced yet, so a file just opened counts as dirty. */
static int file_open(struct logs *logs, struct file *file, bool is_made)
{
	char path[PATH_MAX_BYTES];
	struct stat st;
	int fd = -1;

	if (file->fd >= 0)
		return 0;
	if (file_path(logs->dir, file->attempt, path) == 0)
		fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT && is_made) {
		fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
		logs->is_dir_dirty = true;
	}
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0)
		fail("fstat", file->attempt);
	file->fd = fd;
	file->size_bytes = st.st_size;
	file->is_dirty = true;
	return 0;
}

static ssize_t write_some(int fd, const unsigned char *data, size_t len, int64_t offset)
{
	if (FAULT()) {
		errno = ENOSPC;
		return -1;
	}
	return pwrite(fd, data, len, (off_t)offset);
}

static void append(struct logs *logs, struct file *file, const struct order *order)
{
	const unsigned char *data = order->data;
	size_t len = order->len;

	while (file_open(logs, file, true) < 0) {
		if (!is_disk_full(errno))
			fail("open", file->attempt);
		if (!wait_for_space(logs, file->attempt))
			return;
	}
	if (order->offset > file->size_bytes || order->offset + (int64_t)len <= file->size_bytes)
		return;
	data += file->size_bytes - order->offset;
	len -= (size_t)(file->size_bytes - order->offset);
	while (len > 0) {
		ssize_t n = write_some(file->fd, data, len, file->size_bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && !is_disk_full(errno))
			fail("write", file->attempt);
		if (n < 0 && !wait_for_space(logs, file->attempt))
			return;
		if (n <= 0)
			continue;
		logs->is_full = false;
		file->is_dirty = true;
		file->size_bytes += n;
		data += n;
		len -= (size_t)n;
	}
}

/* Returns whether it was the last order. */
static bool take_order(struct logs *logs, const struct order *order)
{
	struct file *file;

	if (order->kind == ORDER_STOP)
		return true;
	file = file_find(logs, order->attempt);
	file->is_asked = true;
	if (order->kind == ORDER_APPEND)
		append(logs, file, order);
	else if (file_open(logs, file, false) < 0 && errno != ENOENT)
		fail("open", file->attempt);
	return false;
}

static void *logs_run(void *arg)
{
	struct logs *logs = arg;
	bool is_last = false;

	while (!is_last) {
		struct message *next;

		for (struct message *msg = mailbox_wait(logs->box); msg; msg = next) {
			next = msg->next;
			is_last = take_order(logs, (struct order *)msg) || is_last;
			order_free(msg);
		}
		dir_sync(logs);
		for (size_t i = 0; i < OPEN_FILES_MAX; i++)
			file_sync(logs, &logs->files[i]);
	}
	for (size_t i = 0; i < OPEN_FILES_MAX; i++)
		file_close(logs, &logs->files[i]);
	return NULL;
}

static void logs_free(struct logs *logs)
{
	mailbox_free(logs->box);
	mem_free(logs);
}

DEFINE_CLEANUP(struct logs *, logs_free)

static int make_dir(const char *dir, char path[PATH_MAX_BYTES], struct error *err)
{
	int len = snprintf(path, PATH_MAX_BYTES, "%s/logs", dir);

	if (len < 0 || len >= PATH_MAX_BYTES - 32)
		return error_set(err, ERR_INVALID, "%s: the path is too long", dir);
	if (mkdir(path, 0750) < 0 && errno != EEXIST)
		return error_set(err, ERR_IO, "make %s: %s", path, strerror(errno));
	return 0;
}

int logs_start(const char *dir, void (*on_durable)(int64_t attempt, int64_t durable_bytes, void *arg), void *arg,
	       struct logs **ret_logs, struct error *err)
{
	CLEANUP(logs_freep) struct logs *logs = mem_alloc(sizeof(*logs));
	sigset_t all, before;
	int rc;

	if (make_dir(dir, logs->dir, err) < 0)
		return error_wrap(err, "logs");
	for (size_t i = 0; i < OPEN_FILES_MAX; i++)
		logs->files[i].fd = -1;
	logs->on_durable = on_durable;
	logs->arg = arg;
	logs->is_dir_dirty = true;
	logs->box = mailbox_new(NULL, NULL);
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	rc = pthread_create(&logs->thread, NULL, logs_run, logs);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc != 0)
		return error_set(err, ERR_INTERNAL, "logs: no thread: %s", strerror(rc));
	*ret_logs = TAKE(logs);
	return 0;
}

static struct order *order_new(enum order_kind kind, int64_t attempt, int64_t offset, size_t len)
{
	struct order *order = mem_alloc(sizeof(*order) + len);

	order->message.free = order_free;
	order->kind = kind;
	order->attempt = attempt;
	order->offset = offset;
	order->len = len;
	return order;
}

void logs_stop(struct logs *logs)
{
	if (!logs)
		return;
	atomic_store(&logs->is_stopping, true);
	mailbox_post(logs->box, &order_new(ORDER_STOP, 0, 0, 0)->message);
	pthread_join(logs->thread, NULL);
	logs_free(logs);
}

void logs_append(struct logs *logs, int64_t attempt, int64_t offset, const void *data, size_t len)
{
	struct order *order = order_new(ORDER_APPEND, attempt, offset, len);

	if (len > 0)
		memcpy(order->data, data, len);
	mailbox_post(logs->box, &order->message);
}

void logs_ask(struct logs *logs, int64_t attempt)
{
	mailbox_post(logs->box, &order_new(ORDER_ASK, attempt, 0, 0)->message);
}

int logs_open_read(const char *dir, int64_t attempt, int *ret_fd, struct error *err)
{
	char logs_dir[PATH_MAX_BYTES - 32], path[PATH_MAX_BYTES];
	int len = snprintf(logs_dir, sizeof(logs_dir), "%s/logs", dir);
	int fd;

	if (len < 0 || (size_t)len >= sizeof(logs_dir) || file_path(logs_dir, attempt, path) < 0)
		return error_set(err, ERR_INVALID, "%s: the path is too long", dir);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT)
		return error_set(err, ERR_NOT_FOUND, "attempt %" PRId64 " has no log yet", attempt);
	if (fd < 0)
		return error_set(err, ERR_IO, "open %s: %s", path, strerror(errno));
	*ret_fd = fd;
	return 0;
}
