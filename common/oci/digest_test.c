/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/fault.h"
#include "common/oci/digest.h"
#include "common/test_fds.h"

#define EMPTY "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ABC "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

START_TEST(known_answers)
{
	char text[DIGEST_TEXT_MAX];
	struct digest_state *state = digest_new();

	digest_of_bytes("", 0, text);
	ck_assert_str_eq(text, EMPTY);
	digest_of_bytes("abc", 3, text);
	ck_assert_str_eq(text, ABC);
	digest_update(state, "a", 1);
	digest_update(state, NULL, 0);
	digest_update(state, "bc", 2);
	digest_final(state, text);
	digest_free(state);
	ck_assert_str_eq(text, ABC);
}
END_TEST

START_TEST(a_file_is_read_whole_wherever_its_position_is)
{
	char path[] = "/tmp/digest_test.XXXXXX";
	int fd = mkstemp(path);
	char text[DIGEST_TEXT_MAX];
	int64_t size;
	struct error err;

	unlink(path);
	ck_assert_int_eq(write(fd, "abc", 3), 3);
	ck_assert_int_eq(digest_of_fd(fd, text, &size, &err), 0);
	ck_assert_str_eq(text, ABC);
	ck_assert_int_eq(size, 3);
	fault_arm(2);
	ck_assert_int_eq(digest_of_fd(fd, text, NULL, &err), -1);
	ck_assert(fault_fired());
	ck_assert_int_eq(err.code, ERR_IO);
	close(fd);
	ck_assert_int_eq(digest_of_fd(fd, text, NULL, &err), -1);
}
END_TEST

START_TEST(only_lower_case_sha256_is_a_digest)
{
	static const char *const wrong[] = {
		"", "sha256:", "sha256:abc", "sha512:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"sha256:E3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", EMPTY "0",
		"sha256:../../../../../../../../../../../../../../../../../../../etc/passwd",
	};
	char text[DIGEST_TEXT_MAX] = "kept";
	struct error err;

	ck_assert(digest_is_valid(EMPTY));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		ck_assert(!digest_is_valid(wrong[i]));
		ck_assert_int_eq(digest_parse(wrong[i], "layer 3", text, &err), -1);
		ck_assert_int_eq(err.code, ERR_INVALID);
		ck_assert_ptr_nonnull(strstr(err.msg, "layer 3"));
		ck_assert_str_eq(text, "kept");
	}
	ck_assert_int_eq(digest_parse(ABC, "x", text, &err), 0);
	ck_assert_str_eq(text, ABC);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("digest");
	TCase *tc = tcase_create("digest");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(tc, count_files, no_file_left_open);
	suite_add_tcase(suite, tc);
	tcase_add_test(tc, known_answers);
	tcase_add_test(tc, a_file_is_read_whole_wherever_its_position_is);
	tcase_add_test(tc, only_lower_case_sha256_is_a_digest);
	sr = srunner_create(suite);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? 1 : 0;
}
