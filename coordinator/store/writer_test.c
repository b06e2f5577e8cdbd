/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/store/writer.h"

#include <fcntl.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

#include "common/fault.h"
#include "common/test_fds.h"
#include "coordinator/store/test_store.h"

/* A batch as its owner has them. */
struct numbered {
	struct batch batch;
	int number;
};

static struct writer *writer;
static struct error err;
static int durable[5000];
static _Atomic int durable_count;
static sem_t one_is_durable, may_go_on, was_refused, is_free_again;
static bool stops_at_first;
static _Atomic int full_seen, free_seen, never_written, commits;

static void on_durable(struct batch *batch, void *arg)
{
	struct numbered *numbered = (struct numbered *)batch;
	bool stops;

	(void)arg;
	ck_assert_ptr_null(batch->rows);
	durable[durable_count++] = numbered->number;
	stops = stops_at_first && durable_count == 1;
	mem_free(numbered);
	sem_post(&one_is_durable); /* from here on these variables are the test's */
	if (stops)
		sem_wait(&may_go_on);
}

/* The connection that writes. Not while its thread has work, except on that thread. */
static sqlite3 *writers_handle;
static int pages_when_full;

static void limit_pages(int pages)
{
	char pragma[64];

	snprintf(pragma, sizeof(pragma), "PRAGMA max_page_count = %d", pages);
	ck_assert_int_eq(sqlite3_exec(writers_handle, pragma, NULL, NULL, NULL), SQLITE_OK);
}

static void on_full(bool is_full, void *arg)
{
	(void)arg;
	if (is_full) {
		full_seen++;
		if (pages_when_full)
			limit_pages(pages_when_full);
	} else {
		free_seen++;
		sem_post(&is_free_again);
	}
}

static const struct writer_ports ports = { on_durable, on_full, NULL, NULL };

static void free_unwritten(struct message *msg)
{
	struct numbered *numbered = (struct numbered *)msg;

	for (size_t i = 0; i < numbered->batch.row_count; i++)
		free_row(numbered->batch.rows[i]);
	mem_free(numbered->batch.rows);
	mem_free(numbered);
	never_written++;
}

/* Takes the row; NULL: a batch without rows. */
static void post(int number, struct row *row)
{
	struct numbered *numbered = mem_alloc(sizeof(*numbered));

	numbered->number = number;
	numbered->batch.message.free = free_unwritten;
	if (row) {
		numbered->batch.rows = mem_alloc(sizeof(row));
		numbered->batch.rows[0] = row;
		numbered->batch.row_count = 1;
	}
	writer_post(writer, &numbered->batch);
}

static void wait_for(sem_t *event, int count)
{
	while (count-- > 0)
		sem_wait(event);
}

static void wait_durable(int count)
{
	wait_for(&one_is_durable, count);
}

/* Every connection that is opened from here on tells its commits and rollbacks. */
static void on_rollback(void *arg)
{
	(void)arg;
	sem_post(&was_refused);
}

static int on_commit(void *arg)
{
	(void)arg;
	commits++;
	return 0;
}

static int watch(sqlite3 *handle, const char **message, const void *api)
{
	(void)message, (void)api;
	if (!writers_handle)
		writers_handle = handle; /* it is opened first */
	sqlite3_commit_hook(handle, on_commit, NULL);
	sqlite3_rollback_hook(handle, on_rollback, NULL);
	return SQLITE_OK;
}

static void start(int64_t ballast_bytes)
{
	ck_assert_msg(writer_start(dir, ballast_bytes, &ports, &writer, &err) == 0, "%s", err.msg);
	commits = 0;
}

static void set_up(void)
{
	make_folder();
	sem_init(&one_is_durable, 0, 0);
	sem_init(&may_go_on, 0, 0);
	sem_init(&was_refused, 0, 0);
	sem_init(&is_free_again, 0, 0);
	sqlite3_auto_extension((void (*)(void))watch);
}

START_TEST(a_batch_is_on_disk_when_it_is_said_to_be)
{
	start(0);
	post(1, build_of(1, BUILD_OPEN));
	wait_durable(1);
	ck_assert_str_eq(ask("SELECT count(*) FROM builds"), "1");
	writer_stop(writer);
	ck_assert_int_eq(full_seen, 0);
}
END_TEST

START_TEST(all_that_wait_are_one_transaction_and_come_back_in_order)
{
	stops_at_first = true;
	start(0);
	post(0, build_of(1, BUILD_OPEN));
	wait_durable(1);
	ck_assert_int_eq(commits, 1);
	for (int i = 1; i <= 100; i++)
		post(i, i % 10 ? job_of(i, 1, JOB_QUEUED) : NULL);
	sem_post(&may_go_on);
	wait_durable(100);
	ck_assert_int_eq(commits, 2);
	for (int i = 0; i <= 100; i++)
		ck_assert_int_eq(durable[i], i);
	ck_assert_str_eq(ask("SELECT count(*) FROM jobs"), "90");
	writer_stop(writer);
}
END_TEST

START_TEST(a_group_has_an_upper_limit)
{
	stops_at_first = true;
	start(0);
	post(0, build_of(1, BUILD_OPEN));
	wait_durable(1);
	for (int i = 1; i <= 4097; i++)
		post(i, event_of(1));
	sem_post(&may_go_on);
	wait_durable(4097);
	ck_assert_int_eq(commits, 3);
	writer_stop(writer);
}
END_TEST

START_TEST(a_batch_without_rows_waits_its_turn_and_costs_no_transaction)
{
	start(0);
	post(1, NULL);
	wait_durable(1);
	ck_assert_int_eq(commits, 0);
	writer_stop(writer);
}
END_TEST

START_TEST(what_was_posted_before_the_stop_is_written)
{
	start(0);
	post(0, build_of(1, BUILD_OPEN));
	for (int i = 1; i <= 500; i++)
		post(i, job_of(i, 1, JOB_QUEUED));
	writer_stop(writer);
	ck_assert_int_eq(durable_count, 501);
	ck_assert_int_eq(never_written, 0);
	ck_assert_str_eq(ask("SELECT count(*) FROM jobs"), "500");
}
END_TEST

START_TEST(a_clean_stop_leaves_no_log_behind)
{
	struct stat st;

	start(0);
	post(0, build_of(1, BUILD_OPEN));
	writer_stop(writer);
	ck_assert_int_ne(stat(in_folder("manifold.db-wal"), &st), 0);
}
END_TEST

/* A failure that is not lack of space ends the process, and nobody is told that the batch is durable. */
static void fail_and_exit(void)
{
	start(0);
	post(1, job_of(1, 777, JOB_QUEUED)); /* of no build */
	wait_durable(1);
	_exit(0);
}

START_TEST(any_other_failure_ends_the_process)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		close(STDERR_FILENO);
		fail_and_exit();
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 70);
}
END_TEST

/* Rows of about 1.5 KiB each, one per batch. */
static void post_many(int from, int to)
{
	for (int i = from; i <= to; i++)
		post(i, attempt_of(i, 1, ATTEMPT_LOST));
}

static void post_first(void)
{
	post(0, build_of(1, BUILD_OPEN));
	post(0, job_of(1, 1, JOB_QUEUED));
	wait_durable(2);
}

START_TEST(a_batch_that_found_no_space_is_replayed_whole)
{
	start(0);
	limit_pages(150);
	pages_when_full = 100000;
	post_first();
	post_many(1, 1000);
	writer_stop(writer);
	ck_assert_int_eq(full_seen, 1);
	ck_assert_int_eq(free_seen, 1);
	ck_assert_int_eq(durable_count, 1002);
	for (int i = 1; i <= 1000; i++)
		ck_assert_int_eq(durable[i + 1], i);
	ck_assert_str_eq(ask("SELECT count(*) FROM attempts"), "1000");
	ck_assert_str_eq(ask("PRAGMA integrity_check"), "ok");
}
END_TEST

START_TEST(a_stop_with_no_space_gives_up_what_nobody_was_told)
{
	char want[16];

	start(0);
	limit_pages(150);
	post_first();
	post_many(1, 1000);
	writer_stop(writer);
	ck_assert_int_gt(never_written, 0);
	ck_assert_int_eq(durable_count + never_written, 1002);
	snprintf(want, sizeof(want), "%d", durable_count - 2);
	ck_assert_str_eq(ask("SELECT count(*) FROM attempts"), want);
}
END_TEST

#define DISK_BYTES (16 << 20)
#define BALLAST_BYTES (2 << 20)

/* A file system of this test's own on its folder; false where that is not allowed. */
static bool small_disk(void)
{
	char options[32];

	snprintf(options, sizeof(options), "size=%d", DISK_BYTES);
	if (unshare(CLONE_NEWNS) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return false;
	return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 && mount("none", dir, "tmpfs", 0, options) == 0;
}

/* Takes all but so much. */
static void fill_disk(int64_t free_bytes)
{
	int fd = open(in_folder("filler"), O_CREAT | O_WRONLY, 0600);
	struct statvfs fs;

	ck_assert_int_eq(fstatvfs(fd, &fs), 0);
	ck_assert_int_eq(posix_fallocate(fd, 0, (int64_t)(fs.f_bavail * fs.f_bsize) - free_bytes), 0);
	close(fd);
}

START_TEST(a_full_disk_costs_nothing_but_time)
{
	int posted = 0;
	char want[16];

	if (!small_disk()) {
		fprintf(stderr, "writer_test: a file system of its own is not allowed here: skipped\n");
		return;
	}
	start(BALLAST_BYTES);
	post_first();
	fill_disk(256 << 10);

	/* The ballast is freed and gives room to go on. */
	for (; full_seen == 0; posted += 20) {
		post_many(posted + 1, posted + 20);
		wait_durable(20);
	}
	ck_assert_int_ne(access(in_folder("ballast"), F_OK), 0);
	ck_assert_int_eq(free_seen, 0);

	/* That room is used up too: what was posted waits until somebody makes more. */
	stops_at_first = true;
	durable_count = 0;
	post(0, NULL);
	wait_durable(1);
	post_many(posted + 1, posted + 3000);
	posted += 3000;
	while (sem_trywait(&was_refused) == 0)
		;
	sem_post(&may_go_on);
	wait_for(&was_refused, 2);
	ck_assert_int_lt(durable_count, 3001);
	ck_assert_int_eq(unlink(in_folder("filler")), 0);
	wait_for(&is_free_again, 1);
	writer_stop(writer);
	ck_assert_int_eq(full_seen, 1);
	ck_assert_int_eq(access(in_folder("ballast"), F_OK), 0);
	snprintf(want, sizeof(want), "%d", posted);
	ck_assert_str_eq(ask("SELECT count(*) FROM attempts"), want);
	ck_assert_str_eq(ask("PRAGMA integrity_check"), "ok");
	ck_assert_int_eq(umount(dir), 0);
}
END_TEST

START_TEST(a_disk_without_room_for_the_ballast_is_full_from_the_start)
{
	if (!small_disk())
		return;
	fill_disk(3 << 20);
	start(BALLAST_BYTES);
	post_first();
	ck_assert_int_eq(full_seen, 1);
	ck_assert_int_eq(free_seen, 0);
	/* Nobody has to commit for it to be noticed that there is room again. */
	ck_assert_int_eq(unlink(in_folder("filler")), 0);
	wait_for(&is_free_again, 1);
	writer_stop(writer);
	ck_assert_int_eq(umount(dir), 0);
}
END_TEST

START_TEST(every_failure_to_start_is_reported_and_leaks_nothing)
{
	int nth = 1;

	for (;; nth++) {
		int rc;

		remove_folder();
		fault_arm(nth);
		rc = writer_start(dir, 4096, &ports, &writer, &err);
		if (rc == 0)
			break;
		ck_assert(fault_fired());
		fault_arm(0);
	}
	fault_arm(0);
	ck_assert_int_gt(nth, 60);
	writer_stop(writer);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("writer");
	TCase *tc = tcase_create("writer");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, count_files, no_file_left_open);
	tcase_add_checked_fixture(tc, set_up, remove_folder);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_batch_is_on_disk_when_it_is_said_to_be);
	tcase_add_test(tc, all_that_wait_are_one_transaction_and_come_back_in_order);
	tcase_add_test(tc, a_group_has_an_upper_limit);
	tcase_add_test(tc, a_batch_without_rows_waits_its_turn_and_costs_no_transaction);
	tcase_add_test(tc, what_was_posted_before_the_stop_is_written);
	tcase_add_test(tc, a_clean_stop_leaves_no_log_behind);
	tcase_add_test(tc, any_other_failure_ends_the_process);
	tcase_add_test(tc, a_batch_that_found_no_space_is_replayed_whole);
	tcase_add_test(tc, a_stop_with_no_space_gives_up_what_nobody_was_told);
	tcase_add_test(tc, a_full_disk_costs_nothing_but_time);
	tcase_add_test(tc, a_disk_without_room_for_the_ballast_is_full_from_the_start);
	tcase_add_test(tc, every_failure_to_start_is_reported_and_leaks_nothing);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
