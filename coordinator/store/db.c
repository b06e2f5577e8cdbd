/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/store/db.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fault.h"
#include "coordinator/store/fields.h"

/* Others write too, for moments: token creation, an operator's sqlite3. */
#define BUSY_TIMEOUT_MS 5000

/*
 * SQLite says SQLITE_FULL for ENOSPC alone. Not SQLITE_IOERR_WRITE, whose errno it does not keep, and never
 * SQLITE_IOERR_FSYNC: after a failed fsync nobody knows what is on disk.
 */
static bool is_out_of_space(int code)
{
	return (code & 0xff) == SQLITE_FULL || code == SQLITE_IOERR_SHMSIZE;
}

int db_fail(struct db *db, const char *doing, struct error *err)
{
	int extended = sqlite3_extended_errcode(db->handle);
	int code = extended & 0xff;
	enum err_code ours = ERR_DATABASE;

	if (is_out_of_space(extended))
		ours = ERR_FULL;
	else if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
		ours = ERR_UNAVAILABLE;
	else if (code == SQLITE_NOMEM)
		ours = ERR_NO_MEMORY;
	return error_set(err, ours, "%s: %s: %s (SQLite %d)", db->path, doing, sqlite3_errmsg(db->handle),
			 extended);
}

static int sync_dir(const char *dir, struct error *err)
{
	int fd = FAULT() ? -1 : open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd < 0 ? -1 : fsync(fd);
	int why = errno;

	if (fd >= 0)
		close(fd);
	if (rc < 0)
		return error_set(err, ERR_IO, "sync %s: %s", dir, strerror(why));
	return 0;
}

/*
 * A file of our own making is private from its first moment; SQLite gives -wal and -shm its mode. One that
 * exists is never opened here: closing it would drop the locks this process holds on it through SQLite.
 */
static int create_file(const char *path, const char *dir, struct error *err)
{
	int fd = FAULT() ? (errno = EIO, -1) : open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0 && errno != EEXIST)
		return error_set(err, errno == ENOSPC ? ERR_FULL : ERR_IO, "create %s: %s", path, strerror(errno));
	if (fd < 0)
		return 0;
	close(fd);
	return sync_dir(dir, err);
}

static int make_private(const char *path, struct error *err)
{
	struct stat st;

	if (stat(path, &st) < 0 || ((st.st_mode & 077) && chmod(path, 0600) < 0))
		return error_set(err, ERR_IO, "make %s private: %s", path, strerror(errno));
	return 0;
}

int db_exec(struct db *db, const char *text, const char *doing, struct error *err)
{
	if (FAULT() || sqlite3_exec(db->handle, text, NULL, NULL, NULL) != SQLITE_OK)
		return db_fail(db, doing, err);
	return 0;
}

static void finalize(sqlite3_stmt **stmt)
{
	sqlite3_finalize(*stmt);
}

int db_number(struct db *db, const char *text, int64_t *ret_number, struct error *err)
{
	CLEANUP(finalize) sqlite3_stmt *stmt = NULL;

	if (FAULT() || sqlite3_prepare_v2(db->handle, text, -1, &stmt, NULL) != SQLITE_OK ||
	    sqlite3_step(stmt) != SQLITE_ROW)
		return db_fail(db, text, err);
	*ret_number = sqlite3_column_int64(stmt, 0);
	return 0;
}

/* WAL, so that readers are never blocked; refused by file systems without shared memory. */
static int use_wal(struct db *db, struct error *err)
{
	CLEANUP(finalize) sqlite3_stmt *stmt = NULL;
	const char *mode;

	if (FAULT() || sqlite3_prepare_v2(db->handle, "PRAGMA journal_mode = WAL", -1, &stmt, NULL) != SQLITE_OK ||
	    sqlite3_step(stmt) != SQLITE_ROW)
		return db_fail(db, "use a write-ahead log", err);
	mode = (const char *)sqlite3_column_text(stmt, 0);
	if (!mode || strcmp(mode, "wal") != 0)
		return error_set(err, ERR_DATABASE, "%s: SQLite keeps journal_mode %s; "
				 "the data folder must be on a local file system", db->path, mode ? mode : "?");
	return 0;
}

static void configure(sqlite3 *handle)
{
	sqlite3_busy_timeout(handle, BUSY_TIMEOUT_MS);
	sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(handle, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	sqlite3_db_config(handle, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
	sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
}

/* What was told is on disk: each commit ends with an fsync. Checkpoints are ours to time. */
static int set_durability(struct db *db, struct error *err)
{
	int64_t synchronous;

	if (use_wal(db, err) < 0 ||
	    db_exec(db, "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;"
		    " PRAGMA journal_size_limit = 67108864; PRAGMA temp_store = MEMORY", "configure", err) < 0 ||
	    db_number(db, "PRAGMA synchronous", &synchronous, err) < 0)
		return -1;
	if (synchronous != 2)
		return error_set(err, ERR_DATABASE, "%s: SQLite does not keep synchronous = FULL", db->path);
	return 0;
}

int db_open(struct db *db, const char *dir, bool is_reader, struct error *err)
{
	int flags = SQLITE_OPEN_NOMUTEX | (is_reader ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE);

	memset(db, 0, sizeof(*db));
	if (snprintf(db->path, sizeof(db->path), "%s/manifold.db", dir) >= (int)sizeof(db->path))
		return error_set(err, ERR_INVALID, "data folder: the name is too long");
	if (!is_reader && (create_file(db->path, dir, err) < 0 || make_private(db->path, err) < 0))
		return -1;
	if (FAULT() || sqlite3_open_v2(db->path, &db->handle, flags, NULL) != SQLITE_OK)
		return db_fail(db, "open", err);
	configure(db->handle);
	return is_reader ? 0 : set_durability(db, err);
}

/* Names of parameters and columns against the field table: a swapped pair stops the start. */
static int check_names(struct db *db, enum query query, struct error *err)
{
	sqlite3_stmt *stmt = db->stmt[query];
	bool is_save = query >= Q_SAVE && query < Q_SAVE + ROW_KIND_COUNT;
	int kind = query_row_kind(query);
	const struct fields *fields;

	if (kind < 0)
		return 0;
	fields = fields_of((enum row_kind)kind);
	for (int i = 0; i < fields->count; i++) {
		const char *name = is_save ? sqlite3_bind_parameter_name(stmt, i + 1) : sqlite3_column_name(stmt, i);

		if (!name || strcmp(is_save ? name + 1 : name, fields->list[i].name) != 0)
			return error_set(err, ERR_INTERNAL, "statement %d has %s where %s belongs", (int)query,
					 name ? name : "nothing", fields->list[i].name);
	}
	return 0;
}

int db_prepare(struct db *db, enum query first, enum query end, struct error *err)
{
	for (enum query q = first; q < end; q++) {
		if (FAULT() || sqlite3_prepare_v3(db->handle, query_sql(q), -1, SQLITE_PREPARE_PERSISTENT, &db->stmt[q],
						  NULL) != SQLITE_OK)
			return db_fail(db, "prepare", err);
		if (check_names(db, q, err) < 0)
			return -1;
	}
	return 0;
}

void db_close(struct db *db)
{
	for (int q = 0; q < QUERY_COUNT; q++)
		sqlite3_finalize(db->stmt[q]);
	sqlite3_close(db->handle);
	memset(db, 0, sizeof(*db));
}

int db_step(struct db *db, sqlite3_stmt *stmt, const char *doing, struct error *err)
{
	int rc = FAULT() ? SQLITE_IOERR : sqlite3_step(stmt);

	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return db_fail(db, doing, err);
	return rc == SQLITE_ROW;
}

void db_reset(sqlite3_stmt **stmt)
{
	sqlite3_reset(*stmt);
	sqlite3_clear_bindings(*stmt);
}

int db_run(struct db *db, enum query query, const char *doing, struct error *err)
{
	CLEANUP(db_reset) sqlite3_stmt *stmt = db->stmt[query];
	int rc;

	while ((rc = db_step(db, stmt, doing, err)) > 0)
		;
	return rc;
}

static int parameter(sqlite3_stmt *stmt, const char *name)
{
	int at = sqlite3_bind_parameter_index(stmt, name);

	if (at > 0)
		return at;
	fprintf(stderr, "store: no parameter %s in: %s\n", name, sqlite3_sql(stmt));
	abort();
}

void db_bind_int64(sqlite3_stmt *stmt, const char *name, int64_t value)
{
	sqlite3_bind_int64(stmt, parameter(stmt, name), value);
}

void db_bind_text(sqlite3_stmt *stmt, const char *name, const char *text)
{
	sqlite3_bind_text(stmt, parameter(stmt, name), text, -1, SQLITE_STATIC);
}

void db_bind_blob(sqlite3_stmt *stmt, const char *name, const void *data, size_t size)
{
	sqlite3_bind_blob(stmt, parameter(stmt, name), data, (int)size, SQLITE_STATIC);
}

void db_rollback(struct db *db)
{
	if (!sqlite3_get_autocommit(db->handle))
		sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
}
