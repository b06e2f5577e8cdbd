/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/fault.h"
#include "common/mem.h"

#define PATH_BYTES 4096
#define EVENTS_BYTES_MAX (64 * 1024)

struct journal {
	char dir[PATH_BYTES - 64];
};

static void close_fdp(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static int io_fail(const char *what, const char *path, struct error *err)
{
	bool is_full = errno == ENOSPC || errno == EDQUOT;

	return error_set(err, is_full ? ERR_FULL : ERR_IO, "%s %s: %s", what, path, strerror(errno));
}

/* name NULL: the folder itself. */
static void make_path(const struct journal *journal, int64_t attempt, const char *name, char path[PATH_BYTES])
{
	snprintf(path, PATH_BYTES, "%s/%" PRId64 "%s%s", journal->dir, attempt, name ? "/" : "", name ? name : "");
}

static int sync_dir(const char *path, struct error *err)
{
	CLEANUP(close_fdp) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return io_fail("sync", path, err);
	return 0;
}

static int make_dir(const char *path, struct error *err)
{
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return io_fail("make", path, err);
	return 0;
}

int journal_open(const char *state_dir, struct journal **ret_journal, struct error *err)
{
	CLEANUP(journal_closep) struct journal *journal = mem_alloc(sizeof(*journal));
	int len = snprintf(journal->dir, sizeof(journal->dir), "%s/attempts", state_dir);

	if (len < 0 || (size_t)len >= sizeof(journal->dir))
		return error_set(err, ERR_INVALID, "%s: the path is too long", state_dir);
	if (make_dir(state_dir, err) < 0 || make_dir(journal->dir, err) < 0)
		return -1;
	*ret_journal = TAKE(journal);
	return 0;
}

void journal_close(struct journal *journal)
{
	mem_free(journal);
}

/* All of data at the file's end, synced; or the file as it was. */
static int append(const char *path, const char *data, size_t len, struct error *err)
{
	CLEANUP(close_fdp) int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct stat before;
	ssize_t n;
	int errnum;

	if (fd < 0 || fstat(fd, &before) < 0)
		return io_fail("open", path, err);
	n = FAULT() ? (errno = ENOSPC, -1) : write(fd, data, len);
	if (n == (ssize_t)len && fdatasync(fd) == 0)
		return 0;
	errnum = n >= 0 && n < (ssize_t)len ? ENOSPC : errno;
	if (ftruncate(fd, before.st_size) < 0)
		errnum = errno;
	errno = errnum;
	return io_fail("write", path, err);
}

int journal_offer(struct journal *journal, const struct wire_offer *offer, struct error *err)
{
	struct wire_message msg = { .type = WIRE_OFFER, .offer = *offer };
	CLEANUP(mem_freep) char *text = wire_encode(&msg);
	char folder[PATH_BYTES], path[PATH_BYTES];

	make_path(journal, offer->attempt, NULL, folder);
	make_path(journal, offer->attempt, "offer.json", path);
	if (make_dir(folder, err) < 0)
		return -1;
	if (append(path, text, strlen(text), err) < 0 || sync_dir(folder, err) < 0 || sync_dir(journal->dir, err) < 0) {
		struct error ignored;

		journal_remove(journal, offer->attempt, &ignored);
		return -1;
	}
	return 0;
}

int journal_event(struct journal *journal, int64_t attempt, const struct wire_message *event, struct error *err)
{
	CLEANUP(buf_clear) struct buf line = { 0 };
	CLEANUP(mem_freep) char *text = wire_encode(event);
	char folder[PATH_BYTES], path[PATH_BYTES];

	make_path(journal, attempt, NULL, folder);
	make_path(journal, attempt, "events", path);
	buf_printf(&line, "%s\n", text);
	if (append(path, line.data, line.len, err) < 0)
		return -1;
	return sync_dir(folder, err);
}

/* Inside a rootfs nothing is ours to judge: what cannot be removed is reported by the last rmdir. */
static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	remove(path);
	return 0;
}

int journal_remove(struct journal *journal, int64_t attempt, struct error *err)
{
	char folder[PATH_BYTES];
	struct stat st;

	make_path(journal, attempt, NULL, folder);
	nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	if (lstat(folder, &st) == 0)
		return error_set(err, ERR_IO, "remove %s: something in it cannot be removed", folder);
	return 0;
}

static int read_events(const char *path, struct buf *text, struct error *err)
{
	CLEANUP(close_fdp) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char piece[4096];
	ssize_t n;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return io_fail("open", path, err);
	while ((n = read(fd, piece, sizeof(piece))) > 0) {
		buf_append(text, piece, (size_t)n);
		if (text->len > EVENTS_BYTES_MAX)
			return error_set(err, ERR_INVALID, "%s: larger than any right one", path);
	}
	return n < 0 ? io_fail("read", path, err) : 0;
}

int64_t journal_seq(const struct wire_message *event)
{
	switch (event->type) {
	case WIRE_STARTED:
		return event->started.seq;
	case WIRE_RESULT:
		return event->result.seq;
	case WIRE_CANCELLED:
		return event->cancelled.seq;
	default:
		return 0;
	}
}

/* A line may be there twice, when its first write was on disk and yet said to have failed. */
static size_t decode_events(const struct buf *text, struct wire_message events[JOURNAL_EVENTS_MAX])
{
	const char *at = buf_text(text), *end;
	struct error ignored;
	size_t count = 0;

	for (; count < JOURNAL_EVENTS_MAX && (end = strchr(at, '\n')); at = end + 1) {
		struct wire_message *event = &events[count];

		if (wire_decode(at, (size_t)(end - at), event, &ignored) != 0)
			continue;
		if (journal_seq(event) > (count > 0 ? journal_seq(&events[count - 1]) : 0))
			count++;
		else
			wire_message_clear(event);
	}
	return count;
}

/* A name that is no attempt's is left alone. */
static int64_t attempt_of(const char *name)
{
	char *end;
	long long attempt = strtoll(name, &end, 10);

	return *end == '\0' && attempt > 0 ? attempt : 0;
}

int journal_load(struct journal *journal, void (*on_attempt)(const struct journal_entry *entry, void *arg), void *arg,
		 struct error *err)
{
	struct dirent **names;
	int count = scandir(journal->dir, &names, NULL, alphasort);
	int rc = 0;

	if (count < 0)
		return io_fail("read", journal->dir, err);
	for (int i = 0; i < count; i++) {
		struct wire_message events[JOURNAL_EVENTS_MAX];
		struct journal_entry entry = { attempt_of(names[i]->d_name), events, 0 };
		CLEANUP(buf_clear) struct buf text = { 0 };
		char path[PATH_BYTES];

		make_path(journal, entry.attempt, "events", path);
		if (entry.attempt > 0 && rc == 0)
			rc = read_events(path, &text, err);
		if (entry.attempt > 0 && rc == 0) {
			entry.event_count = decode_events(&text, events);
			on_attempt(&entry, arg);
		}
		for (size_t k = 0; k < entry.event_count; k++)
			wire_message_clear(&events[k]);
		free(names[i]);
	}
	free(names);
	return rc;
}

int journal_log_path(const struct journal *journal, int64_t attempt, char *path, size_t size)
{
	int len = snprintf(path, size, "%s/%" PRId64 "/log", journal->dir, attempt);

	return len > 0 && (size_t)len < size ? 0 : -1;
}
