/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/table.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static char *print(struct table *table)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	table_print(table, out);
	fclose(out);
	table_free(table);
	return text;
}

START_TEST(columns_line_up)
{
	static const char *const titles[] = { "A", "LONGER", "LAST", NULL };
	struct table *table = table_new(titles);
	char *text;

	table_cell(table, "wide cell");
	table_cell(table, "x");
	table_cell(table, "end");
	text = print(table);
	ck_assert_str_eq(text, "A          LONGER  LAST\n"
			       "wide cell  x       end\n");
	free(text);
}
END_TEST

START_TEST(wide_characters_take_two_places)
{
	static const char *const titles[] = { "NAME", "B", NULL };
	struct table *table = table_new(titles);
	char *text;

	table_cell(table, "鲲鹏主机");
	table_cell(table, "x");
	text = print(table);
	ck_assert_str_eq(text, "NAME      B\n"
			       "鲲鹏主机  x\n");
	free(text);
}
END_TEST

START_TEST(an_empty_cell_is_a_dash)
{
	static const char *const titles[] = { "A", "B", NULL };
	struct table *table = table_new(titles);
	char *text;

	table_cell(table, NULL);
	table_cell(table, "");
	text = print(table);
	ck_assert_str_eq(text, "A  B\n-  -\n");
	free(text);
}
END_TEST

START_TEST(control_characters_do_not_reach_the_terminal)
{
	static const char *const titles[] = { "A", NULL };
	struct table *table = table_new(titles);
	char *text;

	table_cell(table, "a\033[2Jb\nc");
	text = print(table);
	ck_assert_str_eq(text, "A\na?[2Jb?c\n");
	free(text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("table");
	TCase *tcase = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, columns_line_up);
	tcase_add_test(tcase, wide_characters_take_two_places);
	tcase_add_test(tcase, an_empty_cell_is_a_dash);
	tcase_add_test(tcase, control_characters_do_not_reach_the_terminal);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
