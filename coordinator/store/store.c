/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fault.h"
#include "common/mem.h"
#include "coordinator/store/fields.h"
#include "coordinator/store/inside.h"
#include "coordinator/store/migrate.h"

/* 64 MiB of 4 KiB pages. PASSIVE checkpoints keep up with less; a writer that never pauses can outrun them. */
#define WAL_PAGES_MAX 16384

static int make_dir(const char *dir, struct error *err)
{
	if (FAULT() || (mkdir(dir, 0700) < 0 && errno != EEXIST))
		return error_set(err, ERR_IO, "make data folder %s: %s", dir, strerror(errno));
	return 0;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static int lock_is_taken(int fd, const char *dir, struct error *err)
{
	char pid[24] = "";
	ssize_t n = pread(fd, pid, sizeof(pid) - 1, 0);

	pid[n > 0 ? n : 0] = '\0';
	pid[strspn(pid, "0123456789")] = '\0';
	return error_set(err, ERR_CONFLICT, "data folder %s is in use by the coordinator with pid %s: "
			 "stop that one, or give this one another folder", dir, pid[0] ? pid : "(unknown)");
}

int store_lock_dir(const char *dir, int *ret_fd, struct error *err)
{
	CLEANUP(close_fd) int fd = -1;
	char path[4096];

	if (make_dir(dir, err) < 0)
		return -1;
	if (snprintf(path, sizeof(path), "%s/lock", dir) >= (int)sizeof(path))
		return error_set(err, ERR_INVALID, "data folder: the name is too long");
	fd = FAULT() ? (errno = EIO, -1) : open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_set(err, ERR_IO, "open %s: %s", path, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		return lock_is_taken(fd, dir, err);
	/* A full disk must not keep a coordinator from starting: the pid is a courtesy. */
	if (ftruncate(fd, 0) == 0)
		(void)!dprintf(fd, "%ld\n", (long)getpid());
	*ret_fd = fd;
	fd = -1;
	return 0;
}

static int on_wal_grown(void *arg, sqlite3 *handle, const char *name, int pages)
{
	struct store *store = arg;

	(void)handle;
	(void)name;
	store->wal_pages = pages;
	return SQLITE_OK;
}

int store_open(const char *dir, struct store **ret_store, struct error *err)
{
	CLEANUP(store_closep) struct store *store = mem_alloc(sizeof(*store));

	if (make_dir(dir, err) < 0 || db_open(&store->db, dir, false, err) < 0 ||
	    migrate_run(&store->db, migrate_newest(), err) < 0 ||
	    db_prepare(&store->db, Q_BEGIN_READ, Q_STORE_END, err) < 0)
		return error_wrap(err, "open store");
	sqlite3_wal_hook(store->db.handle, on_wal_grown, store);
	*ret_store = TAKE(store);
	return 0;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	db_close(&store->db);
	mem_free(store);
}

/* The union's members all begin where the union does. */
static int save(struct store *store, const struct row *row, struct error *err)
{
	enum query query = (enum query)(Q_SAVE + (int)row->kind);
	CLEANUP(db_reset) sqlite3_stmt *stmt = store->db.stmt[query];

	if (fields_bind(fields_of(row->kind), stmt, &row->build) != SQLITE_OK)
		return db_fail(&store->db, "bind", err);
	return db_step(&store->db, stmt, "save", err);
}

/* Builds first: a job's row takes its project from its build's. */
static int save_all(struct store *store, struct row *const *rows, size_t count, struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		if (rows[i]->kind == ROW_BUILD && save(store, rows[i], err) < 0)
			return -1;
	}
	for (size_t i = 0; i < count; i++) {
		if (rows[i]->kind != ROW_BUILD && save(store, rows[i], err) < 0)
			return -1;
	}
	return db_run(&store->db, Q_COMMIT, "commit", err);
}

int store_commit(struct store *store, struct row *const *rows, size_t count, struct error *err)
{
	if (count == 0)
		return 0;
	if (db_run(&store->db, Q_BEGIN_WRITE, "begin", err) < 0)
		return -1;
	if (save_all(store, rows, count, err) < 0) {
		db_rollback(&store->db);
		return -1;
	}
	return 0;
}

static int checkpoint(struct store *store, int mode, struct error *err)
{
	int rc = FAULT() ? SQLITE_IOERR : sqlite3_wal_checkpoint_v2(store->db.handle, NULL, mode, NULL, NULL);

	/* Busy: another connection does just this, or a reader is in the way; the next one goes on. */
	if (rc == SQLITE_OK || rc == SQLITE_BUSY || rc == SQLITE_LOCKED)
		return 0;
	return db_fail(&store->db, "checkpoint", err);
}

int store_checkpoint(struct store *store, struct error *err)
{
	return checkpoint(store, SQLITE_CHECKPOINT_PASSIVE, err);
}

bool store_needs_checkpoint(const struct store *store)
{
	return store->wal_pages > WAL_PAGES_MAX;
}

int store_truncate(struct store *store, struct error *err)
{
	return checkpoint(store, SQLITE_CHECKPOINT_TRUNCATE, err);
}
