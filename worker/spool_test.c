/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/spool.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/test_fds.h"

static char path[64];
static struct spool spool;
static unsigned char frame[SPOOL_FRAME_MAX];
static size_t len;
static struct error err;

static void set_up(void)
{
	int fd;

	count_files();
	snprintf(path, sizeof(path), "/tmp/spool_test.XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	close(fd);
	spool_init(&spool, 42, path);
}

static void tear_down(void)
{
	spool_clear(&spool);
	unlink(path);
	no_file_left_open();
}

static void write_log(size_t size)
{
	FILE *file = fopen(path, "a");

	for (size_t i = 0; i < size; i++)
		fputc('a' + (int)((size_t)ftell(file) % 26), file);
	spool_grew(&spool, ftell(file));
	fclose(file);
}

static void frame_is(int64_t offset, size_t data_len)
{
	int64_t got_attempt, got_offset;

	ck_assert(spool_has_frame(&spool));
	ck_assert_msg(spool_next(&spool, frame, &len, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(wire_log_decode(frame, len, &got_attempt, &got_offset, &err), 0);
	ck_assert_int_eq(got_attempt, 42);
	ck_assert_int_eq(got_offset, offset);
	ck_assert_uint_eq(len - WIRE_LOG_HEADER, data_len);
	for (size_t i = 0; i < data_len; i++)
		ck_assert_int_eq(frame[WIRE_LOG_HEADER + i], 'a' + (offset + (int64_t)i) % 26);
}

START_TEST(nothing_is_sent_before_the_first_credit)
{
	write_log(10);
	ck_assert(!spool_has_frame(&spool));
	spool_credit(&spool, 0, 100);
	frame_is(0, 10);
	ck_assert(!spool_has_frame(&spool));
}
END_TEST

START_TEST(nothing_is_sent_beyond_the_limit)
{
	write_log(30);
	spool_credit(&spool, 0, 10);
	frame_is(0, 10);
	ck_assert(!spool_has_frame(&spool));
	spool_credit(&spool, 4, 14);
	frame_is(10, 4);
	ck_assert(!spool_has_frame(&spool));
}
END_TEST

START_TEST(a_frame_holds_at_most_64_kib)
{
	write_log(2 * WIRE_LOG_DATA_MAX + 5);
	spool_credit(&spool, 0, 1 << 20);
	frame_is(0, WIRE_LOG_DATA_MAX);
	ck_assert_uint_eq(len, 64 * 1024);
	frame_is(WIRE_LOG_DATA_MAX, WIRE_LOG_DATA_MAX);
	frame_is(2 * WIRE_LOG_DATA_MAX, 5);
}
END_TEST

START_TEST(a_new_session_goes_on_from_what_is_durable)
{
	write_log(30);
	spool_credit(&spool, 0, 100);
	frame_is(0, 30);
	spool_cut(&spool);
	ck_assert(!spool_has_frame(&spool));
	spool_credit(&spool, 7, 100);
	frame_is(7, 23);
}
END_TEST

START_TEST(a_later_credit_does_not_send_again)
{
	write_log(30);
	spool_credit(&spool, 0, 100);
	frame_is(0, 30);
	spool_credit(&spool, 10, 110);
	ck_assert(!spool_has_frame(&spool));
	ck_assert_int_eq(spool.durable_bytes, 10);
}
END_TEST

START_TEST(what_an_earlier_life_wrote_counts)
{
	write_log(9);
	spool_clear(&spool);
	spool_init(&spool, 42, path);
	ck_assert_int_eq(spool.size_bytes, 9);
}
END_TEST

START_TEST(a_file_shorter_than_said_is_an_error)
{
	write_log(5);
	spool_grew(&spool, 9);
	spool_credit(&spool, 0, 100);
	frame_is(0, 5);
	ck_assert_int_eq(spool_next(&spool, frame, &len, &err), -1);
	ck_assert_int_eq(err.code, ERR_IO);
	ck_assert_ptr_nonnull(strstr(err.msg, "ends at byte 5 of 9"));
}
END_TEST

START_TEST(an_empty_log_needs_no_file)
{
	unlink(path);
	ck_assert_int_eq(spool_sync(&spool, &err), 0);
	spool_credit(&spool, 0, 100);
	ck_assert(!spool_has_frame(&spool));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("spool");
	TCase *tc = tcase_create("spool");
	SRunner *sr = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, nothing_is_sent_before_the_first_credit);
	tcase_add_test(tc, nothing_is_sent_beyond_the_limit);
	tcase_add_test(tc, a_frame_holds_at_most_64_kib);
	tcase_add_test(tc, a_new_session_goes_on_from_what_is_durable);
	tcase_add_test(tc, a_later_credit_does_not_send_again);
	tcase_add_test(tc, what_an_earlier_life_wrote_counts);
	tcase_add_test(tc, a_file_shorter_than_said_is_an_error);
	tcase_add_test(tc, an_empty_log_needs_no_file);
	suite_add_tcase(suite, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
