/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/oci/digest.h"
#include "common/test_fds.h"
#include "worker/context_fetch.h"
#include "worker/files.h"
#include "worker/test_front.h"

#define SIZE 300000

static char top[64], file[96], url[64], digest[DIGEST_TEXT_MAX];
static struct front front;
static struct http *http;
static int cancel_fd;

static void setup(void)
{
	int fd;
	char byte = 0;

	http_global_init();
	snprintf(top, sizeof(top), "/tmp/fetch-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(top));
	snprintf(file, sizeof(file), "%s/served", top);
	fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	for (int i = 0; i < SIZE; i += 1000)
		ck_assert_int_eq(pwrite(fd, &byte, 1, i + (byte++ & 7)), 1);
	ck_assert_int_eq(ftruncate(fd, SIZE), 0);
	ck_assert_int_eq(digest_of_fd(fd, digest, NULL, &(struct error){ .code = 0 }), 0);
	close(fd);
	front_start(&front, file);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d", front.port);
	http = http_new();
	cancel_fd = eventfd(0, EFD_CLOEXEC);
}

static void teardown(void)
{
	http_free(http);
	front_stop(&front);
	close(cancel_fd);
	dir_remove_all(AT_FDCWD, top);
}

static int fetch(struct error *err)
{
	struct context_source source = { .state_dir = top, .front_url = url, .token = "token-of-worker", .digest = digest,
					 .http = http, .cancel_fd = cancel_fd, .away_limit_s = 1 };
	char got[DIGEST_TEXT_MAX];
	int fd;

	if (context_fetch(&source, &fd, err) < 0)
		return -1;
	ck_assert_int_eq(digest_of_fd(fd, got, NULL, err), 0);
	ck_assert_str_eq(got, digest);
	close(fd);
	return 0;
}

START_TEST(a_context_is_fetched_once_and_then_kept)
{
	struct error err;

	ck_assert_int_eq(fetch(&err), 0);
	ck_assert_int_eq(fetch(&err), 0);
	ck_assert_int_eq(front.requests, 1);
}
END_TEST

START_TEST(a_broken_answer_is_continued_where_it_broke)
{
	struct error err;

	front.break_after = 100000;
	front.breaks = 2;
	if (fetch(&err) < 0)
		ck_abort_msg("%s", err.msg);
	ck_assert_int_eq(front.requests, 3);
	ck_assert_int_eq(front.ranged, 2);
}
END_TEST

START_TEST(a_server_that_ignores_the_range_is_asked_from_the_start)
{
	struct error err;

	front.break_after = 100000;
	front.breaks = 1;
	front.is_ignoring_range = true;
	if (fetch(&err) < 0)
		ck_abort_msg("%s", err.msg);
}
END_TEST

START_TEST(other_bytes_than_the_digest_names_are_refused)
{
	struct error err;

	digest[10] = digest[10] == 'a' ? 'b' : 'a';
	ck_assert_int_eq(fetch(&err), -1);
	ck_assert_int_eq(err.code, ERR_IO);
	ck_assert_int_eq(front.requests, 2);
}
END_TEST

static const struct {
	int status;
	enum err_code code;
} refusals[] = { { 404, ERR_NOT_FOUND }, { 401, ERR_DENIED }, { 403, ERR_DENIED }, { 503, ERR_UNAVAILABLE } };

START_TEST(a_refusal_is_named)
{
	struct error err;

	front.status = refusals[_i].status;
	ck_assert_int_eq(fetch(&err), -1);
	ck_assert_int_eq(err.code, refusals[_i].code);
}
END_TEST

START_TEST(a_cancelled_fetch_ends_at_once)
{
	struct error err;
	uint64_t one = 1;

	front.status = 503;
	ck_assert_int_eq(write(cancel_fd, &one, sizeof(one)), sizeof(one));
	ck_assert_int_eq(fetch(&err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "ended"));
	ck_assert_int_eq(front.requests, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("context_fetch");
	TCase *tc = tcase_create("context_fetch");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, count_files, no_file_left_open);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_context_is_fetched_once_and_then_kept);
	tcase_add_test(tc, a_broken_answer_is_continued_where_it_broke);
	tcase_add_test(tc, a_server_that_ignores_the_range_is_asked_from_the_start);
	tcase_add_test(tc, other_bytes_than_the_digest_names_are_refused);
	tcase_add_loop_test(tc, a_refusal_is_named, 0, (int)(sizeof(refusals) / sizeof(refusals[0])));
	tcase_add_test(tc, a_cancelled_fetch_ends_at_once);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
