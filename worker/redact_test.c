/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "worker/redact.h"

static const struct {
	const char *in, *out;
} texts[] = {
	{ "nothing to hide\n", "nothing to hide\n" },
	{ "password=hunter22 ", "password=*** " },
	{ "hunter22hunter22", "******" },
	{ "hunthunter22", "hunt***" },
	{ "hunter2", "***" },               /* the shorter secret, when the longer does not come */
	{ "hunter2 hunter22", "*** ***" },
	{ "hunter", "hunter" },
	{ "aaab aaaab", "aaab ***b" },
	{ "", "" },
};

/* Cut into pieces of every size. */
START_TEST(a_secret_is_replaced_wherever_the_pieces_are_cut)
{
	size_t len = strlen(texts[_i].in);

	for (size_t piece = 1; piece <= len + 1; piece++) {
		CLEANUP(redact_freep) struct redact *redact = redact_new();
		CLEANUP(buf_clear) struct buf out = { 0 };

		redact_add(redact, "hunter22");
		redact_add(redact, "hunter2");
		redact_add(redact, "aaaa");
		redact_add(redact, "no"); /* too short to count */
		for (size_t at = 0; at < len; at += piece)
			redact_bytes(redact, texts[_i].in + at, len - at < piece ? len - at : piece, &out);
		redact_end(redact, &out);
		ck_assert_str_eq(buf_text(&out), texts[_i].out);
	}
}
END_TEST

START_TEST(without_secrets_nothing_is_held_back)
{
	CLEANUP(redact_freep) struct redact *redact = redact_new();
	CLEANUP(buf_clear) struct buf out = { 0 };

	redact_bytes(redact, "a\0b", 3, &out);
	ck_assert_uint_eq(out.len, 3);
	redact_add(redact, "secret");
	redact_bytes(redact, "xs", 2, &out);
	ck_assert_uint_eq(out.len, 4);
	redact_bytes(redact, "ecret", 5, &out);
	ck_assert_int_eq(memcmp(out.data, "a\0bx***", 7), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("redact");
	TCase *tc = tcase_create("redact");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tc, a_secret_is_replaced_wherever_the_pieces_are_cut, 0, (int)(sizeof(texts) / sizeof(texts[0])));
	tcase_add_test(tc, without_secrets_nothing_is_held_back);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
