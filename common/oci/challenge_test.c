/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/oci/challenge.h"

START_TEST(a_bearer_challenge_names_its_token_server)
{
	struct challenge challenge = { .kind = CHALLENGE_NONE };

	challenge_read("Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\","
		       "scope=\"repository:library/debian:pull,push\",error=\"insufficient_scope\"",
		       &challenge);
	ck_assert_int_eq(challenge.kind, CHALLENGE_BEARER);
	ck_assert_str_eq(challenge.realm, "https://auth.docker.io/token");
	ck_assert_str_eq(challenge.service, "registry.docker.io");
	ck_assert_str_eq(challenge.scope, "repository:library/debian:pull,push");
}
END_TEST

START_TEST(bearer_beats_basic_in_any_order_and_header)
{
	struct challenge challenge = { .kind = CHALLENGE_NONE };

	challenge_read("Negotiate, BASIC realm=\"a, b=c\", bearer realm=https://t/x , service = \"q\\\"q\"", &challenge);
	ck_assert_int_eq(challenge.kind, CHALLENGE_BEARER);
	ck_assert_str_eq(challenge.realm, "https://t/x");
	ck_assert_str_eq(challenge.service, "q\"q");
	challenge_read("Basic realm=\"later\"", &challenge);
	ck_assert_int_eq(challenge.kind, CHALLENGE_BEARER);
}
END_TEST

START_TEST(basic_alone_is_basic)
{
	struct challenge challenge = { .kind = CHALLENGE_NONE };

	challenge_read("Basic realm=\"Registry Realm\"", &challenge);
	ck_assert_int_eq(challenge.kind, CHALLENGE_BASIC);
}
END_TEST

START_TEST(nonsense_is_passed_over)
{
	static const char *const nonsense[] = {
		"", ",,,", "Bearer", "Bearer service=\"x\"", "Digest realm=\"x\"", "\"", "= = =", "Bearer realm=\"", "Bearer realm",
	};

	for (size_t i = 0; i < sizeof(nonsense) / sizeof(*nonsense); i++) {
		struct challenge challenge = { .kind = CHALLENGE_NONE };

		challenge_read(nonsense[i], &challenge);
		ck_assert_int_eq(challenge.kind, CHALLENGE_NONE);
	}
}
END_TEST

START_TEST(a_value_too_long_is_no_value)
{
	char header[2048] = "Bearer realm=\"https://t/";
	struct challenge challenge = { .kind = CHALLENGE_NONE };

	memset(header + strlen(header), 'x', 1000);
	challenge_read(header, &challenge);
	ck_assert_int_eq(challenge.kind, CHALLENGE_NONE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("challenge");
	TCase *tc = tcase_create("challenge");
	SRunner *sr;
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_test(tc, a_bearer_challenge_names_its_token_server);
	tcase_add_test(tc, bearer_beats_basic_in_any_order_and_header);
	tcase_add_test(tc, basic_alone_is_basic);
	tcase_add_test(tc, nonsense_is_passed_over);
	tcase_add_test(tc, a_value_too_long_is_no_value);
	sr = srunner_create(suite);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? 1 : 0;
}
