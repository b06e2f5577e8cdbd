/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/wait.h>

#include "common/test_fds.h"
#include "coordinator/store/reader.h"
#include "coordinator/store/test_store.h"

static struct error err;

START_TEST(scopes_are_words_with_commas)
{
	unsigned scopes;
	char text[64];

	ck_assert_int_eq(scopes_parse("submit,read", &scopes, &err), 0);
	ck_assert_uint_eq(scopes, SCOPE_SUBMIT | SCOPE_READ);
	scopes_format(scopes, text, sizeof(text));
	ck_assert_str_eq(text, "submit,read");
	ck_assert_int_eq(scopes_parse("worker", &scopes, &err), 0);
	ck_assert_uint_eq(scopes, SCOPE_WORKER);
	scopes_format(15, text, sizeof(text));
	ck_assert_str_eq(text, "submit,read,admin,worker");
	scopes_format(0, text, sizeof(text));
	ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(an_unknown_scope_is_named)
{
	static const char *const bad[][2] = { { "read,wrote", "\"wrote\"" }, { "", "\"\"" }, { "read,", "\"\"" },
					      { "reader", "\"reader\"" }, { "rea", "\"rea\"" }, { "read, submit", "\" submit\"" } };
	unsigned scopes;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_int_eq(scopes_parse(bad[i][0], &scopes, &err), -1);
		ck_assert_int_eq(err.code, ERR_INVALID);
		ck_assert_msg(strstr(err.msg, bad[i][1]) != NULL, "%s: %s", bad[i][0], err.msg);
	}
}
END_TEST

static const struct token_grant grant = { "ci", SCOPE_SUBMIT | SCOPE_READ, 1, 1000, 0 };

START_TEST(a_token_is_known_again_by_its_text_alone)
{
	CLEANUP(store_closep) struct store *store = opened();
	CLEANUP(reader_closep) struct reader *reader = NULL;
	struct token_info info;
	char text[64], other[64];

	ck_assert_int_eq(reader_open(dir, &reader, &err), 0);
	ck_assert_int_eq(store_create_token(store, &grant, text, &err), 0);
	ck_assert_int_eq(store_create_token(store, &grant, other, &err), 0);
	ck_assert_str_ne(text, other);
	ck_assert_uint_eq(strlen(text), 47);
	ck_assert_uint_eq(strspn(text + 4, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), 43);
	ck_assert_int_eq(reader_token(reader, text, 2000, &info, &err), 0);
	ck_assert_int_eq(info.project, 1);
	ck_assert_uint_eq(info.scopes, SCOPE_SUBMIT | SCOPE_READ);
	ck_assert_str_eq(info.name, "ci");
	text[46] ^= 1;
	ck_assert_int_eq(reader_token(reader, text, 2000, &info, &err), READER_NONE);
	ck_assert_int_eq(reader_token(reader, "", 2000, &info, &err), READER_NONE);
	ck_assert_str_eq(ask("SELECT count(*) FROM audit WHERE action = 'token.created' AND subject = 'ci'"
			     " AND detail = 'submit,read'"), "2");
}
END_TEST

START_TEST(an_expired_or_revoked_token_is_none)
{
	CLEANUP(store_closep) struct store *store = opened();
	CLEANUP(reader_closep) struct reader *reader = NULL;
	struct token_grant expiring = grant;
	struct token_info info;
	char text[64];

	expiring.expires_ms = 5000;
	ck_assert_int_eq(reader_open(dir, &reader, &err), 0);
	ck_assert_int_eq(store_create_token(store, &expiring, text, &err), 0);
	ck_assert_int_eq(reader_token(reader, text, 4999, &info, &err), 0);
	ck_assert_int_eq(reader_token(reader, text, 5000, &info, &err), READER_NONE);
	by_hand("UPDATE tokens SET revoked_ms = 1");
	ck_assert_int_eq(reader_token(reader, text, 4999, &info, &err), READER_NONE);
}
END_TEST

START_TEST(a_token_wants_a_name_and_a_project_that_is_there)
{
	CLEANUP(store_closep) struct store *store = opened();
	struct token_grant bad = grant;
	char text[64] = "untouched";

	bad.name = "";
	ck_assert_int_eq(store_create_token(store, &bad, text, &err), -1);
	ck_assert_int_eq(err.code, ERR_INVALID);
	bad = grant;
	bad.project = 77;
	ck_assert_int_eq(store_create_token(store, &bad, text, &err), -1);
	ck_assert_str_eq(text, "untouched");
	ck_assert_str_eq(ask("SELECT count(*) FROM tokens"), "0");
	ck_assert_str_eq(ask("SELECT count(*) FROM audit"), "0");
}
END_TEST

static bool file_holds(const char *name, const char *text)
{
	FILE *file = fopen(in_folder(name), "r");
	static char content[1 << 22];
	size_t n = file ? fread(content, 1, sizeof(content), file) : 0;

	if (file)
		fclose(file);
	return n > 0 && memmem(content, n, text, strlen(text)) != NULL;
}

START_TEST(the_text_of_a_token_is_nowhere_on_disk)
{
	struct store *store = opened();
	char text[64];

	ck_assert_int_eq(store_create_token(store, &grant, text, &err), 0);
	ck_assert(file_holds("manifold.db-wal", "token.created"));
	ck_assert(!file_holds("manifold.db-wal", text + 4));
	store_close(store);
	ck_assert(file_holds("manifold.db", "token.created"));
	ck_assert(!file_holds("manifold.db", text + 4));
}
END_TEST

#define EACH 40

/* Another process: as the coordinator's --create-token is. */
static int create_tokens(void)
{
	CLEANUP(store_closep) struct store *store = NULL;
	char text[64];

	if (store_open(dir, &store, &err) < 0)
		return 1;
	for (int i = 0; i < EACH; i++) {
		if (store_create_token(store, &grant, text, &err) < 0)
			return 2;
	}
	return 0;
}

START_TEST(tokens_are_created_by_others_while_a_coordinator_commits)
{
	pid_t pids[2];
	struct store *store = NULL;
	int status;

	/* All three make the file. */
	for (int i = 0; i < 2; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			_exit(create_tokens());
	}
	store = opened();
	for (int i = 1; i <= EACH; i++)
		COMMIT(store, build_of(i, BUILD_OPEN));
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		ck_assert_int_eq(status, 0);
	}
	ck_assert_str_eq(ask("SELECT count(DISTINCT hash) FROM tokens"), "80");
	ck_assert_str_eq(ask("SELECT count(*) FROM builds"), "40");
	ck_assert_str_eq(ask("PRAGMA integrity_check"), "ok");
	store_close(store);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("token");
	TCase *tc = tcase_create("token");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, count_files, no_file_left_open);
	tcase_add_checked_fixture(tc, make_folder, remove_folder);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, scopes_are_words_with_commas);
	tcase_add_test(tc, an_unknown_scope_is_named);
	tcase_add_test(tc, a_token_is_known_again_by_its_text_alone);
	tcase_add_test(tc, an_expired_or_revoked_token_is_none);
	tcase_add_test(tc, a_token_wants_a_name_and_a_project_that_is_there);
	tcase_add_test(tc, the_text_of_a_token_is_nowhere_on_disk);
	tcase_add_test(tc, tokens_are_created_by_others_while_a_coordinator_commits);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
