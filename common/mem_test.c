/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "common/mem.h"

START_TEST(new_memory_is_zero)
{
	CLEANUP(mem_freep) char *text = mem_alloc(64);

	for (int i = 0; i < 64; i++)
		ck_assert_int_eq(text[i], 0);
}
END_TEST

START_TEST(no_size_is_still_memory)
{
	CLEANUP(mem_freep) char *text = mem_alloc(0);

	ck_assert_ptr_nonnull(text);
	text = mem_realloc(text, 0);
	ck_assert_ptr_nonnull(text);
}
END_TEST

START_TEST(copies_are_copies)
{
	CLEANUP(mem_freep) char *whole = mem_strdup("manifold");
	CLEANUP(mem_freep) char *part = mem_strndup("manifold", 4);

	ck_assert_str_eq(whole, "manifold");
	ck_assert_str_eq(part, "mani");
	ck_assert_ptr_null(mem_strdup(NULL));
}
END_TEST

START_TEST(a_text_that_does_not_fit_is_not_clipped)
{
	char dst[5] = "old";

	ck_assert_int_eq(text_copy(dst, sizeof(dst), "1234"), 0);
	ck_assert_str_eq(dst, "1234");
	ck_assert_int_eq(text_copy(dst, sizeof(dst), "12345"), -1);
	ck_assert_str_eq(dst, "");
}
END_TEST

START_TEST(taking_leaves_nothing_behind)
{
	char *text = mem_strdup("x");
	CLEANUP(mem_freep) char *owner = TAKE(text);

	ck_assert_ptr_null(text);
	ck_assert_str_eq(owner, "x");
}
END_TEST

/* The sanitizers' allocators end the process in a way of their own. */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(__clang__)
START_TEST(no_memory_ends_the_process)
{
	struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	mem_alloc((size_t)INT64_MAX / 2);
}
END_TEST
#endif

int main(void)
{
	Suite *suite = suite_create("mem");
	TCase *tc = tcase_create("mem");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, new_memory_is_zero);
	tcase_add_test(tc, no_size_is_still_memory);
	tcase_add_test(tc, copies_are_copies);
	tcase_add_test(tc, a_text_that_does_not_fit_is_not_clipped);
	tcase_add_test(tc, taking_leaves_nothing_behind);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(__clang__)
	tcase_add_test_raise_signal(tc, no_memory_ends_the_process, SIGABRT);
#endif
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
