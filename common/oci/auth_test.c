/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/oci/auth.h"
#include "common/test_fds.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static int load(const char *text, struct auth **ret_auth, struct error *err)
{
	char path[] = "/tmp/auth_test.XXXXXX";
	int fd = mkstemp(path);
	int rc;

	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	rc = auth_load(path, ret_auth, err);
	unlink(path);
	return rc;
}

START_TEST(the_most_specific_entry_wins)
{
	static const char *const wanted[][3] = {
		{ "r.org", "team/app", "app" },  { "r.org", "team/other", "team" }, { "r.org", "x", "host" },
		{ "r.org", "team2/app", "host" }, { "h:5000", "x", "plain" },       { "docker.io", "library/debian", "hub" },
		{ "v2.org", "x", "v2" },
	};
	struct auth *auth;
	struct error err = { 0 };

	/* each "auth" is user:pw */
	ck_assert_msg(load("{\"auths\":{"
			   "\"r.org\":{\"auth\":\"aG9zdDpwdw==\"},"
			   "\"r.org/team\":{\"auth\":\"dGVhbTpwdw==\"},"
			   "\"r.org/team/app\":{\"auth\":\"YXBwOnB3\"},"
			   "\"http://h:5000/\":{\"username\":\"plain\",\"password\":\"pw\"},"
			   "\"https://v2.org/v2/\":{\"username\":\"v2\",\"password\":\"pw\"},"
			   "\"https://index.docker.io/v1/\":{\"auth\":\"aHViOnB3\"}},"
			   "\"HttpHeaders\":{}}",
			   &auth, &err) == 0,
		      "%s", err.msg);
	for (size_t i = 0; i < COUNT(wanted); i++) {
		struct credential credential = { 0 };

		ck_assert_int_eq(auth_find(auth, wanted[i][0], wanted[i][1], &credential, &err), 0);
		ck_assert_str_eq(credential.username, wanted[i][2]);
		ck_assert_str_eq(credential.password, "pw");
		credential_clear(&credential);
		ck_assert_ptr_null(credential.password);
	}
	ck_assert_int_eq(auth_find(auth, "unknown.org", "x", NULL, &err), 1);
	auth_free(auth);
}
END_TEST

START_TEST(a_password_may_hold_colons)
{
	struct credential credential;
	struct auth *auth;
	struct error err;

	ck_assert_int_eq(load("{\"auths\":{\"h\":{\"auth\":\"dTphOmI6Yw==\"}}}", &auth, &err), 0);
	ck_assert_int_eq(auth_find(auth, "h", "x", &credential, &err), 0);
	ck_assert_str_eq(credential.username, "u");
	ck_assert_str_eq(credential.password, "a:b:c");
	credential_clear(&credential);
	auth_free(auth);
}
END_TEST

START_TEST(what_we_cannot_use_is_refused_by_name)
{
	static const char *const files[][2] = {
		{ "{\"auths\":{\"h\":{\"identitytoken\":\"t\",\"auth\":\"dTpw\"}}}", "an identity token" },
		{ "{\"auths\":{\"h\":{}},\"credsStore\":\"desktop\"}", "credential store" },
		{ "{\"credHelpers\":{\"h\":\"ecr-login\"}}", "a credential helper" },
	};

	for (size_t i = 0; i < COUNT(files); i++) {
		struct credential credential;
		struct auth *auth;
		struct error err;

		ck_assert_int_eq(load(files[i][0], &auth, &err), 0);
		ck_assert_int_eq(auth_find(auth, "h", "x", &credential, &err), -1);
		ck_assert_int_eq(err.code, ERR_INVALID);
		ck_assert_ptr_nonnull(strstr(err.msg, files[i][1]));
		ck_assert_ptr_nonnull(strstr(err.msg, "/tmp/auth_test."));
		ck_assert_int_eq(auth_find(auth, "other", "x", &credential, &err), 1);
		auth_free(auth);
	}
}
END_TEST

START_TEST(a_broken_file_is_named_and_shows_no_secret)
{
	static const char *const files[] = {
		"", "[]", "{\"auths\":[]}", "{\"auths\":{\"h\":\"SECRET\"}}", "{\"auths\":{\"h\":{\"auth\":\"SECRET!!\"}}}",
		"{\"auths\":{\"h\":{\"auth\":\"bm9jb2xvbg==\"}}}", "{\"auths\":{\"h\":{\"auth\":\"SECRE\"}}}",
	};

	for (size_t i = 0; i < COUNT(files); i++) {
		struct auth *auth;
		struct error err;

		ck_assert_int_eq(load(files[i], &auth, &err), -1);
		ck_assert_int_eq(err.code, ERR_INVALID);
		ck_assert_ptr_nonnull(strstr(err.msg, "/tmp/auth_test."));
		ck_assert_ptr_null(strstr(err.msg, "SECRE"));
	}
}
END_TEST

START_TEST(a_missing_file_is_not_found)
{
	struct auth *auth;
	struct error err;

	ck_assert_int_eq(auth_load("/nonexistent/auth.json", &auth, &err), -1);
	ck_assert_int_eq(err.code, ERR_NOT_FOUND);
	ck_assert_ptr_nonnull(strstr(err.msg, "/nonexistent/auth.json"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("auth");
	TCase *tc = tcase_create("auth");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(tc, count_files, no_file_left_open);
	suite_add_tcase(suite, tc);
	tcase_add_test(tc, the_most_specific_entry_wins);
	tcase_add_test(tc, a_password_may_hold_colons);
	tcase_add_test(tc, what_we_cannot_use_is_refused_by_name);
	tcase_add_test(tc, a_broken_file_is_named_and_shows_no_secret);
	tcase_add_test(tc, a_missing_file_is_not_found);
	sr = srunner_create(suite);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? 1 : 0;
}
