/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/cleanup.h"
#include "common/json/json.h"
#include "common/mem.h"

static json_t *parse(const char *text)
{
	struct error err = { 0 };
	json_t *root = json_parse(text, strlen(text), &err);

	ck_assert_msg(root != NULL, "%s: %s", text, err.msg);
	return root;
}

static void assert_refused(const char *text, size_t len, const char *why)
{
	struct error err = { 0 };

	ck_assert_ptr_null(json_parse(text, len, &err));
	ck_assert_int_eq(err.code, ERR_INVALID);
	ck_assert_msg(strstr(err.msg, why) != NULL, "\"%s\" does not say \"%s\"", err.msg, why);
}

static void assert_says(int rc, const struct error *err, const char *why)
{
	ck_assert_int_eq(rc, -1);
	ck_assert_int_eq(err->code, ERR_INVALID);
	ck_assert_str_eq(err->msg, why);
}

START_TEST(an_error_says_line_and_column)
{
	assert_refused("{\"a\":1,\n \"b\":}", 14, "line 2 column 6");
	assert_refused("", 0, "line 1");
	assert_refused("{\"a\":1} {}", 10, "end of file expected");
}
END_TEST

START_TEST(doubles_and_bytes_that_are_no_text_are_refused)
{
	assert_refused("{\"a\":1,\"a\":2}", 13, "duplicate");
	assert_refused("{\"a\":\"\xff\"}", 9, "decode byte");
	assert_refused("{\"a\":\"\\u0000\"}", 14, "line 1");
	assert_refused("{\"a\":\"b\0c\"}", 11, "line 1");
}
END_TEST

static void nest(struct buf *text, int levels)
{
	buf_clear(text);
	for (int i = 0; i < levels; i++)
		buf_puts(text, i % 2 ? "{\"[\\\"[\":" : "[");
	buf_puts(text, "1");
	for (int i = levels - 1; i >= 0; i--)
		buf_puts(text, i % 2 ? "}" : "]");
}

START_TEST(depth_has_a_limit)
{
	CLEANUP(buf_clear) struct buf text = { 0 };

	nest(&text, JSON_DEPTH_MAX);
	json_decref(parse(buf_text(&text)));
	nest(&text, JSON_DEPTH_MAX + 1);
	assert_refused(buf_text(&text), text.len, "deeper than 32 levels");
}
END_TEST

START_TEST(brackets_inside_text_are_no_depth)
{
	CLEANUP(buf_clear) struct buf text = { 0 };

	buf_puts(&text, "[\"\\\\\",\"\\\"");
	for (int i = 0; i <= JSON_DEPTH_MAX; i++)
		buf_puts(&text, "[{");
	buf_puts(&text, "\"]");
	json_decref(parse(buf_text(&text)));
}
END_TEST

START_TEST(size_has_a_limit)
{
	assert_refused("", JSON_TEXT_MAX + 1, "at most");
}
END_TEST

START_TEST(equal_documents_are_equal_bytes)
{
	json_auto_t *root = parse("{ \"b\": [1, true], \"a\": \"\xc3\xa9/\" }");
	CLEANUP(mem_freep) char *text = json_text(root);

	ck_assert_str_eq(text, "{\"a\":\"\xc3\xa9/\",\"b\":[1,true]}");
}
END_TEST

START_TEST(bytes_that_are_no_text_become_question_marks)
{
	static const char *const pairs[][2] = {
		{ "plain \xe2\x82\xac \xf0\x9f\x98\x80", "plain \xe2\x82\xac \xf0\x9f\x98\x80" },
		{ "\xff", "?" }, { "a\xc3", "a?" }, { "\xe2\x82", "??" }, { "\xe2\x82z", "??z" },
		{ "\xc0\x80", "??" }, { "\xed\xa0\x80", "???" }, { "\xf4\x90\x80\x80", "????" },
		{ "\xe0\x80\x80", "???" }, { "\xf0\x80\x80\x80", "????" }, { "\x80", "?" }, { "", "" },
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		json_auto_t *value = json_clean_string(pairs[i][0]);

		ck_assert_str_eq(json_string_value(value), pairs[i][1]);
	}
}
END_TEST

START_TEST(a_missing_or_wrong_member_is_named)
{
	json_auto_t *obj = parse("{\"text\":\"abc\",\"number\":7,\"real\":1.5,\"null\":null}");
	struct error err;
	char text[8], *heap = NULL;
	int64_t number;
	bool flag;

	assert_says(json_get_text(obj, "x", "none", text, sizeof(text), &err), &err, "x: \"none\" is missing");
	assert_says(json_get_text(obj, "x", "null", text, sizeof(text), &err), &err, "x: \"null\" is missing");
	assert_says(json_get_text(obj, "x", "number", text, sizeof(text), &err), &err, "x: \"number\" must be text");
	assert_says(json_get_text(obj, "x", "text", text, 3, &err), &err, "x: \"text\" has 3 bytes, at most 2 are taken");
	assert_says(json_get_int(obj, "x", "none", &number, &err), &err, "x: \"none\" is missing");
	assert_says(json_get_int(obj, "x", "real", &number, &err), &err, "x: \"real\" must be a whole number");
	assert_says(json_get_bool_or(obj, "x", "text", &flag, true, &err), &err, "x: \"text\" must be true or false");
	assert_says(json_get_strdup(obj, "x", "none", 9, &heap, &err), &err, "x: \"none\" is missing");
	assert_says(json_get_strdup(obj, "x", "text", 2, &heap, &err), &err, "x: \"text\" has 3 bytes, at most 2 are taken");
	ck_assert_ptr_null(heap);
	assert_says(json_get_int_or(obj, "x", "text", &number, 5, &err), &err, "x: \"text\" must be a whole number");
}
END_TEST

START_TEST(members_are_given_or_have_their_fallback)
{
	json_auto_t *obj = parse("{\"text\":\"abc\",\"number\":-7,\"flag\":true}");
	struct error err;
	char text[4], *heap;
	int64_t number;
	bool flag;

	ck_assert_int_eq(json_get_text(obj, "x", "text", text, sizeof(text), &err), 0);
	ck_assert_str_eq(text, "abc");
	ck_assert_int_eq(json_get_text_or(obj, "x", "none", text, sizeof(text), "def", &err), 0);
	ck_assert_str_eq(text, "def");
	ck_assert_int_eq(json_get_int(obj, "x", "number", &number, &err), 0);
	ck_assert_int_eq(number, -7);
	ck_assert_int_eq(json_get_int_or(obj, "x", "none", &number, 5, &err), 0);
	ck_assert_int_eq(number, 5);
	ck_assert_int_eq(json_get_bool_or(obj, "x", "flag", &flag, false, &err), 0);
	ck_assert(flag);
	ck_assert_int_eq(json_get_bool_or(obj, "x", "none", &flag, false, &err), 0);
	ck_assert(!flag);
	ck_assert_int_eq(json_get_strdup(obj, "x", "text", 3, &heap, &err), 0);
	ck_assert_str_eq(heap, "abc");
	mem_free(heap);
}
END_TEST

START_TEST(an_unknown_member_is_named_with_the_one_that_was_meant)
{
	static const char *const known[] = { "platforms", "tags", NULL };
	json_auto_t *good = parse("{\"tags\":1,\"platforms\":2}");
	json_auto_t *typo = parse("{\"platform\":1}");
	json_auto_t *other = parse("{\"weather\":1}");
	struct error err;

	ck_assert_int_eq(json_only_members(good, "x", known, &err), 0);
	assert_says(json_only_members(typo, "x", known, &err), &err,
		    "x: unknown member \"platform\", did you mean \"platforms\"?");
	assert_says(json_only_members(other, "x", known, &err), &err, "x: unknown member \"weather\"");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("json");
	TCase *tc = tcase_create("json");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, an_error_says_line_and_column);
	tcase_add_test(tc, doubles_and_bytes_that_are_no_text_are_refused);
	tcase_add_test(tc, depth_has_a_limit);
	tcase_add_test(tc, brackets_inside_text_are_no_depth);
	tcase_add_test(tc, size_has_a_limit);
	tcase_add_test(tc, equal_documents_are_equal_bytes);
	tcase_add_test(tc, bytes_that_are_no_text_become_question_marks);
	tcase_add_test(tc, a_missing_or_wrong_member_is_named);
	tcase_add_test(tc, members_are_given_or_have_their_fallback);
	tcase_add_test(tc, an_unknown_member_is_named_with_the_one_that_was_meant);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
