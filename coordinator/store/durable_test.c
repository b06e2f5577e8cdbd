/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What durability rests on, seen from below SQLite: this program's own fdatasync() is the one that the
 * library calls. tests/e2e/durable.sh sees the same of the real coordinator, by strace.
 */
#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "common/test_fds.h"
#include "coordinator/store/test_store.h"
#include "coordinator/store/writer.h"

/* The name of a file whose sync fails from now on; the end of its path. */
static const char *_Atomic fails_for;
static _Thread_local int log_syncs;

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text);

	return len >= strlen(end) && strcmp(text + len - strlen(end), end) == 0;
}

int fdatasync(int fd)
{
	const char *failing = fails_for;
	char link[32], path[256] = "";

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (readlink(link, path, sizeof(path) - 1) < 0)
		return -1;
	if (failing && ends_with(path, failing)) {
		errno = EIO;
		return -1;
	}
	if (ends_with(path, "manifold.db-wal"))
		log_syncs++;
	return (int)syscall(SYS_fdatasync, fd);
}

static struct writer *writer;
static struct error err;
static sqlite3 *writers_handle;
static sem_t told;
static int syncs_of_last; /* that the writer's thread had made when the last batch was told, and before it */
static int syncs_before;

static void on_durable(struct batch *batch, void *arg)
{
	(void)arg;
	syncs_before = syncs_of_last;
	syncs_of_last = log_syncs;
	mem_free(batch);
	sem_post(&told);
}

static const struct writer_ports ports = { .on_durable = on_durable };

static int watch(sqlite3 *handle, const char **message, const void *api)
{
	(void)message, (void)api;
	if (!writers_handle)
		writers_handle = handle; /* it is opened first */
	return SQLITE_OK;
}

static void start(void)
{
	sem_init(&told, 0, 0);
	sqlite3_auto_extension((void (*)(void))watch);
	ck_assert_msg(writer_start(dir, 0, &ports, &writer, &err) == 0, "%s", err.msg);
}

static void post(struct row *row)
{
	struct batch *batch = mem_alloc(sizeof(*batch));

	batch->rows = mem_alloc(sizeof(row));
	batch->rows[0] = row;
	batch->row_count = 1;
	writer_post(writer, batch);
}

/* How often the thread that commits synced the log for one batch, until it was told. */
static int syncs_for(struct row *row)
{
	post(row);
	sem_wait(&told);
	return syncs_of_last - syncs_before;
}

START_TEST(the_log_is_synced_once_before_a_batch_is_told)
{
	start();
	syncs_for(build_of(1, BUILD_OPEN)); /* makes the log, which costs another one */
	for (int i = 1; i <= 50; i++)
		ck_assert_int_eq(syncs_for(job_of(i, 1, JOB_QUEUED)), 1);
	writer_stop(writer);
}
END_TEST

/* That the test above can fail. */
START_TEST(with_a_lower_synchronous_nothing_is_synced)
{
	start();
	syncs_for(build_of(1, BUILD_OPEN));
	ck_assert_int_eq(sqlite3_exec(writers_handle, "PRAGMA synchronous = NORMAL", NULL, NULL, NULL), SQLITE_OK);
	for (int i = 1; i <= 5; i++)
		ck_assert_int_eq(syncs_for(job_of(i, 1, JOB_QUEUED)), 0);
	writer_stop(writer);
}
END_TEST

START_TEST(a_token_is_synced_before_it_is_given)
{
	CLEANUP(store_closep) struct store *store = opened();
	int before = log_syncs;
	char text[64];

	ck_assert_int_eq(store_create_token(store, &(struct token_grant){ "ci", SCOPE_READ, 1, 1, 0 }, text, &err), 0);
	ck_assert_int_gt(log_syncs, before);
}
END_TEST

/* Runs body in a process of its own and gives its exit status. */
static int exit_of(void (*body)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		close(STDERR_FILENO);
		body();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void commit_with_a_failing_log(void)
{
	start();
	syncs_for(build_of(1, BUILD_OPEN));
	fails_for = "manifold.db-wal";
	syncs_for(build_of(2, BUILD_OPEN));
}

START_TEST(a_sync_that_failed_is_never_tried_again)
{
	ck_assert_int_eq(exit_of(commit_with_a_failing_log), 70);
}
END_TEST

static void checkpoint_with_a_failing_file(void)
{
	sem_t never;

	sem_init(&never, 0, 0);
	start();
	fails_for = "manifold.db";
	post(build_of(1, BUILD_OPEN));
	sem_wait(&never);
}

/* The pages may count as clean afterwards: another try would succeed and the log be emptied. */
START_TEST(a_checkpoint_whose_sync_failed_ends_the_process)
{
	ck_assert_int_eq(exit_of(checkpoint_with_a_failing_file), 70);
	ck_assert_str_eq(ask("SELECT count(*) FROM builds"), "1");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("durable");
	TCase *tc = tcase_create("durable");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, count_files, no_file_left_open);
	tcase_add_checked_fixture(tc, make_folder, remove_folder);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, the_log_is_synced_once_before_a_batch_is_told);
	tcase_add_test(tc, with_a_lower_synchronous_nothing_is_synced);
	tcase_add_test(tc, a_token_is_synced_before_it_is_given);
	tcase_add_test(tc, a_sync_that_failed_is_never_tried_again);
	tcase_add_test(tc, a_checkpoint_whose_sync_failed_ends_the_process);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
