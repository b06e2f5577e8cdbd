/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/nearest.h"

static const char *const known[] = { "build", "ps", "logs", "show", "workers", "inspect", "worker-listen" };

static const char *nearest(const char *name)
{
	return nearest_name(name, known, sizeof(known) / sizeof(known[0]));
}

START_TEST(a_typing_mistake_finds_what_was_meant)
{
	ck_assert_str_eq(nearest("biuld"), "build");
	ck_assert_str_eq(nearest("log"), "logs");
	ck_assert_str_eq(nearest("worker"), "workers");
	ck_assert_str_eq(nearest("Worker_Listen"), "worker-listen");
	ck_assert_str_eq(nearest("inspekt"), "inspect");
}
END_TEST

START_TEST(another_word_finds_nothing)
{
	char long_name[200];

	ck_assert_ptr_null(nearest("weather"));
	ck_assert_ptr_null(nearest("x"));
	ck_assert_ptr_null(nearest(""));
	memset(long_name, 'x', sizeof(long_name));
	long_name[sizeof(long_name) - 1] = '\0';
	ck_assert_ptr_null(nearest(long_name));
	ck_assert_ptr_null(nearest_name("build", known, 0));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("nearest");
	TCase *tc = tcase_create("nearest");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, a_typing_mistake_finds_what_was_meant);
	tcase_add_test(tc, another_word_finds_nothing);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
