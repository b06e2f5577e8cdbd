/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/build_args.h"

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/test_capture.h"
#include "common/test_fds.h"

static char dir[] = "/tmp/manifold-args-XXXXXX";
static const struct command command = { .name = "build", .usage = "CONTEXT", .summary = "", .help = "" };
static struct build_args args;

static void begin(void)
{
	char path[64];

	count_files();
	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/sub", dir);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/sub/Dockerfile.prod", dir);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	args = (struct build_args){ 0 };
	optind = 0; /* getopt starts anew */
}

static void end(void)
{
	char path[64];

	build_args_clear(&args);
	snprintf(path, sizeof(path), "%s/sub/Dockerfile.prod", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/sub", dir);
	rmdir(path);
	rmdir(dir);
	no_file_left_open();
}

static int parse(const char *const *words)
{
	char *argv[32] = { (char *)(uintptr_t)"build" };
	int argc = 1;

	for (; *words; words++)
		argv[argc++] = (char *)(uintptr_t)*words;
	return build_args_parse(&command, argc, argv, &args);
}

#define PARSE(...) parse((const char *const[]){ __VA_ARGS__, NULL })

START_TEST(the_flags_of_buildx_make_a_spec)
{
	ck_assert_int_eq(PARSE("-t", "r/a:1", "--tag", "r/b:1", "--platform", "linux/amd64,linux/arm64/v8", "--build-arg",
			       "A=1", "--build-arg", "A=2", "--label", "l=x=y", "--target", "final", dir), EXIT_OK);
	ck_assert_uint_eq(args.spec.tag_count, 2);
	ck_assert_uint_eq(args.spec.platform_count, 2);
	ck_assert_str_eq(args.spec.platforms[1].architecture, "arm64");
	ck_assert_str_eq(args.spec.platforms[1].variant, "");
	ck_assert_uint_eq(args.spec.build_arg_count, 1);
	ck_assert_str_eq(args.spec.build_args[0].value, "2");
	ck_assert_str_eq(args.spec.labels[0].value, "x=y");
	ck_assert_str_eq(args.spec.target, "final");
	ck_assert_str_eq(args.spec.dockerfile, "Dockerfile");
	ck_assert_str_eq(args.dir, dir);
}
END_TEST

START_TEST(a_build_arg_without_value_comes_from_the_environment)
{
	setenv("MANIFOLD_ARGS_TEST", "from here", 1);
	unsetenv("MANIFOLD_ARGS_NONE");
	ck_assert_int_eq(PARSE("-t", "a:1", "--platform", "linux/amd64", "--build-arg", "MANIFOLD_ARGS_TEST",
			       "--build-arg", "MANIFOLD_ARGS_NONE", dir), EXIT_OK);
	ck_assert_uint_eq(args.spec.build_arg_count, 1);
	ck_assert_str_eq(args.spec.build_args[0].value, "from here");
}
END_TEST

START_TEST(the_dockerfile_is_named_inside_the_context)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/sub/../sub/Dockerfile.prod", dir);
	ck_assert_int_eq(PARSE("-f", path, "-t", "a:1", "--platform", "linux/amd64", dir), EXIT_OK);
	ck_assert_str_eq(args.spec.dockerfile, "sub/Dockerfile.prod");
}
END_TEST

START_TEST(no_push_takes_the_tags_away)
{
	ck_assert_int_eq(PARSE("--no-push", "-t", "a:1", "--platform", "linux/amd64", dir), EXIT_OK);
	ck_assert_uint_eq(args.spec.tag_count, 0);
}
END_TEST

/* What was said, and that it was usage. */
#define REFUSES(text, ...) \
	do { \
		struct capture capture = capture_begin(stderr); \
		char said[2048]; \
		int rc = PARSE(__VA_ARGS__); \
		capture_end(&capture, said, sizeof(said)); \
		ck_assert_int_eq(rc, EXIT_USAGE); \
		ck_assert_msg(strstr(said, (text)) != NULL, "said: %s", said); \
	} while (0)

START_TEST(a_missing_context_is_asked_for)
{
	REFUSES("which context?", "-t", "a:1", "--platform", "linux/amd64");
}
END_TEST

START_TEST(a_second_context_is_refused)
{
	REFUSES("one context", "-t", "a:1", "--platform", "linux/amd64", dir, dir);
}
END_TEST

START_TEST(missing_platforms_are_asked_for)
{
	REFUSES("which platforms?", "-t", "a:1", dir);
}
END_TEST

START_TEST(a_missing_tag_is_asked_for)
{
	REFUSES("publish where?", "--platform", "linux/amd64", dir);
}
END_TEST

START_TEST(push_and_no_push_contradict)
{
	REFUSES("contradict", "--push", "--no-push", "-t", "a:1", "--platform", "linux/amd64", dir);
}
END_TEST

START_TEST(a_wrong_platform_is_quoted)
{
	REFUSES("linux-amd64", "-t", "a:1", "--platform", "linux-amd64", dir);
}
END_TEST

START_TEST(a_dockerfile_outside_the_context_is_refused)
{
	REFUSES("not inside the context", "-f", "/etc/hostname", "-t", "a:1", "--platform", "linux/amd64", dir);
}
END_TEST

START_TEST(a_context_that_is_not_there_is_named)
{
	REFUSES("/no/such/dir", "-t", "a:1", "--platform", "linux/amd64", "/no/such/dir");
}
END_TEST

START_TEST(a_label_without_value_is_refused)
{
	REFUSES("NAME=VALUE", "--label", "l", "-t", "a:1", "--platform", "linux/amd64", dir);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("build_args");
	TCase *tcase = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, begin, end);
	tcase_add_test(tcase, the_flags_of_buildx_make_a_spec);
	tcase_add_test(tcase, a_build_arg_without_value_comes_from_the_environment);
	tcase_add_test(tcase, the_dockerfile_is_named_inside_the_context);
	tcase_add_test(tcase, no_push_takes_the_tags_away);
	tcase_add_test(tcase, a_missing_context_is_asked_for);
	tcase_add_test(tcase, a_second_context_is_refused);
	tcase_add_test(tcase, missing_platforms_are_asked_for);
	tcase_add_test(tcase, a_missing_tag_is_asked_for);
	tcase_add_test(tcase, push_and_no_push_contradict);
	tcase_add_test(tcase, a_wrong_platform_is_quoted);
	tcase_add_test(tcase, a_dockerfile_outside_the_context_is_refused);
	tcase_add_test(tcase, a_context_that_is_not_there_is_named);
	tcase_add_test(tcase, a_label_without_value_is_refused);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
