/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/cleanup.h"
#include "common/json/json.h"
#include "common/mem.h"
#include "common/test_fds.h"
#include "common/wire/spec.h"

#define SOURCE "\"source\":{\"context\":\"sha256:3f1c3f1c3f1c3f1c3f1c3f1c3f1c3f1c3f1c3f1c3f1c3f1c3f1c3f1c3f1c3f1c\"}"
#define AMD64 "\"platforms\":[\"linux/amd64\"]"

static char *read_text(const char *path)
{
	json_error_t where;
	json_auto_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &where);

	ck_assert_msg(root != NULL, "%s: %s", path, where.text);
	return json_text(root);
}

static void assert_decodes(const char *text, struct build_spec *spec)
{
	struct error err = { 0 };

	ck_assert_msg(spec_decode(text, strlen(text), spec, &err) == 0, "%s: %s", text, err.msg);
}

static void assert_refused(const char *text, const char *why)
{
	struct build_spec spec = { .tag_count = 7 };
	struct error err = { 0 };

	ck_assert_msg(spec_decode(text, strlen(text), &spec, &err) == -1, "%s is taken", text);
	ck_assert_int_eq(err.code, ERR_INVALID);
	ck_assert_msg(strstr(err.msg, why) != NULL, "\"%s\" does not say \"%s\"", err.msg, why);
	ck_assert_uint_eq(spec.tag_count, 7);
}

START_TEST(the_published_example_round_trips)
{
	CLEANUP(mem_freep) char *text = read_text("schema/examples/spec.json");
	CLEANUP(mem_freep) char *again = NULL;
	struct build_spec spec;

	assert_decodes(text, &spec);
	ck_assert_uint_eq(spec.platform_count, 3);
	ck_assert_str_eq(spec.platforms[1].variant, "v3");
	ck_assert_uint_eq(spec.tag_count, 2);
	ck_assert_str_eq(spec.target, "runtime");
	ck_assert_str_eq(spec.build_args[0].name, "DEBIAN");
	ck_assert_str_eq(spec.build_args[0].value, "bookworm");
	ck_assert_uint_eq(spec.label_count, 1);
	again = spec_encode(&spec);
	ck_assert_str_eq(again, text);
	spec_clear(&spec);
}
END_TEST

START_TEST(what_is_left_out_has_its_default)
{
	CLEANUP(mem_freep) char *text = read_text("schema/examples/spec.minimal.json");
	struct build_spec spec;

	assert_decodes(text, &spec);
	ck_assert_str_eq(spec.dockerfile, "Dockerfile");
	ck_assert_ptr_null(spec.target);
	ck_assert_uint_eq(spec.tag_count, 0);
	ck_assert_uint_eq(spec.build_arg_count, 0);
	ck_assert_uint_eq(spec.label_count, 0);
	spec_clear(&spec);
}
END_TEST

START_TEST(equal_specs_are_equal_bytes)
{
	struct build_spec a, b;
	char *text_a, *text_b;

	assert_decodes("{" SOURCE "," AMD64 ",\"build_args\":{\"B\":\"2\",\"A\":\"1\"}}", &a);
	assert_decodes("{\"build_args\":{\"A\":\"1\",\"B\":\"2\"},\"dockerfile\":\"Dockerfile\",\"target\":\"\","
		       "\"platforms\":[\"linux/x86_64\"],\"tags\":[],\"labels\":null," SOURCE "}", &b);
	ck_assert_str_eq(a.build_args[0].name, "A");
	text_a = spec_encode(&a);
	text_b = spec_encode(&b);
	ck_assert_str_eq(text_a, text_b);
	mem_free(text_a);
	mem_free(text_b);
	spec_clear(&a);
	spec_clear(&b);
}
END_TEST

START_TEST(each_published_refusal_is_refused)
{
	glob_t found;

	ck_assert_int_eq(glob("schema/examples/refused/spec.*.json", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		CLEANUP(mem_freep) char *text = read_text(found.gl_pathv[i]);

		assert_refused(text, "build");
	}
	globfree(&found);
}
END_TEST

START_TEST(an_unknown_member_is_named_with_the_one_that_was_meant)
{
	assert_refused("{" SOURCE "," AMD64 ",\"buildargs\":{}}",
		       "unknown member \"buildargs\", did you mean \"build_args\"?");
	assert_refused("{" SOURCE "," AMD64 ",\"weather\":{}}", "unknown member \"weather\"");
	assert_refused("{\"source\":{\"contxt\":\"x\"}," AMD64 "}", "did you mean \"context\"?");
}
END_TEST

START_TEST(a_missing_member_is_named)
{
	assert_refused("{" AMD64 "}", "\"source\" is missing");
	assert_refused("{\"source\":{}," AMD64 "}", "\"context\" is missing");
	assert_refused("{" SOURCE "}", "\"platforms\" is missing");
	assert_refused("{" SOURCE ",\"platforms\":[]}", "\"platforms\" is empty");
}
END_TEST

START_TEST(a_dockerfile_stays_in_the_context)
{
	struct build_spec spec;

	assert_refused("{" SOURCE "," AMD64 ",\"dockerfile\":\"../x\"}", "\"../x\", must stay inside");
	assert_refused("{" SOURCE "," AMD64 ",\"dockerfile\":\"a//../../x\"}", "must stay inside");
	assert_refused("{" SOURCE "," AMD64 ",\"dockerfile\":\"a/..\"}", "must stay inside");
	assert_refused("{" SOURCE "," AMD64 ",\"dockerfile\":\"/x\"}", "must be relative");
	assert_refused("{" SOURCE "," AMD64 ",\"dockerfile\":\"\"}", "\"dockerfile\" must be");
	assert_refused("{" SOURCE "," AMD64 ",\"dockerfile\":\"a\\nb\"}", "\"dockerfile\" must be");
	assert_refused("{" SOURCE "," AMD64 ",\"dockerfile\":3}", "\"dockerfile\" must be text");
	assert_decodes("{" SOURCE "," AMD64 ",\"dockerfile\":\"a/..b/x..\"}", &spec);
	spec_clear(&spec);
}
END_TEST

START_TEST(platforms_are_normalised_before_they_are_compared)
{
	assert_refused("{" SOURCE ",\"platforms\":[\"linux/arm64\",\"linux/arm64/v8\"]}", "linux/arm64 twice");
	assert_refused("{" SOURCE ",\"platforms\":[\"linux/arm46\"]}", "unknown architecture arm46");
	assert_refused("{" SOURCE ",\"platforms\":\"linux/amd64\"}", "\"platforms\" must be a list");
	assert_refused("{" SOURCE ",\"platforms\":[1]}", "\"platforms\" must hold texts");
}
END_TEST

START_TEST(tags_are_texts_without_doubles)
{
	CLEANUP(buf_clear) struct buf text = { 0 };

	assert_refused("{" SOURCE "," AMD64 ",\"tags\":[\"h/a:1\",\"h/a:1\"]}", "h/a:1 twice");
	assert_refused("{" SOURCE "," AMD64 ",\"tags\":[\"h/a b\"]}", "\"h/a b\"");
	assert_refused("{" SOURCE "," AMD64 ",\"tags\":[7]}", "\"tags\" must hold texts");
	assert_refused("{" SOURCE "," AMD64 ",\"tags\":\"h/a\"}", "\"tags\" must be a list");
	buf_puts(&text, "{" SOURCE "," AMD64 ",\"tags\":[\"");
	for (int i = 0; i < REFERENCE_TEXT_MAX; i++)
		buf_puts(&text, "a");
	buf_puts(&text, "\"]}");
	assert_refused(buf_text(&text), "at most 511");
	buf_clear(&text);
	buf_puts(&text, "{" SOURCE "," AMD64 ",\"tags\":[\"h/a\"");
	for (int i = 0; i < SPEC_TAGS_MAX; i++)
		buf_printf(&text, ",\"h/a:%d\"", i);
	buf_puts(&text, "]}");
	assert_refused(buf_text(&text), "at most 32");
}
END_TEST

START_TEST(pairs_have_limits)
{
	CLEANUP(buf_clear) struct buf text = { 0 };

	assert_refused("{" SOURCE "," AMD64 ",\"build_args\":{\"A\":1}}", "\"A\" must be text");
	assert_refused("{" SOURCE "," AMD64 ",\"labels\":{\"a=b\":\"1\"}}", "\"a=b\"");
	assert_refused("{" SOURCE "," AMD64 ",\"labels\":{\"\":\"1\"}}", "\"labels\"");
	assert_refused("{" SOURCE "," AMD64 ",\"labels\":[]}", "\"labels\" must be an object");
	assert_refused("{" SOURCE "," AMD64 ",\"build_args\":{\"A\":\"1\",\"A\":\"2\"}}", "duplicate");
	buf_puts(&text, "{" SOURCE "," AMD64 ",\"build_args\":{\"Z\":\"\"");
	for (int i = 0; i < SPEC_PAIRS_MAX; i++)
		buf_printf(&text, ",\"A%d\":\"\"", i);
	buf_puts(&text, "}}");
	assert_refused(buf_text(&text), "at most 256");
}
END_TEST

START_TEST(what_is_no_spec_is_refused)
{
	struct build_spec spec;
	struct error err;

	assert_refused("", "build: JSON");
	assert_refused("[]", "object");
	assert_refused("{" SOURCE "," AMD64 "} x", "JSON");
	ck_assert_int_eq(spec_decode("", SPEC_TEXT_MAX + 1, &spec, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "at most 262144"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("spec");
	TCase *tc = tcase_create("spec");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, count_files, no_file_left_open);
	tcase_add_test(tc, the_published_example_round_trips);
	tcase_add_test(tc, what_is_left_out_has_its_default);
	tcase_add_test(tc, equal_specs_are_equal_bytes);
	tcase_add_test(tc, each_published_refusal_is_refused);
	tcase_add_test(tc, an_unknown_member_is_named_with_the_one_that_was_meant);
	tcase_add_test(tc, a_missing_member_is_named);
	tcase_add_test(tc, a_dockerfile_stays_in_the_context);
	tcase_add_test(tc, platforms_are_normalised_before_they_are_compared);
	tcase_add_test(tc, tags_are_texts_without_doubles);
	tcase_add_test(tc, pairs_have_limits);
	tcase_add_test(tc, what_is_no_spec_is_refused);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
