/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of this folder: a data folder of their own, and what somebody else does with the file in it. */
#ifndef COORDINATOR_STORE_TEST_FOLDER_H
#define COORDINATOR_STORE_TEST_FOLDER_H

#include <check.h>
#include <ftw.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TESTING __attribute__((unused)) static

static char dir[64];

TESTING void make_folder(void)
{
	snprintf(dir, sizeof(dir), "%s/store-test-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

TESTING void remove_folder(void)
{
	nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

TESTING const char *in_folder(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

/* What somebody else does with the file: statements through a connection of its own. */
TESTING void by_hand(const char *statements)
{
	sqlite3 *handle;

	ck_assert_int_eq(sqlite3_open(in_folder("manifold.db"), &handle), SQLITE_OK);
	sqlite3_busy_timeout(handle, 5000);
	ck_assert_msg(sqlite3_exec(handle, statements, NULL, NULL, NULL) == SQLITE_OK, "%s: %s", statements,
		      sqlite3_errmsg(handle));
	sqlite3_close(handle);
}

/* The first column of the first row as text, "" for NULL; valid until the next call. */
TESTING const char *ask(const char *statement)
{
	static char answer[1024];
	sqlite3 *handle;
	sqlite3_stmt *stmt;
	const char *text;

	ck_assert_int_eq(sqlite3_open(in_folder("manifold.db"), &handle), SQLITE_OK);
	ck_assert_msg(sqlite3_prepare_v2(handle, statement, -1, &stmt, NULL) == SQLITE_OK, "%s: %s", statement,
		      sqlite3_errmsg(handle));
	ck_assert_msg(sqlite3_step(stmt) == SQLITE_ROW, "%s: no row", statement);
	text = (const char *)sqlite3_column_text(stmt, 0);
	snprintf(answer, sizeof(answer), "%s", text ? text : "");
	sqlite3_finalize(stmt);
	sqlite3_close(handle);
	return answer;
}

#endif
