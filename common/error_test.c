/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"

START_TEST(setting_gives_minus_one_and_the_sentence)
{
	struct error err;

	ck_assert_int_eq(error_set(&err, ERR_FULL, "%s has %d bytes left", "/var", 7), -1);
	ck_assert_int_eq(err.code, ERR_FULL);
	ck_assert_str_eq(err.msg, "/var has 7 bytes left");
}
END_TEST

START_TEST(wrapping_goes_in_front_and_keeps_the_code)
{
	struct error err;

	error_set(&err, ERR_IO, "no such file");
	ck_assert_int_eq(error_wrap(&err, "open %s", "x"), -1);
	ck_assert_int_eq(err.code, ERR_IO);
	ck_assert_str_eq(err.msg, "open x: no such file");
}
END_TEST

START_TEST(a_long_sentence_is_cut_not_overrun)
{
	char text[2000];
	struct error err;

	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	error_set(&err, ERR_INVALID, "%s", text);
	ck_assert_uint_eq(strlen(err.msg), sizeof(err.msg) - 1);
	for (int i = 0; i < 10; i++)
		error_wrap(&err, "%s", text);
	ck_assert_uint_lt(strlen(err.msg), sizeof(err.msg));
	ck_assert_ptr_nonnull(strstr(err.msg, ": "));
}
END_TEST

START_TEST(every_code_has_a_name_of_its_own)
{
	for (int a = ERR_INTERNAL; a <= ERR_UNAVAILABLE; a++) {
		ck_assert_str_ne(err_code_name((enum err_code)a), "unknown");
		for (int b = ERR_INTERNAL; b < a; b++)
			ck_assert_str_ne(err_code_name((enum err_code)a), err_code_name((enum err_code)b));
	}
	ck_assert_str_eq(err_code_name((enum err_code)0), "unknown");
	ck_assert_str_eq(err_code_name((enum err_code)(ERR_UNAVAILABLE + 1)), "unknown");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("error");
	TCase *tc = tcase_create("error");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, setting_gives_minus_one_and_the_sentence);
	tcase_add_test(tc, wrapping_goes_in_front_and_keeps_the_code);
	tcase_add_test(tc, a_long_sentence_is_cut_not_overrun);
	tcase_add_test(tc, every_code_has_a_name_of_its_own);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
