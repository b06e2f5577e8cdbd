/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/config.h"
#include "common/test_capture.h"
#include "common/test_fds.h"
#include "common/version.h"

struct settings {
	char *listen;
	char *token_file;
	int64_t slots;
	int64_t lease_s;
	int64_t part_bytes;
	int64_t port;
	bool is_strict;
};

#define SETTING(name, kind, member, ...) { name, kind, offsetof(struct settings, member), __VA_ARGS__ }

static const struct setting table[] = {
	SETTING("worker-listen", SETTING_TEXT, listen, "127.0.0.1:8443", 0, 0, "Where workers connect"),
	SETTING("token-file", SETTING_TEXT, token_file, NULL, 0, 0, "File that holds the token"),
	SETTING("slots", SETTING_INT, slots, "2", 1, 64, "Attempts at once"),
	SETTING("lease", SETTING_SECONDS, lease_s, "30s", 5, 3600, "How long a silent attempt lives"),
	SETTING("part-size", SETTING_BYTES, part_bytes, "8MiB", 0, 0, "Largest part of an upload"),
	SETTING("port", SETTING_INT, port, NULL, 0, 0, "A number with no limit of its own"),
	SETTING("strict", SETTING_BOOL, is_strict, NULL, 0, 0, "Refuse what is only a note otherwise"),
};

static struct config_program program = {
	.name = "manifold-test",
	.usage = "manifold-test --token-file FILE [...]",
	.summary = "Tests how settings are read.",
	.settings = table,
	.count = sizeof(table) / sizeof(table[0]),
};

static char path[64];

static void have_file(const char *text)
{
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void start_clean(void)
{
	static const char *const variables[] = {
		"CONFIG", "WORKER_LISTEN", "TOKEN_FILE", "SLOTS", "LEASE", "PART_SIZE", "PORT", "STRICT",
	};
	char name[64];

	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
		snprintf(name, sizeof(name), "MANIFOLD_%s", variables[i]);
		unsetenv(name);
	}
	snprintf(path, sizeof(path), "/tmp/config_test.XXXXXX");
	program.has_arguments = false;
	program.default_file = NULL;
	count_files();
}

static void leave_clean(void)
{
	unlink(path);
	no_file_left_open();
}

/* The words are one text, split at blanks. */
static int load(const char *words, struct settings *settings, int *ret_rest, char **argv, struct error *err)
{
	static char copy[512];
	char *save = NULL;
	int argc = 1;

	snprintf(copy, sizeof(copy), "%s", words);
	argv[0] = copy; /* never looked at */
	for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	argv[argc] = NULL;
	return config_load(&program, settings, argc, argv, ret_rest, err);
}

static struct settings assert_loads(const char *words)
{
	struct settings settings;
	struct error err = { 0 };
	char *argv[32];
	int rest = -7;

	ck_assert_msg(load(words, &settings, &rest, argv, &err) == 0, "%s: %s", words, err.msg);
	ck_assert_int_eq(rest, 0);
	return settings;
}

static void assert_refused(const char *words, const char *why)
{
	struct settings settings;
	struct error err = { 0 };
	char *argv[32];
	int rest = -7;

	ck_assert_msg(load(words, &settings, &rest, argv, &err) == -1, "%s is taken", words);
	ck_assert_msg(strstr(err.msg, why) != NULL, "\"%s\" does not say \"%s\"", err.msg, why);
	ck_assert_int_eq(rest, -7);
	ck_assert_ptr_null(settings.listen);
}

static void assert_file_refused(const char *text, const char *why)
{
	char words[128], expected[256];

	snprintf(path, sizeof(path), "/tmp/config_test.XXXXXX");
	have_file(text);
	snprintf(words, sizeof(words), "--config %s", path);
	snprintf(expected, sizeof(expected), "%s:%s", path, why);
	assert_refused(words, expected);
	unlink(path);
}

START_TEST(what_is_not_given_has_its_default)
{
	struct settings settings = assert_loads("");

	ck_assert_str_eq(settings.listen, "127.0.0.1:8443");
	ck_assert_ptr_null(settings.token_file);
	ck_assert_int_eq(settings.slots, 2);
	ck_assert_int_eq(settings.lease_s, 30);
	ck_assert_int_eq(settings.part_bytes, 8 * 1024 * 1024);
	ck_assert_int_eq(settings.port, 0);
	ck_assert(!settings.is_strict);
	config_clear(&program, &settings);
	ck_assert_ptr_null(settings.listen);
}
END_TEST

START_TEST(flag_beats_environment_beats_file_beats_default)
{
	struct settings settings;
	char words[256];

	have_file("# a comment\nslots = 3\nlease = 31\ntoken_file = /a b/c\nstrict = yes\n");
	setenv("MANIFOLD_LEASE", "32", 1);
	setenv("MANIFOLD_TOKEN_FILE", "/env", 1);
	snprintf(words, sizeof(words), "--token-file=/flag --config %s", path);
	settings = assert_loads(words);
	ck_assert_str_eq(settings.token_file, "/flag");
	ck_assert_int_eq(settings.lease_s, 32);
	ck_assert_int_eq(settings.slots, 3);
	ck_assert(settings.is_strict);
	ck_assert_str_eq(settings.listen, "127.0.0.1:8443");
	config_clear(&program, &settings);
}
END_TEST

START_TEST(the_file_may_be_named_by_the_environment_or_be_the_usual_one)
{
	struct settings settings;

	have_file("[a section changes nothing]\nslots = 5\n");
	setenv("MANIFOLD_CONFIG", path, 1);
	settings = assert_loads("");
	ck_assert_int_eq(settings.slots, 5);
	config_clear(&program, &settings);
	unsetenv("MANIFOLD_CONFIG");
	program.default_file = path;
	settings = assert_loads("");
	ck_assert_int_eq(settings.slots, 5);
	config_clear(&program, &settings);
	unlink(path);
	settings = assert_loads("");
	ck_assert_int_eq(settings.slots, 2);
	config_clear(&program, &settings);
	assert_refused("--config /nowhere/manifold.conf", "config file /nowhere/manifold.conf: No such file");
}
END_TEST

START_TEST(times_and_sizes_have_units)
{
	static const struct { const char *words; int64_t lease_s, part_bytes; } cases[] = {
		{ "--lease 90 --part-size 4096", 90, 4096 }, { "--lease 90s --part-size 64KiB", 90, 65536 },
		{ "--lease 15m --part-size 3MiB", 900, 3145728 }, { "--lease 1h --part-size 1GiB", 3600, 1073741824 },
		{ "--lease 5 --part-size 0", 5, 0 }, { "--lease 5 --part-size 12B", 5, 12 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct settings settings = assert_loads(cases[i].words);

		ck_assert_int_eq(settings.lease_s, cases[i].lease_s);
		ck_assert_int_eq(settings.part_bytes, cases[i].part_bytes);
		config_clear(&program, &settings);
	}
}
END_TEST

START_TEST(a_wrong_value_says_where_and_what_it_should_be)
{
	assert_refused("--slots 0", "--slots: \"0\" must be a whole number, from 1 to 64");
	assert_refused("--slots=65", "--slots: \"65\" must be");
	assert_refused("--slots 2x", "--slots: \"2x\" must be");
	assert_refused("--slots=", "--slots: \"\" must be");
	assert_refused("--lease 2h", "--lease: \"2h\" must be a time like 90s, 15m or 2h, from 5s to 1h");
	assert_refused("--lease 1w", "--lease: \"1w\" must be a time");
	assert_refused("--part-size -1", "--part-size: \"-1\" must be a size like 4096, 64KiB or 8MiB, not negative");
	assert_refused("--part-size 9999999999GiB", "--part-size");
	assert_refused("--port 99999999999999999999", "--port");
	assert_refused("--strict=perhaps", "--strict: \"perhaps\" must be true or false");
	assert_refused("--slots", "--slots: a value must follow");
	setenv("MANIFOLD_SLOTS", "many", 1);
	assert_refused("", "MANIFOLD_SLOTS: \"many\" must be a whole number, from 1 to 64");
}
END_TEST

START_TEST(a_wrong_line_is_named_by_its_number)
{
	char text[5000];

	assert_file_refused("\n# slots\nslots = many\n", "3: slots: \"many\" must be a whole number");
	assert_file_refused("slots = 3\nslotz = 4\n", "2: unknown setting slotz, did you mean slots?");
	assert_file_refused("slots = 3\nweather = 4\n", "2: unknown setting weather; --help lists all");
	assert_file_refused("slots = 3\nlease = 9\nslots = 4\n", "3: slots is given again, first on line 1");
	assert_file_refused("slots = 3\nslots\n", "2: must be name = value");
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	assert_file_refused(text, "1: the line is longer than");
}
END_TEST

START_TEST(a_long_value_in_the_file_is_whole)
{
	struct settings settings;
	char text[3100] = "token_file = ", words[128];
	size_t len = strlen(text);

	memset(text + len, 'x', sizeof(text) - len - 1);
	have_file(text);
	snprintf(words, sizeof(words), "--config %s", path);
	settings = assert_loads(words);
	ck_assert_str_eq(settings.token_file, text + len);
	config_clear(&program, &settings);
}
END_TEST

START_TEST(an_unknown_flag_is_refused_with_the_nearest)
{
	assert_refused("--slot 3", "command line: unknown setting --slot, did you mean --slots?");
	assert_refused("--confg x", "did you mean --config?");
	assert_refused("--weather", "unknown setting --weather; --help lists all");
	assert_refused("-s 3", "unknown flag -s");
	assert_refused("word", "\"word\" is no flag");
}
END_TEST

START_TEST(a_flag_without_value_is_true)
{
	struct settings settings = assert_loads("--strict --slots 4");

	ck_assert(settings.is_strict);
	ck_assert_int_eq(settings.slots, 4);
	config_clear(&program, &settings);
	settings = assert_loads("--strict --strict=off");
	ck_assert(!settings.is_strict);
	config_clear(&program, &settings);
}
END_TEST

START_TEST(an_empty_variable_is_none)
{
	struct settings settings;

	setenv("MANIFOLD_SLOTS", "", 1);
	settings = assert_loads("");
	ck_assert_int_eq(settings.slots, 2);
	config_clear(&program, &settings);
}
END_TEST

START_TEST(words_that_are_no_flags_come_to_the_front)
{
	struct settings settings;
	struct error err = { 0 };
	char *argv[32];
	int rest;

	program.has_arguments = true;
	ck_assert_int_eq(load("one --slots 3 - two --strict -- --three", &settings, &rest, argv, &err), 0);
	ck_assert_int_eq(rest, 4);
	ck_assert_str_eq(argv[1], "one");
	ck_assert_str_eq(argv[2], "-");
	ck_assert_str_eq(argv[3], "two");
	ck_assert_str_eq(argv[4], "--three");
	ck_assert_int_eq(settings.slots, 3);
	ck_assert(settings.is_strict);
	config_clear(&program, &settings);
}
END_TEST

static void print(const char *words, char *text, size_t size)
{
	struct settings settings = { 0 };
	struct error err;
	char *argv[32];
	int rest;
	struct capture capture = capture_begin(stdout);
	int rc = load(words, &settings, &rest, argv, &err);

	capture_end(&capture, text, size);
	ck_assert_int_eq(rc, CONFIG_DONE);
}

START_TEST(help_lists_every_setting_with_its_default)
{
	char text[4096];

	program.default_file = "/etc/manifold/test.conf";
	print("--weather --help", text, sizeof(text));
	ck_assert_ptr_eq(strstr(text, "Usage: manifold-test --token-file FILE [...]\n"), text);
	ck_assert_ptr_nonnull(strstr(text, "  --worker-listen TEXT  Where workers connect (default 127.0.0.1:8443)\n"));
	ck_assert_ptr_nonnull(strstr(text, "  --token-file TEXT     File that holds the token\n"));
	ck_assert_ptr_nonnull(strstr(text, "  --slots N             Attempts at once (default 2)\n"));
	ck_assert_ptr_nonnull(strstr(text, "  --strict              Refuse"));
	ck_assert_ptr_nonnull(strstr(text, "(default /etc/manifold/test.conf,"));
	ck_assert_ptr_nonnull(strstr(text, "MANIFOLD_LIKE_THIS"));
	for (char *line = text; *line; line += strcspn(line, "\n") + 1)
		ck_assert_uint_le(strcspn(line, "\n"), 88);
}
END_TEST

START_TEST(version_says_name_number_and_instruction_set)
{
	char text[256], expected[256];

	print("--version", text, sizeof(text));
	snprintf(expected, sizeof(expected), "manifold-test %s (%s)\n", version_text(), version_isa_level());
	ck_assert_str_eq(text, expected);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config");
	TCase *tc = tcase_create("config");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, start_clean, leave_clean);
	tcase_add_test(tc, what_is_not_given_has_its_default);
	tcase_add_test(tc, flag_beats_environment_beats_file_beats_default);
	tcase_add_test(tc, the_file_may_be_named_by_the_environment_or_be_the_usual_one);
	tcase_add_test(tc, times_and_sizes_have_units);
	tcase_add_test(tc, a_wrong_value_says_where_and_what_it_should_be);
	tcase_add_test(tc, a_wrong_line_is_named_by_its_number);
	tcase_add_test(tc, a_long_value_in_the_file_is_whole);
	tcase_add_test(tc, an_unknown_flag_is_refused_with_the_nearest);
	tcase_add_test(tc, a_flag_without_value_is_true);
	tcase_add_test(tc, an_empty_variable_is_none);
	tcase_add_test(tc, words_that_are_no_flags_come_to_the_front);
	tcase_add_test(tc, help_lists_every_setting_with_its_default);
	tcase_add_test(tc, version_says_name_number_and_instruction_set);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
