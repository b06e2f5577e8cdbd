/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/oci/reference.h"

#define DIGEST "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

START_TEST(docker_s_defaults_apply)
{
	static const char *const cases[][5] = {
		{ "debian", "docker.io", "library/debian", "latest", "" },
		{ "team/app:1", "docker.io", "team/app", "1", "" },
		{ "docker.io/debian", "docker.io", "library/debian", "latest", "" },
		{ "index.docker.io/a/b", "docker.io", "a/b", "latest", "" },
		{ "localhost/app", "localhost", "app", "latest", "" },
		{ "127.0.0.1:5000/manifold:quickstart", "127.0.0.1:5000", "manifold", "quickstart", "" },
		{ "r.example.org/a/b/c_d__e.f--g:T_.-x", "r.example.org", "a/b/c_d__e.f--g", "T_.-x", "" },
		{ "[::1]:5000/x@" DIGEST, "[::1]:5000", "x", "", DIGEST },
		{ "host:5000/x:t@" DIGEST, "host:5000", "x", "t", DIGEST },
		{ "HOST/x", "HOST", "x", "latest", "" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct reference ref, again;
		char text[REFERENCE_TEXT_MAX];
		struct error err = { 0 };

		ck_assert_msg(reference_parse(cases[i][0], &ref, &err) == 0, "%s", err.msg);
		ck_assert_str_eq(ref.host, cases[i][1]);
		ck_assert_str_eq(ref.path, cases[i][2]);
		ck_assert_str_eq(ref.tag, cases[i][3]);
		ck_assert_str_eq(ref.digest, cases[i][4]);
		reference_format(&ref, text);
		ck_assert_int_eq(reference_parse(text, &again, &err), 0);
		ck_assert_str_eq(again.host, ref.host);
		ck_assert_str_eq(again.path, ref.path);
		ck_assert_str_eq(again.tag, ref.tag);
		ck_assert_str_eq(again.digest, ref.digest);
		reference_repository(&ref, text);
		ck_assert_int_eq(strncmp(text, ref.host, strlen(ref.host)), 0);
	}
}
END_TEST

START_TEST(wrong_names_are_refused_and_quoted)
{
	static const char *const wrong[] = {
		"", ":", "x:", "x@", "x@sha256:12", "Team/app:1/x", "team/App", "team//app", "/app", "app/", "a..b", "a___b",
		"-a", "a-", "a b", "x:-t", "x:.t", "x:t:u", "host:port/x", "-h.org/x", "h-.org/x", "h..org/x",
		"[::1/x", "[zz]/x", "https://host/x", "x:a/../b", "h.org/..", "x\n",
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct reference ref;
		struct error err = { 0 };

		ck_assert_msg(reference_parse(wrong[i], &ref, &err) == -1, "%s", wrong[i]);
		ck_assert_int_eq(err.code, ERR_INVALID);
		ck_assert_ptr_nonnull(strstr(err.msg, "image \""));
	}
}
END_TEST

START_TEST(names_have_a_limit)
{
	char text[400];
	struct reference ref;
	struct error err;

	memset(text, 'a', sizeof(text));
	memcpy(text, "h.org/", 6);
	text[255] = '\0';
	ck_assert_int_eq(reference_parse(text, &ref, &err), 0);
	text[255] = 'a';
	text[256] = '\0';
	ck_assert_int_eq(reference_parse(text, &ref, &err), -1);
	memset(text, 'a', sizeof(text));
	text[250] = '\0';
	ck_assert_int_eq(reference_parse(text, &ref, &err), -1); /* with docker.io/library/ it is too long */
	memcpy(text, "h.org/x:", 8);
	text[8 + 128] = '\0';
	ck_assert_int_eq(reference_parse(text, &ref, &err), 0);
	text[8 + 128] = 'a';
	text[8 + 129] = '\0';
	ck_assert_int_eq(reference_parse(text, &ref, &err), -1);
}
END_TEST

START_TEST(only_loopback_is_spoken_to_without_tls)
{
	static const char *const urls[][2] = {
		{ "127.0.0.1:5000", "http://127.0.0.1:5000" },
		{ "127.9.9.9", "http://127.9.9.9" },
		{ "localhost:80", "http://localhost:80" },
		{ "[::1]:5000", "http://[::1]:5000" },
		{ "docker.io", "https://registry-1.docker.io" },
		{ "127.evil.org", "https://127.evil.org" },
		{ "localhost.evil.org", "https://localhost.evil.org" },
		{ "10.0.0.1:5000", "https://10.0.0.1:5000" },
	};
	char url[128];

	for (size_t i = 0; i < sizeof(urls) / sizeof(*urls); i++) {
		registry_base_url(urls[i][0], url, sizeof(url));
		ck_assert_str_eq(url, urls[i][1]);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reference");
	TCase *tc = tcase_create("reference");
	SRunner *sr;
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_test(tc, docker_s_defaults_apply);
	tcase_add_test(tc, wrong_names_are_refused_and_quoted);
	tcase_add_test(tc, names_have_a_limit);
	tcase_add_test(tc, only_loopback_is_spoken_to_without_tls);
	sr = srunner_create(suite);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? 1 : 0;
}
