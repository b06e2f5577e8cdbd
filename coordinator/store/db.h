/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One SQLite connection and its prepared statements, with the settings that durability rests on.
 * For coordinator/store only; one thread.
 */
#ifndef COORDINATOR_STORE_DB_H
#define COORDINATOR_STORE_DB_H

#include <sqlite3.h>

#include "common/cleanup.h"
#include "common/error.h"
#include "coordinator/store/sql.h"

struct db {
	sqlite3 *handle;
	sqlite3_stmt *stmt[QUERY_COUNT];
	char path[4096];
};

/* Connects to DIR/manifold.db, made (0600) when missing and allowed to write. On -1 db_close() it all the same. */
int db_open(struct db *db, const char *dir, bool is_reader, struct error *err);

/* Prepares the statements from first up to before end, and checks that they name what fields_of() names. */
int db_prepare(struct db *db, enum query first, enum query end, struct error *err);
void db_close(struct db *db);

/*
 * Sets err to what SQLite says happened. ERR_FULL: no space, the same may succeed later; ERR_UNAVAILABLE:
 * another process holds the file; ERR_NO_MEMORY; ERR_DATABASE: the rest, a failed fsync too.
 */
int db_fail(struct db *db, const char *doing, struct error *err);

/* For statements about the connection and the schema; no parameters, no results. */
int db_exec(struct db *db, const char *text, const char *doing, struct error *err);
/* The number that a statement without parameters gives. */
int db_number(struct db *db, const char *text, int64_t *ret_number, struct error *err);

/* 1: a row is there, 0: done, -1. */
int db_step(struct db *db, sqlite3_stmt *stmt, const char *doing, struct error *err);
/* Steps to the end and resets. */
int db_run(struct db *db, enum query query, const char *doing, struct error *err);
/* For CLEANUP: nothing stays open or bound. */
void db_reset(sqlite3_stmt **stmt);

/* By name; a name that the statement does not have is our own bug and ends the process. */
void db_bind_int64(sqlite3_stmt *stmt, const char *name, int64_t value);
void db_bind_text(sqlite3_stmt *stmt, const char *name, const char *text); /* borrowed until the reset; NULL is NULL */
void db_bind_blob(sqlite3_stmt *stmt, const char *name, const void *data, size_t size);

/* ROLLBACK, when SQLite has not done so by itself. */
void db_rollback(struct db *db);

#endif
