/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/store/migrate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/fault.h"

extern const char schema_0001_init[]; /* schema/sql/0001_init.sql, see Makefile */

static const char *const steps[] = { schema_0001_init };

const struct migrations *migrate_newest(void)
{
	static const struct migrations newest = { steps, sizeof(steps) / sizeof(steps[0]) };

	return &newest;
}

static int read_version(struct db *db, int64_t *ret_version, struct error *err)
{
	return db_number(db, "PRAGMA user_version", ret_version, err);
}

static void finalize(sqlite3_stmt **stmt)
{
	sqlite3_finalize(*stmt);
}

static int vacuum_into(struct db *db, const char *path, struct error *err)
{
	CLEANUP(finalize) sqlite3_stmt *stmt = NULL;

	if (FAULT() || sqlite3_prepare_v2(db->handle, "VACUUM INTO :path", -1, &stmt, NULL) != SQLITE_OK)
		return db_fail(db, "copy", err);
	db_bind_text(stmt, ":path", path);
	return db_step(db, stmt, "copy", err);
}

/* Written under another name first: a copy that was cut short must not pass for one. */
static int copy_before(struct db *db, int64_t version, struct error *err)
{
	char path[sizeof(db->path) + 40], part[sizeof(path) + 8];
	int fd;

	snprintf(path, sizeof(path), "%s.before-%lld", db->path, (long long)version + 1);
	snprintf(part, sizeof(part), "%s.part", path);
	unlink(part);
	fd = open(part, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_set(err, ERR_IO, "create %s: %s", part, strerror(errno));
	if (vacuum_into(db, part, err) < 0 || (fsync(fd) < 0 && error_set(err, ERR_IO, "sync %s: %s", part, strerror(errno)))) {
		close(fd);
		unlink(part);
		return -1;
	}
	close(fd);
	if (rename(part, path) < 0)
		return error_set(err, ERR_IO, "rename %s: %s", part, strerror(errno));
	return 0;
}

/* Inside the transaction; another process may have been quicker. */
static int apply(struct db *db, const char *step, int64_t version, struct error *err)
{
	int64_t now;

	if (read_version(db, &now, err) < 0)
		return -1;
	if (now >= version)
		return db_exec(db, "COMMIT", "end migration", err);
	if (db_exec(db, step, "migrate", err) < 0 || read_version(db, &now, err) < 0)
		return -1;
	if (now != version)
		return error_set(err, ERR_INTERNAL, "%s: migration %lld counts itself as %lld", db->path,
				 (long long)version, (long long)now);
	return db_exec(db, "COMMIT", "end migration", err);
}

int migrate_run(struct db *db, const struct migrations *migrations, struct error *err)
{
	int64_t version;

	if (read_version(db, &version, err) < 0)
		return -1;
	if (version > migrations->count)
		return error_set(err, ERR_CONFLICT, "%s is from a newer Manifold (schema %lld, this one knows %d): "
				 "run that one, or restore its copy manifold.db.before-%d", db->path,
				 (long long)version, migrations->count, migrations->count + 1);
	if (version > 0 && version < migrations->count && copy_before(db, version, err) < 0)
		return error_wrap(err, "copy before migration");
	for (; version < migrations->count; version++) {
		if (db_exec(db, "BEGIN IMMEDIATE", "begin migration", err) < 0)
			return -1;
		if (apply(db, migrations->steps[version], version + 1, err) < 0) {
			db_rollback(db);
			return -1;
		}
	}
	return 0;
}
