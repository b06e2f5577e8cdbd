/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/context/ignore.h"
#include "common/test_fds.h"

static bool is_out(const char *text, const char *path)
{
	CLEANUP(ignore_freep) struct ignore *ignore = NULL;
	struct error err;

	if (ignore_parse(text, strlen(text), &ignore, &err) < 0)
		ck_abort_msg("%s: %s", text, err.msg);
	return ignore_matches(ignore, path);
}

/* What moby's matcher answers for the same. */
static const struct {
	const char *patterns, *path;
	bool is_out;
} matches[] = {
	{ "", "a", false },
	{ "a", "a", true },
	{ "a", "a/b/c", true },
	{ "a", "b/a", false },
	{ "/a/", "a/b", true },
	{ "./a//b/../c", "a/c", true },
	{ "../a", "a", false },
	{ ".", "a", false },
	{ "# a\na#b", "a#b", true },
	{ " #a", "#a", true },
	{ "\xef\xbb\xbf# c\r\n  a  \r\n", "a", true },
	{ "*", "a/b", true },
	{ "*", ".git", true },
	{ "*.o", "x.o", true },
	{ "*.o", "d/x.o", false },
	{ "*/*.o", "d/x.o", true },
	{ "**/*.o", "x.o", true },
	{ "**/*.o", "d/e/x.o", true },
	{ "**/*.o", "d/e/x.oo", false },
	{ "**/x", "x", true },
	{ "**/x", "d/e/x", true },
	{ "**/x", "d/yx", false },
	{ "**x", "d/yx", true },
	{ "**", "any/thing", true },
	{ "a/**", "a", false },
	{ "a/**", "a/b/c", true },
	{ "a**", "abc/d", true },
	{ "a/**/b", "a/b", true },
	{ "a/**/b", "a/x/y/b", true },
	{ "a/**/b", "ab", false },
	{ "a/*/b", "a/x/y/b", false },
	{ "**/d/**", "d/x", true },
	{ "**/d/**", "a/d/x", true },
	{ "**/d/**", "a/dd/x", false },
	{ "a?c", "abc", true },
	{ "a?c", "a/c", false },
	{ "a?c", "a\xc3\xa9" "c", true },
	{ "[a-c]x", "bx", true },
	{ "[^a-c]x", "bx", false },
	{ "[^a-c]x", "dx", true },
	{ "[\\]]x", "]x", true },
	{ "a\\*b", "a*b", true },
	{ "a\\*b", "axb", false },
	{ "a.b", "axb", false },
	{ "a+(b)|{c}$", "a+(b)|{c}$", true },
	{ "*.md\n!README.md", "README.md", false },
	{ "*.md\n!README.md", "x.md", true },
	{ "!README.md\n*.md", "README.md", true },
	{ "d\n!d/keep", "d/keep", false },
	{ "d\n!d/keep", "d/keep/below", false },
	{ "d\n!d/keep", "d/other", true },
	{ "d\n!  d/keep", "d/keep", false },
	{ "*\n!src\nsrc/*.o", "src/a.c", false },
	{ "*\n!src\nsrc/*.o", "src/a.o", true },
	{ "*\n!**/*.go", "a/b/c.go", false },
	{ "*\n!**/*.go", "a/b/c.c", true },
};

START_TEST(a_pattern_matches_as_buildkit_says)
{
	ck_assert_msg(is_out(matches[_i].patterns, matches[_i].path) == matches[_i].is_out, "\"%s\" and \"%s\"",
		      matches[_i].patterns, matches[_i].path);
}
END_TEST

START_TEST(a_walk_decides_as_a_single_look_does)
{
	CLEANUP(ignore_freep) struct ignore *ignore = NULL;
	const char *text = "*\n!d\nd/x\n!d/x/y";
	bool top[4], below[4], deep[4];
	struct error err;

	ck_assert_int_eq(ignore_parse(text, strlen(text), &ignore, &err), 0);
	ck_assert_uint_eq(ignore_count(ignore), 4);
	ck_assert(!ignore_matches_below(ignore, "d", NULL, top));
	ck_assert(ignore_matches_below(ignore, "d/x", top, below));
	ck_assert(!ignore_matches_below(ignore, "d/x/y", below, deep));
	ck_assert(!ignore_matches(ignore, "d/x/y"));
	ck_assert(ignore_may_bring_back(ignore, "d/x"));
	ck_assert(!ignore_may_bring_back(ignore, "e"));
}
END_TEST

static const struct {
	const char *text, *said;
} wrong[] = {
	{ "a\n!", "line 2" },
	{ "a\n[b", "[...]" },
	{ "[]", "[...]" },
	{ "[z-a]", "backwards" },
	{ "[a-]", "range" },
	{ "x\\", "backslash" },
};

START_TEST(a_wrong_pattern_is_refused_with_its_line)
{
	CLEANUP(ignore_freep) struct ignore *ignore = NULL;
	struct error err;

	ck_assert_int_eq(ignore_parse(wrong[_i].text, strlen(wrong[_i].text), &ignore, &err), -1);
	ck_assert_int_eq(err.code, ERR_INVALID);
	ck_assert_msg(strstr(err.msg, "line ") && strstr(err.msg, wrong[_i].said), "%s", err.msg);
}
END_TEST

START_TEST(many_stars_take_no_long_time)
{
	char path[2001];

	memset(path, 'a', 2000);
	path[2000] = '\0';
	ck_assert(!is_out("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", path));
}
END_TEST

static void put(int dir, const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

START_TEST(the_dockerfiles_own_ignore_file_wins)
{
	char path[] = "/tmp/ignore-test-XXXXXX", name[IGNORE_NAME_MAX];
	struct ignore *ignore = NULL;
	struct error err;
	int dir;

	ck_assert_ptr_nonnull(mkdtemp(path));
	dir = open(path, O_RDONLY | O_DIRECTORY);
	ck_assert_int_eq(ignore_load(dir, "Dockerfile", &ignore, name, &err), 0);
	ck_assert_str_eq(name, "");
	ignore_free(ignore);
	put(dir, ".dockerignore", "a\n");
	ck_assert_int_eq(mkdirat(dir, "d", 0755), 0);
	put(dir, "d/F.dockerignore", "");
	ck_assert_int_eq(ignore_load(dir, "Dockerfile", &ignore, name, &err), 0);
	ck_assert_str_eq(name, ".dockerignore");
	ck_assert(ignore_matches(ignore, "a"));
	ignore_free(ignore);
	ck_assert_int_eq(ignore_load(dir, "d/F", &ignore, name, &err), 0);
	ck_assert_str_eq(name, "d/F.dockerignore");
	ck_assert(!ignore_matches(ignore, "a"));
	ignore_free(ignore);
	unlinkat(dir, "d/F.dockerignore", 0);
	unlinkat(dir, "d", AT_REMOVEDIR);
	unlinkat(dir, ".dockerignore", 0);
	close(dir);
	rmdir(path);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ignore");
	TCase *tc = tcase_create("ignore");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, count_files, no_file_left_open);
	tcase_add_loop_test(tc, a_pattern_matches_as_buildkit_says, 0, (int)(sizeof(matches) / sizeof(matches[0])));
	tcase_add_test(tc, a_walk_decides_as_a_single_look_does);
	tcase_add_loop_test(tc, a_wrong_pattern_is_refused_with_its_line, 0, (int)(sizeof(wrong) / sizeof(wrong[0])));
	tcase_add_test(tc, many_stars_take_no_long_time);
	tcase_add_test(tc, the_dockerfiles_own_ignore_file_wins);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
