/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/store/migrate.h"

#include <string.h>
#include <sys/stat.h>

#include "common/test_fds.h"
#include "coordinator/store/test_folder.h"


static struct error err;

static const char *const steps[] = {
	"CREATE TABLE t (a); INSERT INTO t VALUES (1); PRAGMA user_version = 1;",
	"ALTER TABLE t ADD COLUMN b; UPDATE t SET b = 2; PRAGMA user_version = 2;",
	"CREATE TABLE u (c); INSERT INTO nowhere VALUES (1); PRAGMA user_version = 3;",
};
static const char *const miscounts[] = { "CREATE TABLE t (a); PRAGMA user_version = 5;" };

static int migrate(const char *const *list, int count)
{
	struct db db;
	int rc = db_open(&db, dir, false, &err);

	if (rc == 0)
		rc = migrate_run(&db, &(struct migrations){ list, count }, &err);
	db_close(&db);
	return rc;
}

START_TEST(a_new_file_is_made_without_a_copy)
{
	ck_assert_int_eq(migrate(steps, 2), 0);
	ck_assert_str_eq(ask("SELECT b FROM t"), "2");
	ck_assert_str_eq(ask("PRAGMA user_version"), "2");
	ck_assert_int_ne(access(in_folder("manifold.db.before-1"), F_OK), 0);
	ck_assert_int_ne(access(in_folder("manifold.db.before-2"), F_OK), 0);
}
END_TEST

START_TEST(a_file_that_is_up_to_date_is_left_alone)
{
	ck_assert_int_eq(migrate(steps, 1), 0);
	ck_assert_int_eq(migrate(steps, 1), 0);
	ck_assert_str_eq(ask("SELECT count(*) FROM t"), "1");
}
END_TEST

START_TEST(an_older_file_is_copied_and_then_brought_up_to_date)
{
	char copy[256];
	struct stat st;

	ck_assert_int_eq(migrate(steps, 1), 0);
	by_hand("INSERT INTO t VALUES (7)");
	ck_assert_int_eq(migrate(steps, 2), 0);
	ck_assert_str_eq(ask("SELECT group_concat(a || ':' || b) FROM t"), "1:2,7:2");
	snprintf(copy, sizeof(copy), "%s", in_folder("manifold.db.before-2"));
	ck_assert_int_eq(stat(copy, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	/* The copy is the file as it was. */
	ck_assert_int_eq(rename(copy, in_folder("manifold.db")), 0);
	ck_assert_str_eq(ask("SELECT group_concat(a) FROM t"), "1,7");
	ck_assert_str_eq(ask("PRAGMA user_version"), "1");
}
END_TEST

START_TEST(a_migration_that_fails_changes_nothing_and_can_be_tried_again)
{
	ck_assert_int_eq(migrate(steps, 2), 0);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(migrate(steps, 3), -1);
		ck_assert_ptr_nonnull(strstr(err.msg, "no such table: nowhere"));
		ck_assert_str_eq(ask("PRAGMA user_version"), "2");
		ck_assert_str_eq(ask("SELECT count(*) FROM sqlite_schema WHERE name = 'u'"), "0");
	}
}
END_TEST

START_TEST(a_file_of_a_newer_manifold_is_refused)
{
	ck_assert_int_eq(migrate(steps, 2), 0);
	ck_assert_int_eq(migrate(steps, 1), -1);
	ck_assert_int_eq(err.code, ERR_CONFLICT);
	ck_assert_ptr_nonnull(strstr(err.msg, "schema 2, this one knows 1"));
}
END_TEST

START_TEST(a_migration_that_miscounts_itself_is_refused)
{
	ck_assert_int_eq(migrate(miscounts, 1), -1);
	ck_assert_str_eq(ask("PRAGMA user_version"), "0");
}
END_TEST

/* What this binary carries. */
START_TEST(the_newest_schema_counts_itself_as_the_last_file_is_numbered)
{
	ck_assert_int_eq(migrate(migrate_newest()->steps, migrate_newest()->count), 0);
	ck_assert_str_eq(ask("SELECT count(*) FROM pragma_foreign_key_check"), "0");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("migrate");
	TCase *tc = tcase_create("migrate");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, count_files, no_file_left_open);
	tcase_add_checked_fixture(tc, make_folder, remove_folder);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_new_file_is_made_without_a_copy);
	tcase_add_test(tc, a_file_that_is_up_to_date_is_left_alone);
	tcase_add_test(tc, an_older_file_is_copied_and_then_brought_up_to_date);
	tcase_add_test(tc, a_migration_that_fails_changes_nothing_and_can_be_tried_again);
	tcase_add_test(tc, a_file_of_a_newer_manifold_is_refused);
	tcase_add_test(tc, a_migration_that_miscounts_itself_is_refused);
	tcase_add_test(tc, the_newest_schema_counts_itself_as_the_last_file_is_numbered);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
