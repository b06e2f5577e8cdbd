/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "common/version.h"

START_TEST(the_version_is_the_makefile_s)
{
	ck_assert_str_eq(version_text(), MANIFOLD_VERSION);
}
END_TEST

START_TEST(the_level_is_one_of_the_machine_that_runs_this)
{
	static const char *const families[][2] = {
		{ "x86_64", "x86-64" }, { "aarch64", "armv" }, { "armv7l", "armv" }, { "riscv64", "riscv64" },
		{ "s390x", "s390x" },   { "ppc64le", "ppc64le" },
	};
	const char *level = version_isa_level();
	struct utsname host;

	ck_assert_int_eq(uname(&host), 0);
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		if (strcmp(host.machine, families[i][0]) == 0)
			ck_assert_msg(strncmp(level, families[i][1], strlen(families[i][1])) == 0, "%s on %s", level,
				      host.machine);
}
END_TEST

START_TEST(the_level_is_no_higher_than_the_flags_allow)
{
#if defined(__x86_64__) && defined(__AVX2__) && !defined(__AVX512F__)
	ck_assert_str_eq(version_isa_level(), "x86-64-v3");
#elif defined(__x86_64__) && !defined(__SSE3__)
	ck_assert_str_eq(version_isa_level(), "x86-64");
#else
	ck_assert_str_ne(version_isa_level(), "");
#endif
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("version");
	TCase *tc = tcase_create("version");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, the_version_is_the_makefile_s);
	tcase_add_test(tc, the_level_is_one_of_the_machine_that_runs_this);
	tcase_add_test(tc, the_level_is_no_higher_than_the_flags_allow);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
