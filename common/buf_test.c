/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/cleanup.h"
#include "common/mem.h"

START_TEST(an_empty_buffer_is_an_empty_text)
{
	CLEANUP(buf_clear) struct buf buf = { 0 };
	CLEANUP(mem_freep) char *text = NULL;

	ck_assert_str_eq(buf_text(&buf), "");
	buf_append(&buf, NULL, 0);
	ck_assert_str_eq(buf_text(&buf), "");
	buf_clear(&buf);
	text = buf_take(&buf);
	ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(it_grows_and_always_ends_in_nul)
{
	CLEANUP(buf_clear) struct buf buf = { 0 };

	for (size_t i = 0; i < 10000; i++) {
		char c = (char)('a' + i % 26);

		buf_append(&buf, &c, 1);
		ck_assert_uint_eq(buf.len, i + 1);
		ck_assert_int_eq(buf.data[buf.len], '\0');
	}
	for (size_t i = 0; i < 10000; i++)
		ck_assert_int_eq(buf.data[i], 'a' + (int)(i % 26));
}
END_TEST

START_TEST(bytes_may_hold_nul)
{
	CLEANUP(buf_clear) struct buf buf = { 0 };

	buf_append(&buf, "a\0b", 3);
	ck_assert_uint_eq(buf.len, 3);
	ck_assert_mem_eq(buf.data, "a\0b", 4);
}
END_TEST

START_TEST(printing_appends)
{
	CLEANUP(buf_clear) struct buf buf = { 0 };
	char wide[300];

	memset(wide, 'w', sizeof(wide));
	wide[sizeof(wide) - 1] = '\0';
	buf_puts(&buf, "a");
	buf_printf(&buf, "%d%s", 7, wide);
	buf_printf(&buf, "%s", "");
	buf_puts(&buf, "z");
	ck_assert_uint_eq(buf.len, 302);
	ck_assert_ptr_eq(strchr(buf.data, 'z'), buf.data + 301);
}
END_TEST

START_TEST(taking_leaves_it_empty_and_usable)
{
	CLEANUP(buf_clear) struct buf buf = { 0 };
	CLEANUP(mem_freep) char *first = NULL;

	buf_puts(&buf, "first");
	first = buf_take(&buf);
	ck_assert_str_eq(buf_text(&buf), "");
	buf_puts(&buf, "second");
	ck_assert_str_eq(first, "first");
	ck_assert_str_eq(buf_text(&buf), "second");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("buf");
	TCase *tc = tcase_create("buf");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, an_empty_buffer_is_an_empty_text);
	tcase_add_test(tc, it_grows_and_always_ends_in_nul);
	tcase_add_test(tc, bytes_may_hold_nul);
	tcase_add_test(tc, printing_appends);
	tcase_add_test(tc, taking_leaves_it_empty_and_usable);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
