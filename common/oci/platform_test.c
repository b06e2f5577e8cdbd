/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/oci/platform.h"

static void assert_parses(const char *text, const char *as)
{
	char formatted[PLATFORM_TEXT_MAX];
	struct platform platform;
	struct error err = { 0 };

	ck_assert_msg(platform_parse(text, &platform, &err) == 0, "%s: %s", text, err.msg);
	platform_format(&platform, formatted);
	ck_assert_str_eq(formatted, as);
}

static void assert_refused(const char *text, const char *why)
{
	struct platform platform = { .os = "kept" };
	struct error err = { 0 };

	ck_assert_msg(platform_parse(text, &platform, &err) == -1, "%s is taken", text);
	ck_assert_int_eq(err.code, ERR_INVALID);
	ck_assert_msg(strstr(err.msg, why) != NULL, "\"%s\" does not say \"%s\"", err.msg, why);
	ck_assert_str_eq(platform.os, "kept");
}

START_TEST(spellings_are_normalised_as_containerd_does)
{
	static const char *const same[][2] = {
		{ "linux/amd64", "linux/amd64" },     { "linux/x86_64", "linux/amd64" },
		{ "linux/x86-64", "linux/amd64" },    { "Linux/AMD64", "linux/amd64" },
		{ "linux/amd64/v1", "linux/amd64" },  { "linux/x86_64/v1", "linux/amd64" },
		{ "linux/amd64/v3", "linux/amd64/v3" }, { "linux/aarch64", "linux/arm64" },
		{ "linux/arm64/v8", "linux/arm64" },  { "linux/arm64/8", "linux/arm64" },
		{ "linux/aarch64/v8.0", "linux/arm64" }, { "linux/arm64/9", "linux/arm64/v9" },
		{ "linux/arm64/v9.0", "linux/arm64/v9" }, { "linux/arm64/v8.2", "linux/arm64/v8.2" },
		{ "linux/arm", "linux/arm/v7" },      { "linux/arm/7", "linux/arm/v7" },
		{ "linux/arm/v6", "linux/arm/v6" },   { "linux/arm/8", "linux/arm/v8" },
		{ "linux/armhf", "linux/arm/v7" },    { "linux/armel", "linux/arm/v6" },
		{ "linux/i386", "linux/386" },        { "macos/arm64", "darwin/arm64" },
		{ "linux/riscv64", "linux/riscv64" }, { "linux/loong64", "linux/loong64" },
	};

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		assert_parses(same[i][0], same[i][1]);
}
END_TEST

START_TEST(a_wrong_platform_is_refused_with_a_right_one)
{
	assert_refused("", "linux/arm64");
	assert_refused("arm64", "for example linux/arm64");
	assert_refused("linux/", "for example linux/arm64");
	assert_refused("/amd64", "for example linux/arm64");
	assert_refused("linux/amd64/", "for example linux/arm64");
	assert_refused("linux/amd64/v3/x", "for example linux/arm64");
	assert_refused("linux/arm46", "unknown architecture arm46");
	assert_refused("lunix/arm64", "unknown operating system lunix");
	assert_refused("linux/amd64/v5", "it has none, v2, v3 and v4");
	assert_refused("linux/arm64/v7", "it has none, v8.1");
	assert_refused("linux/arm64/v8.", "it has none, v8.1");
	assert_refused("linux/arm/v9", "it has v5, v6, v7 and v8");
	assert_refused("linux/am d64", "no architecture");
	assert_refused("linux/\xc3\xa9", "no architecture");
	assert_refused("linux/an-architecture-that-is-far-too-long-for-any", "linux/arm64");
	assert_refused("linux/amd64/v3456789", "no variant");
}
END_TEST

START_TEST(parts_of_a_config_are_normalised)
{
	struct platform a, b;
	struct error err;

	ck_assert_int_eq(platform_from_parts("linux", "arm64", "v8", &a, &err), 0);
	ck_assert_int_eq(platform_from_parts("linux", "arm64", NULL, &b, &err), 0);
	ck_assert(platform_equal(&a, &b));
	ck_assert_int_eq(platform_from_parts("unknown", "unknown", "", &a, &err), 0);
	ck_assert(!platform_equal(&a, &b));
}
END_TEST

START_TEST(a_config_without_os_or_architecture_is_refused)
{
	struct platform platform;
	struct error err;

	ck_assert_int_eq(platform_from_parts(NULL, "arm64", NULL, &platform, &err), -1);
	ck_assert_int_eq(platform_from_parts("linux", NULL, NULL, &platform, &err), -1);
	ck_assert_int_eq(platform_from_parts("linux", "", NULL, &platform, &err), -1);
	ck_assert_int_eq(err.code, ERR_INVALID);
}
END_TEST

START_TEST(baseline_comes_before_variants)
{
	static const char *const ordered[] = {
		"darwin/arm64", "linux/386", "linux/amd64", "linux/amd64/v2", "linux/amd64/v3", "linux/arm/v6",
		"linux/arm/v7", "linux/arm64", "linux/arm64/v8.1", "linux/arm64/v8.2", "linux/arm64/v9",
		"linux/arm64/v9.1", "linux/riscv64",
	};
	struct platform a, b;
	struct error err;

	for (size_t i = 0; i < sizeof(ordered) / sizeof(ordered[0]); i++) {
		for (size_t j = 0; j < sizeof(ordered) / sizeof(ordered[0]); j++) {
			int order;

			ck_assert_int_eq(platform_parse(ordered[i], &a, &err), 0);
			ck_assert_int_eq(platform_parse(ordered[j], &b, &err), 0);
			order = platform_compare(&a, &b);
			ck_assert_msg(i < j ? order < 0 : i > j ? order > 0 : order == 0, "%s and %s: %d", ordered[i],
				      ordered[j], order);
		}
	}
}
END_TEST

START_TEST(numbers_in_variants_are_numbers)
{
	struct platform a, b;
	struct error err;

	ck_assert_int_eq(platform_from_parts("linux", "arm64", "v8.2", &a, &err), 0);
	ck_assert_int_eq(platform_from_parts("linux", "arm64", "v8.10", &b, &err), 0);
	ck_assert_int_lt(platform_compare(&a, &b), 0);
	ck_assert_int_gt(platform_compare(&b, &a), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("platform");
	TCase *tc = tcase_create("platform");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, spellings_are_normalised_as_containerd_does);
	tcase_add_test(tc, a_wrong_platform_is_refused_with_a_right_one);
	tcase_add_test(tc, parts_of_a_config_are_normalised);
	tcase_add_test(tc, a_config_without_os_or_architecture_is_refused);
	tcase_add_test(tc, baseline_comes_before_variants);
	tcase_add_test(tc, numbers_in_variants_are_numbers);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
