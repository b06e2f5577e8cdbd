/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/test_capture.h"
#include "common/test_fds.h"

static char text[4096];
static struct capture capture;

static void listen_to_stderr(void)
{
	log_set_level(LOG_INFO);
	count_files();
	capture = capture_begin(stderr);
}

static void stop_listening(void)
{
	no_file_left_open();
}

/* What was logged, without the time in front. */
static const char *logged(void)
{
	capture_end(&capture, text, sizeof(text));
	return text[0] ? strchr(text, ' ') + 1 : text;
}

START_TEST(a_line_is_time_level_event_and_fields)
{
	regex_t shape;

	LOG(LOG_INFO, "job.offered", KV("job", 7), KV("worker", "w3"));
	ck_assert_str_eq(logged(), "info job.offered job=7 worker=w3\n");
	ck_assert_int_eq(regcomp(&shape, "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z info ",
				 REG_EXTENDED | REG_NOSUB), 0);
	ck_assert_int_eq(regexec(&shape, text, 0, NULL, 0), 0);
	regfree(&shape);
}
END_TEST

START_TEST(a_build_cannot_forge_a_line)
{
	LOG(LOG_WARN, "step", KV("name", "a\n2026-11-24T03:08:28Z info job.offered job=1"), KV("tail", "\x1b[31m\x7f"));
	ck_assert_str_eq(logged(), "warn step name=\"a\\x0a2026-11-24T03:08:28Z info job.offered job=1\" "
			 "tail=\"\\x1b[31m\\x7f\"\n");
}
END_TEST

START_TEST(blanks_quotes_and_nothing_are_quoted)
{
	LOG(LOG_ERROR, "x", KV("a", "b c"), KV("d", "e\"f"), KV("g", ""), KV("h", "i=j"), KV("k", "l\\m"));
	ck_assert_str_eq(logged(), "error x a=\"b c\" d=\"e\\\"f\" g=\"\" h=\"i=j\" k=\"l\\\\m\"\n");
}
END_TEST

START_TEST(no_text_is_said_so)
{
	LOG(LOG_INFO, "x", KV("a", (const char *)NULL), KV("b", -5));
	ck_assert_str_eq(logged(), "info x a=(null) b=-5\n");
}
END_TEST

START_TEST(below_the_level_nothing_is_written)
{
	LOG(LOG_DEBUG, "x", KV("a", 1));
	log_set_level(LOG_ERROR);
	LOG(LOG_WARN, "x", KV("a", 1));
	ck_assert_str_eq(logged(), "");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("log");
	TCase *tc = tcase_create("log");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, listen_to_stderr, stop_listening);
	tcase_add_test(tc, a_line_is_time_level_event_and_fields);
	tcase_add_test(tc, a_build_cannot_forge_a_line);
	tcase_add_test(tc, blanks_quotes_and_nothing_are_quoted);
	tcase_add_test(tc, no_text_is_said_so);
	tcase_add_test(tc, below_the_level_nothing_is_written);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
