/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/sessions/listen.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static char host[LISTEN_HOST_MAX];
static int port;
static struct error err;

START_TEST(loopback_is_taken)
{
	ck_assert_int_eq(listen_parse("127.0.0.1:8081", host, &port, &err), 0);
	ck_assert_str_eq(host, "127.0.0.1");
	ck_assert_int_eq(port, 8081);
	ck_assert_int_eq(listen_parse("localhost:0", host, &port, &err), 0);
	ck_assert_str_eq(host, "127.0.0.1");
	ck_assert_int_eq(port, 0);
}
END_TEST

START_TEST(anything_else_is_refused_by_name)
{
	static const char *const bad[] = {
		"", ":1", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:1x", "127.0.0.1:-1", "127.0.0.1:65536",
		"127.0.0.1:99999999999999999999", "0.0.0.0:8081", "10.1.2.3:8081", "127.evil.example:1", "[::1]:1",
		"0123456789012345678901234567890123456789012345678901234567890123456789:1",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_msg(listen_parse(bad[i], host, &port, &err) == -1, "%s", bad[i]);
		ck_assert_int_eq(err.code, ERR_INVALID);
		ck_assert_ptr_nonnull(strstr(err.msg, bad[i]));
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("listen");
	TCase *tc = tcase_create("listen");
	SRunner *sr = srunner_create(suite);
	int failed;

	tcase_add_test(tc, loopback_is_taken);
	tcase_add_test(tc, anything_else_is_refused_by_name);
	suite_add_tcase(suite, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
