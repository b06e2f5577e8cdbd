/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/journal.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fault.h"
#include "common/mem.h"
#include "common/test_fds.h"

static char dir[64];
static struct journal *journal;
static struct error err;

/* What journal_load told. */
static int loaded;
static int64_t loaded_attempt;
static struct wire_message events[JOURNAL_EVENTS_MAX];
static size_t event_count;

static void on_attempt(const struct journal_entry *entry, void *arg)
{
	(void)arg;
	loaded++;
	loaded_attempt = entry->attempt;
	event_count = entry->event_count;
	for (size_t i = 0; i < event_count; i++)
		events[i] = entry->events[i];
}

static void load(void)
{
	loaded = 0;
	event_count = 0;
	ck_assert_msg(journal_load(journal, on_attempt, NULL, &err) == 0, "%s", err.msg);
}

static void set_up(void)
{
	count_files();
	snprintf(dir, sizeof(dir), "/tmp/journal_test.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(journal_open(dir, &journal, &err), 0);
}

static void tear_down(void)
{
	char path[96];

	journal_remove(journal, 42, &err);
	journal_remove(journal, 43, &err);
	journal_close(journal);
	snprintf(path, sizeof(path), "%s/attempts", dir);
	ck_assert_int_eq(rmdir(path), 0);
	ck_assert_int_eq(rmdir(dir), 0);
	no_file_left_open();
}

static int offer(int64_t attempt)
{
	struct wire_offer offer = { .attempt = attempt, .job = 1, .build = 1, .number = 1,
				    .platform = { "linux", "amd64", "" }, .run_timeout_s = 60 };
	int rc;

	offer.spec = mem_strdup("{\"source\":{\"context\":\"sha256:0123456789012345678901234567890123456789012345678901"
				"234567890123\"},\"platforms\":[\"linux/amd64\"],\"tags\":[]}");
	rc = journal_offer(journal, &offer, &err);
	mem_free(offer.spec);
	return rc;
}

static int started(int64_t attempt)
{
	struct wire_message msg = { .type = WIRE_STARTED, .started = { attempt, 1, "pro\nven" } };

	return journal_event(journal, attempt, &msg, &err);
}

static int cancelled(int64_t attempt)
{
	struct wire_message msg = { .type = WIRE_CANCELLED, .cancelled = { attempt, 2, 77 } };

	return journal_event(journal, attempt, &msg, &err);
}

static void append_raw(int64_t attempt, const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/attempts/%d/events", dir, (int)attempt);
	file = fopen(path, "a");
	fputs(text, file);
	fclose(file);
}

START_TEST(events_come_back_in_order)
{
	ck_assert_int_eq(offer(42), 0);
	ck_assert_int_eq(started(42), 0);
	ck_assert_int_eq(cancelled(42), 0);
	load();
	ck_assert_int_eq(loaded, 1);
	ck_assert_int_eq(loaded_attempt, 42);
	ck_assert_uint_eq(event_count, 2);
	ck_assert_int_eq(events[0].type, WIRE_STARTED);
	ck_assert_str_eq(events[0].started.proof, "pro\nven");
	ck_assert_int_eq(events[1].type, WIRE_CANCELLED);
	ck_assert_int_eq(events[1].cancelled.log_bytes, 77);
}
END_TEST

START_TEST(an_offer_alone_has_no_events)
{
	ck_assert_int_eq(offer(42), 0);
	load();
	ck_assert_int_eq(loaded, 1);
	ck_assert_uint_eq(event_count, 0);
}
END_TEST

START_TEST(a_torn_last_line_counts_as_never_written)
{
	offer(42);
	started(42);
	append_raw(42, "{\"type\":\"cancelled\",\"attempt\":42,\"se");
	load();
	ck_assert_uint_eq(event_count, 1);
}
END_TEST

START_TEST(garbage_in_a_line_hides_no_later_one)
{
	offer(42);
	append_raw(42, "garbage\n");
	cancelled(42);
	load();
	ck_assert_uint_eq(event_count, 1);
	ck_assert_int_eq(events[0].type, WIRE_CANCELLED);
}
END_TEST

START_TEST(an_event_written_twice_counts_once)
{
	offer(42);
	started(42);
	started(42);
	cancelled(42);
	load();
	ck_assert_uint_eq(event_count, 2);
	ck_assert_int_eq(events[1].type, WIRE_CANCELLED);
}
END_TEST

START_TEST(a_full_disk_leaves_nothing_of_an_offer)
{
	fault_arm(1);
	ck_assert_int_eq(offer(42), -1);
	ck_assert_int_eq(err.code, ERR_FULL);
	load();
	ck_assert_int_eq(loaded, 0);
}
END_TEST

START_TEST(an_event_that_did_not_fit_can_be_written_later)
{
	offer(42);
	fault_arm(1);
	ck_assert_int_eq(started(42), -1);
	ck_assert_int_eq(err.code, ERR_FULL);
	load();
	ck_assert_uint_eq(event_count, 0);
	ck_assert_int_eq(started(42), 0);
	load();
	ck_assert_uint_eq(event_count, 1);
}
END_TEST

START_TEST(what_is_removed_is_gone_with_all_in_it)
{
	char path[128];

	offer(42);
	offer(43);
	started(42);
	snprintf(path, sizeof(path), "%s/attempts/42/scratch", dir);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_assert_int_eq(journal_remove(journal, 42, &err), 0);
	ck_assert_int_eq(journal_remove(journal, 42, &err), 0);
	load();
	ck_assert_int_eq(loaded, 1);
	ck_assert_int_eq(loaded_attempt, 43);
}
END_TEST

START_TEST(a_link_out_of_the_folder_is_not_followed)
{
	char path[128], outside[96];
	FILE *file;

	snprintf(outside, sizeof(outside), "%s/outside", dir);
	file = fopen(outside, "w");
	fclose(file);
	offer(42);
	snprintf(path, sizeof(path), "%s/attempts/42/link", dir);
	ck_assert_int_eq(symlink(outside, path), 0);
	ck_assert_int_eq(journal_remove(journal, 42, &err), 0);
	ck_assert_int_eq(unlink(outside), 0);
}
END_TEST

START_TEST(a_strange_folder_is_left_alone)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/attempts/lost+found", dir);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	load();
	ck_assert_int_eq(loaded, 0);
	ck_assert_int_eq(rmdir(path), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("journal");
	TCase *tc = tcase_create("journal");
	SRunner *sr = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, events_come_back_in_order);
	tcase_add_test(tc, an_offer_alone_has_no_events);
	tcase_add_test(tc, a_torn_last_line_counts_as_never_written);
	tcase_add_test(tc, garbage_in_a_line_hides_no_later_one);
	tcase_add_test(tc, an_event_written_twice_counts_once);
	tcase_add_test(tc, a_full_disk_leaves_nothing_of_an_offer);
	tcase_add_test(tc, an_event_that_did_not_fit_can_be_written_later);
	tcase_add_test(tc, what_is_removed_is_gone_with_all_in_it);
	tcase_add_test(tc, a_link_out_of_the_folder_is_not_followed);
	tcase_add_test(tc, a_strange_folder_is_left_alone);
	suite_add_tcase(suite, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
