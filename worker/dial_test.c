/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/dial.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct dial_address address;
static struct error err;

START_TEST(an_address_is_taken_apart)
{
	static const struct { const char *url, *host, *header; int port; bool is_tls; } good[] = {
		{ "ws://127.0.0.1:8081", "127.0.0.1", "127.0.0.1:8081", 8081, false },
		{ "ws://localhost", "localhost", "localhost:80", 80, false },
		{ "ws://[::1]:8081/", "::1", "[::1]:8081", 8081, false },
		{ "wss://ci.example.org", "ci.example.org", "ci.example.org:443", 443, true },
		{ "WSS://ci.example.org:8443/", "ci.example.org", "ci.example.org:8443", 8443, true },
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		ck_assert_msg(dial_parse(good[i].url, &address, &err) == 0, "%s", err.msg);
		ck_assert_str_eq(address.host, good[i].host);
		ck_assert_str_eq(address.host_header, good[i].header);
		ck_assert_int_eq(address.port, good[i].port);
		ck_assert_int_eq(address.is_tls, good[i].is_tls);
	}
}
END_TEST

START_TEST(anything_else_is_refused_by_name)
{
	static const char *const bad[] = {
		"", "127.0.0.1:8081", "http://127.0.0.1:8081", "ws://", "ws://:8081", "ws://localhost:", "ws://localhost:0",
		"ws://localhost:65536", "ws://localhost:80x", "ws://localhost/path", "ws://user@localhost", "ws://[::1",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_msg(dial_parse(bad[i], &address, &err) == -1, "%s", bad[i]);
		ck_assert_int_eq(err.code, ERR_INVALID);
		ck_assert_ptr_nonnull(strstr(err.msg, bad[i]));
	}
}
END_TEST

START_TEST(a_token_is_not_sent_in_the_clear_beyond_loopback)
{
	ck_assert_int_eq(dial_parse("ws://ci.example.org:8081", &address, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "wss://"));
	ck_assert_int_eq(dial_parse("ws://127.evil.example:8081", &address, &err), -1);
}
END_TEST

static int read_token(const char *content, char token[DIAL_TOKEN_MAX])
{
	char path[] = "/tmp/dial_test.XXXXXX";
	FILE *file = fdopen(mkstemp(path), "w");
	int rc;

	fputs(content, file);
	fclose(file);
	rc = dial_read_token(path, token, &err);
	unlink(path);
	return rc;
}

START_TEST(a_token_is_one_word)
{
	char token[DIAL_TOKEN_MAX], longest[400];

	ck_assert_int_eq(read_token("\n mfd_abc \n", token), 0);
	ck_assert_str_eq(token, "mfd_abc");
	ck_assert_int_eq(read_token("", token), -1);
	ck_assert_int_eq(read_token("mfd_\001", token), -1);
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	ck_assert_int_eq(read_token(longest, token), -1);
	ck_assert_int_eq(dial_read_token("/nowhere/token", token, &err), -1);
	ck_assert_int_eq(err.code, ERR_IO);
	ck_assert_ptr_nonnull(strstr(err.msg, "/nowhere/token"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("dial");
	TCase *tc = tcase_create("dial");
	SRunner *sr = srunner_create(suite);
	int failed;

	tcase_add_test(tc, an_address_is_taken_apart);
	tcase_add_test(tc, anything_else_is_refused_by_name);
	tcase_add_test(tc, a_token_is_not_sent_in_the_clear_beyond_loopback);
	tcase_add_test(tc, a_token_is_one_word);
	suite_add_tcase(suite, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
