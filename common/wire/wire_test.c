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
#include "common/wire/wire.h"

#define DIGEST "sha256:3f1c3f1c3f1c3f1c3f1c3f1c3f1c3f1c3f1c3f1c3f1c3f1c3f1c3f1c3f1c3f1c"
#define HELLO "{\"type\":\"hello\",\"protocol\":1,\"version\":\"1\",\"name\":\"%s\",\"slots\":1,\"platforms\":%s," \
	"\"engine\":\"\",\"kernel_arch\":\"x86_64\",\"cpu\":\"\",\"proof\":\"\",\"is_native\":true,\"held\":%s}"

static json_t *read_example(const char *path)
{
	json_error_t where;
	json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &where);

	ck_assert_msg(root != NULL, "%s: %s", path, where.text);
	return root;
}

static void assert_decodes(const char *text, struct wire_message *msg)
{
	struct error err = { 0 };

	ck_assert_msg(wire_decode(text, strlen(text), msg, &err) == 0, "%s: %s", text, err.msg);
}

static void assert_refused(const char *text, const char *why)
{
	struct wire_message msg = { .type = WIRE_BYE };
	struct error err = { 0 };

	ck_assert_int_eq(wire_decode(text, strlen(text), &msg, &err), -1);
	ck_assert_int_eq(err.code, ERR_INVALID);
	ck_assert_msg(strstr(err.msg, why) != NULL, "\"%s\" does not say \"%s\"", err.msg, why);
	ck_assert_int_eq(msg.type, WIRE_BYE);
}

START_TEST(the_published_examples_round_trip)
{
	bool has_example[WIRE_TYPE_COUNT] = { false };
	glob_t found;

	ck_assert_int_eq(glob("schema/examples/*.json", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		json_auto_t *example = read_example(found.gl_pathv[i]);
		CLEANUP(mem_freep) char *text = json_text(example);
		struct wire_message msg;
		char *again;

		if (!json_object_get(example, "type"))
			continue; /* a document of another kind */
		assert_decodes(text, &msg);
		has_example[msg.type] = true;
		again = wire_encode(&msg);
		ck_assert_str_eq(again, text);
		mem_free(again);
		wire_message_clear(&msg);
	}
	globfree(&found);
	for (unsigned type = 0; type < WIRE_TYPE_COUNT; type++)
		ck_assert_msg(has_example[type], "no example of %s", wire_type_name((enum wire_type)type));
}
END_TEST

/* Members that may be absent are the ones that the schema does not require. */
static bool may_be_absent(const char *type, const char *key)
{
	CLEANUP(buf_clear) struct buf path = { 0 };
	json_auto_t *schema = NULL;
	const json_t *name;
	size_t i;

	buf_printf(&path, "schema/wire/%s.json", type);
	schema = read_example(buf_text(&path));
	json_array_foreach(json_object_get(schema, "required"), i, name) {
		if (strcmp(json_string_value(name), key) == 0)
			return false;
	}
	return true;
}

static void assert_each_missing_is_named(const json_t *example)
{
	const char *type = json_string_value(json_object_get(example, "type"));
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)example, key, value) {
		json_auto_t *without = json_copy((json_t *)example);
		CLEANUP(mem_freep) char *text = NULL;

		json_object_del(without, key);
		if (may_be_absent(type, key))
			continue;
		text = json_text(without);
		assert_refused(text, key);
	}
}

START_TEST(a_missing_member_is_named)
{
	glob_t found;

	ck_assert_int_eq(glob("schema/examples/*.json", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		json_auto_t *example = read_example(found.gl_pathv[i]);

		if (json_object_get(example, "type"))
			assert_each_missing_is_named(example);
	}
	globfree(&found);
}
END_TEST

START_TEST(a_member_of_the_wrong_type_is_named)
{
	glob_t found;

	ck_assert_int_eq(glob("schema/examples/*.json", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		json_auto_t *example = read_example(found.gl_pathv[i]);
		const char *key;
		json_t *value;

		if (!json_object_get(example, "type"))
			continue;
		json_object_foreach(example, key, value) {
			json_auto_t *changed = json_copy(example);
			CLEANUP(mem_freep) char *text = NULL;

			json_object_set_new(changed, key, json_real(1.5)); /* no member of ours is one */
			text = json_text(changed);
			assert_refused(text, key);
		}
	}
	globfree(&found);
}
END_TEST

START_TEST(an_unknown_member_is_ignored)
{
	struct wire_message msg;

	assert_decodes("{\"type\":\"ack\",\"attempt\":7,\"seq\":2,\"colour\":[1,{}]}", &msg);
	ck_assert_int_eq(msg.type, WIRE_ACK);
	ck_assert_int_eq(msg.ack.attempt, 7);
	ck_assert_int_eq(msg.ack.seq, 2);
}
END_TEST

START_TEST(an_unknown_type_is_answered_with_error)
{
	const char *text = "{\"type\":\"weather\",\"rain\":true}";
	struct wire_message msg, again;
	struct error err;
	CLEANUP(mem_freep) char *answer = NULL;

	ck_assert_int_eq(wire_decode(text, strlen(text), &msg, &err), WIRE_UNKNOWN_TYPE);
	ck_assert_int_eq(msg.type, WIRE_ERROR);
	ck_assert_str_eq(msg.error.about, "weather");
	answer = wire_encode(&msg);
	assert_decodes(answer, &again);
	ck_assert_str_eq(again.error.about, "weather");
}
END_TEST

START_TEST(a_message_without_type_is_refused)
{
	assert_refused("{\"attempt\":7}", "\"type\" is missing");
	assert_refused("[1]", "object");
	assert_refused("", "JSON");
	assert_refused("{\"type\":\"ack\",\"attempt\":7,\"seq\":2} trailing", "JSON");
}
END_TEST

START_TEST(a_double_member_is_refused)
{
	assert_refused("{\"type\":\"ack\",\"attempt\":7,\"attempt\":8,\"seq\":2}", "duplicate");
}
END_TEST

START_TEST(bytes_that_are_no_text_are_refused)
{
	assert_refused("{\"type\":\"drain\",\"reason\":\"\xff\"}", "JSON");
	assert_refused("{\"type\":\"drain\",\"reason\":\"a\\u0000b\"}", "JSON");
	assert_refused("{\"type\":\"drain\",\"reason\":\"\xed\xa0\x80\"}", "JSON");
}
END_TEST

START_TEST(a_number_out_of_range_is_refused)
{
	assert_refused("{\"type\":\"ack\",\"attempt\":0,\"seq\":2}", "attempt");
	assert_refused("{\"type\":\"ack\",\"attempt\":-1,\"seq\":2}", "attempt");
	assert_refused("{\"type\":\"ack\",\"attempt\":99999999999999999999,\"seq\":2}", "JSON");
	assert_refused("{\"type\":\"bye\",\"reason\":\"\",\"retry_after_s\":2147483648}", "retry_after_s");
}
END_TEST

static void format_hello(struct buf *text, const char *name, const char *platforms, const char *held)
{
	buf_clear(text);
	buf_printf(text, HELLO, name, platforms, held);
}

START_TEST(a_name_has_a_limit_and_plain_letters)
{
	CLEANUP(buf_clear) struct buf text = { 0 };
	struct wire_message msg;
	char name[80];

	memset(name, 'n', sizeof(name));
	name[63] = '\0';
	format_hello(&text, name, "[\"linux/amd64\"]", "[]");
	assert_decodes(buf_text(&text), &msg);
	name[63] = 'n';
	name[64] = '\0';
	format_hello(&text, name, "[\"linux/amd64\"]", "[]");
	assert_refused(buf_text(&text), "at most 63");
	format_hello(&text, "../w1", "[\"linux/amd64\"]", "[]");
	assert_refused(buf_text(&text), "name");
	format_hello(&text, "", "[\"linux/amd64\"]", "[]");
	assert_refused(buf_text(&text), "\"name\" is empty");
}
END_TEST

START_TEST(lists_have_limits_and_no_doubles)
{
	CLEANUP(buf_clear) struct buf text = { 0 }, list = { 0 };

	for (int i = 0; i <= SPEC_PLATFORMS_MAX; i++)
		buf_printf(&list, "%s\"linux/arm64/v9.%d\"", i ? "," : "[", i % 9 + 1);
	buf_puts(&list, "]");
	format_hello(&text, "w1", buf_text(&list), "[]");
	assert_refused(buf_text(&text), "at most 16");
	format_hello(&text, "w1", "[]", "[]");
	assert_refused(buf_text(&text), "\"platforms\" is empty");
	format_hello(&text, "w1", "[\"linux/arm64\",\"linux/aarch64\"]", "[]");
	assert_refused(buf_text(&text), "linux/arm64 twice");
	format_hello(&text, "w1", "[\"linux/amd64\"]", "[5,5]");
	assert_refused(buf_text(&text), "5 twice");
	buf_clear(&list);
	for (int i = 0; i <= WIRE_HELD_MAX; i++)
		buf_printf(&list, "%s%d", i ? "," : "[", i + 1);
	buf_puts(&list, "]");
	format_hello(&text, "w1", "[\"linux/amd64\"]", buf_text(&list));
	assert_refused(buf_text(&text), "at most 64");
}
END_TEST

START_TEST(a_message_too_long_or_too_deep_is_refused)
{
	CLEANUP(buf_clear) struct buf text = { 0 };
	struct wire_message msg;
	struct error err;

	buf_puts(&text, "{\"type\":\"ack\",\"attempt\":1,\"seq\":1,\"x\":");
	for (int i = 0; i < JSON_DEPTH_MAX; i++)
		buf_puts(&text, "[");
	for (int i = 0; i < JSON_DEPTH_MAX; i++)
		buf_puts(&text, "]");
	buf_puts(&text, "}");
	assert_refused(buf_text(&text), "deeper than 32");
	ck_assert_int_eq(wire_decode("", WIRE_TEXT_MAX + 1, &msg, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "at most 1048576"));
}
END_TEST

START_TEST(a_result_is_whole)
{
	assert_refused("{\"type\":\"result\",\"attempt\":1,\"seq\":1,\"is_success\":true,\"log_bytes\":0}", "digest");
	assert_refused("{\"type\":\"result\",\"attempt\":1,\"seq\":1,\"is_success\":false,\"log_bytes\":0}", "failure");
	assert_refused("{\"type\":\"result\",\"attempt\":1,\"seq\":1,\"is_success\":false,\"log_bytes\":0,"
		       "\"failure\":\"weather\"}", "must be build");
	assert_refused("{\"type\":\"result\",\"attempt\":1,\"seq\":1,\"is_success\":true,\"log_bytes\":0,"
		       "\"media_type\":\"a/b\",\"digest\":\"sha256:12\",\"size_bytes\":1}", "64 hex digits");
	assert_refused("{\"type\":\"result\",\"attempt\":1,\"seq\":1,\"is_success\":true,\"log_bytes\":0,\"failure\":\"infra\","
		       "\"media_type\":\"a/b\",\"digest\":\"" DIGEST "\",\"size_bytes\":1}", "given for a success");
}
END_TEST

START_TEST(an_offer_carries_the_spec_as_the_build_gave_it)
{
	const char *text = "{\"type\":\"offer\",\"attempt\":3,\"job\":2,\"build\":1,\"number\":1,\"platform\":\"linux/x86_64\","
		"\"run_timeout_s\":60,\"repositories\":[],\"spec\":{\"platforms\":[\"linux/amd64\"],\"source\":{\"context\":\""
		DIGEST "\"}}}";
	struct wire_message msg;
	struct build_spec spec;
	struct error err;
	char *again;

	assert_decodes(text, &msg);
	ck_assert_str_eq(msg.offer.platform.architecture, "amd64");
	ck_assert_int_eq(spec_decode(msg.offer.spec, strlen(msg.offer.spec), &spec, &err), 0);
	ck_assert_str_eq(spec.dockerfile, "Dockerfile");
	again = spec_encode(&spec);
	ck_assert_str_eq(again, msg.offer.spec);
	mem_free(again);
	spec_clear(&spec);
	wire_message_clear(&msg);
	ck_assert_ptr_null(msg.offer.spec);
}
END_TEST

START_TEST(an_offer_with_bad_parts_is_refused)
{
	assert_refused("{\"type\":\"offer\",\"attempt\":3,\"job\":2,\"build\":1,\"number\":1,\"platform\":\"linux/amd64\","
		"\"run_timeout_s\":60,\"repositories\":[\"h/a\",\"h/a\"],\"spec\":{}}", "twice");
	assert_refused("{\"type\":\"offer\",\"attempt\":3,\"job\":2,\"build\":1,\"number\":1,\"platform\":\"linux/amd64\","
		"\"run_timeout_s\":60,\"repositories\":[],\"spec\":{}}", "offer: \"spec\": build: \"source\" is missing");
	assert_refused("{\"type\":\"offer\",\"attempt\":3,\"job\":2,\"build\":1,\"number\":1,\"platform\":\"amd64\","
		"\"run_timeout_s\":60,\"repositories\":[],\"spec\":{}}", "linux/arm64");
}
END_TEST

START_TEST(text_from_a_build_is_always_encodable)
{
	struct wire_message msg = { .type = WIRE_DRAIN }, again;
	CLEANUP(mem_freep) char *text = NULL;

	text_copy(msg.drain.reason, sizeof(msg.drain.reason), "caf\xc3\xa9 \xff\xc3 \x01");
	text = wire_encode(&msg);
	assert_decodes(text, &again);
	ck_assert_str_eq(again.drain.reason, "caf\xc3\xa9 ?? \x01");
}
END_TEST

START_TEST(names_go_there_and_back)
{
	for (unsigned type = 0; type < WIRE_TYPE_COUNT; type++)
		ck_assert_uint_eq(wire_type_find(wire_type_name((enum wire_type)type)), type);
	ck_assert_uint_eq(wire_type_find("weather"), WIRE_TYPE_COUNT);
	ck_assert_str_eq(wire_type_name(WIRE_TYPE_COUNT), "unknown");
	for (unsigned failure = 0; failure < CLASS_COUNT; failure++)
		ck_assert_uint_eq(failure_class_find(failure_class_name((enum failure_class)failure)), failure);
	ck_assert_uint_eq(failure_class_find("weather"), CLASS_COUNT);
}
END_TEST

START_TEST(a_log_header_is_big_endian)
{
	unsigned char frame[WIRE_LOG_HEADER + 1];
	static const unsigned char expected[WIRE_LOG_HEADER] = { 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 3, 0, 0, 0, 4 };
	int64_t attempt, offset;
	struct error err;

	wire_log_header(frame, 0x102, 0x300000004);
	ck_assert_mem_eq(frame, expected, WIRE_LOG_HEADER);
	ck_assert_int_eq(wire_log_decode(frame, sizeof(frame), &attempt, &offset, &err), 0);
	ck_assert_int_eq(attempt, 0x102);
	ck_assert_int_eq(offset, 0x300000004);
}
END_TEST

START_TEST(a_bad_log_frame_is_refused)
{
	static unsigned char frame[64 * 1024 + 1];
	int64_t attempt = -7, offset = -7;
	struct error err;

	wire_log_header(frame, 1, 0);
	ck_assert_int_eq(wire_log_decode(frame, WIRE_LOG_HEADER, &attempt, &offset, &err), 0);
	ck_assert_int_eq(wire_log_decode(frame, sizeof(frame) - 1, &attempt, &offset, &err), 0);
	ck_assert_int_eq(wire_log_decode(frame, WIRE_LOG_HEADER - 1, &attempt, &offset, &err), -1);
	ck_assert_int_eq(wire_log_decode(frame, sizeof(frame), &attempt, &offset, &err), -1);
	attempt = offset = -7;
	wire_log_header(frame, 0, 0);
	ck_assert_int_eq(wire_log_decode(frame, sizeof(frame) - 1, &attempt, &offset, &err), -1);
	wire_log_header(frame, 1, -1);
	ck_assert_int_eq(wire_log_decode(frame, sizeof(frame) - 1, &attempt, &offset, &err), -1);
	wire_log_header(frame, 1, INT64_MAX);
	ck_assert_int_eq(wire_log_decode(frame, sizeof(frame) - 1, &attempt, &offset, &err), -1);
	ck_assert_int_eq(attempt, -7);
	ck_assert_int_eq(offset, -7);
}
END_TEST

static TCase *messages(void)
{
	TCase *tc = tcase_create("messages");

	tcase_add_checked_fixture(tc, count_files, no_file_left_open);
	tcase_add_test(tc, the_published_examples_round_trip);
	tcase_add_test(tc, a_missing_member_is_named);
	tcase_add_test(tc, a_member_of_the_wrong_type_is_named);
	tcase_add_test(tc, an_unknown_member_is_ignored);
	tcase_add_test(tc, an_unknown_type_is_answered_with_error);
	tcase_add_test(tc, a_message_without_type_is_refused);
	tcase_add_test(tc, a_double_member_is_refused);
	tcase_add_test(tc, bytes_that_are_no_text_are_refused);
	tcase_add_test(tc, a_number_out_of_range_is_refused);
	tcase_add_test(tc, a_name_has_a_limit_and_plain_letters);
	tcase_add_test(tc, lists_have_limits_and_no_doubles);
	tcase_add_test(tc, a_message_too_long_or_too_deep_is_refused);
	tcase_add_test(tc, a_result_is_whole);
	tcase_add_test(tc, an_offer_carries_the_spec_as_the_build_gave_it);
	tcase_add_test(tc, an_offer_with_bad_parts_is_refused);
	tcase_add_test(tc, text_from_a_build_is_always_encodable);
	tcase_add_test(tc, names_go_there_and_back);
	return tc;
}

static TCase *log_frames(void)
{
	TCase *tc = tcase_create("log frames");

	tcase_add_test(tc, a_log_header_is_big_endian);
	tcase_add_test(tc, a_bad_log_frame_is_refused);
	return tc;
}

int main(void)
{
	Suite *suite = suite_create("wire");
	SRunner *runner;
	int failed;

	suite_add_tcase(suite, messages());
	suite_add_tcase(suite, log_frames());
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
