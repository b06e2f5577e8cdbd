/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of this folder: a real front on a real store, rows in it, and a client on a raw socket. */
#ifndef COORDINATOR_FRONT_TEST_FRONT_H
#define COORDINATOR_FRONT_TEST_FRONT_H

#include <check.h>
#include <errno.h>
#include <ftw.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/mailbox.h"
#include "common/mem.h"
#include "common/test_fds.h"
#include "common/oci/digest.h"
#include "coordinator/front/front.h"
#include "coordinator/store/store.h"

#define TESTING __attribute__((unused)) static
#define LENGTH(list) (sizeof(list) / sizeof((list)[0]))
#define DIGEST_A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* The one of the test at work. */
static struct {
	char dir[64];
	struct store *store;
	struct front *front;
	struct mailbox *events;
	struct front_config config; /* what a test sets before start() */
	char submitter[64], reader[64], admin[64], worker[64], stranger[64]; /* tokens; the stranger is of project 2 */
} world;

struct seen_event {
	struct message message;
	struct core_event *event;
};

static void seen_free(struct message *message)
{
	struct seen_event *seen = (struct seen_event *)message;

	core_event_clear(seen->event);
	mem_free(seen->event);
	mem_free(seen);
}

static void keep_event(struct core_event *event, void *arg)
{
	struct seen_event *seen = mem_alloc(sizeof(*seen));

	seen->message.free = seen_free;
	seen->event = event;
	mailbox_post(arg, &seen->message);
}

/* Waits for the next one; free it with event_done. */
TESTING struct seen_event *next_event(void)
{
	return (struct seen_event *)mailbox_wait(world.events);
}

TESTING void event_done(struct seen_event *seen)
{
	seen_free(&seen->message);
}

static void token(char text[64], unsigned scopes, int64_t project)
{
	struct token_grant grant = { .name = "test", .scopes = scopes, .project = project, .now_ms = 1 };
	struct error err;

	ck_assert_msg(store_create_token(world.store, &grant, text, &err) == 0, "%s", err.msg);
}

/* What an operator does with the file. */
static void by_hand(const char *statement)
{
	char path[128];
	int status;
	pid_t pid = fork();

	snprintf(path, sizeof(path), "%s/manifold.db", world.dir);
	if (pid == 0) {
		execlp("sqlite3", "sqlite3", path, statement, (char *)NULL);
		_exit(127);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}

/* Before each test: a folder, a store, tokens; start() starts the front. */
TESTING void set_up(void)
{
	struct error err;

	count_files();
	memset(&world, 0, sizeof(world));
	snprintf(world.dir, sizeof(world.dir), "/tmp/front-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(world.dir));
	ck_assert_msg(store_open(world.dir, &world.store, &err) == 0, "%s", err.msg);
	by_hand("INSERT INTO projects (id, name, created_ms) VALUES (2, 'other', 1)");
	token(world.submitter, SCOPE_SUBMIT | SCOPE_READ, 1);
	token(world.reader, SCOPE_READ, 1);
	token(world.admin, SCOPE_ADMIN, 1);
	token(world.worker, SCOPE_WORKER, 1);
	token(world.stranger, SCOPE_SUBMIT | SCOPE_READ, 2);
	world.events = mailbox_new(NULL, NULL);
	world.config = (struct front_config){ .dir = world.dir, .listen = "127.0.0.1:0", .context_max_bytes = 8 << 20,
					      .connections_max = 100, .idle_timeout_s = 20, .request_timeout_s = 20,
					      .on_event = keep_event, .arg = world.events };
}

TESTING void start(void)
{
	struct error err;

	ck_assert_msg(front_start(&world.config, &world.front, &err) == 0, "%s", err.msg);
	front_set_ready(world.front, true);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

TESTING void tear_down(void)
{
	front_stop(world.front);
	mailbox_free(world.events);
	store_close(world.store);
	nftw(world.dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	no_file_left_open();
}

TESTING struct row *row_new(enum row_kind kind)
{
	struct row *row = mem_alloc(sizeof(*row));

	row->kind = kind;
	return row;
}

/* Commits one row and frees it. */
TESTING void commit(struct row *row)
{
	struct error err;

	ck_assert_msg(store_commit(world.store, &row, 1, &err) == 0, "%s", err.msg);
	row_clear(row);
	mem_free(row);
}

TESTING void commit_build(int64_t id, int64_t project, enum build_state state)
{
	struct row *row = row_new(ROW_BUILD);

	row->build.id = id;
	row->build.project = project;
	row->build.state = state;
	row->build.created_ms = 1700000000123;
	row->build.spec = mem_strdup("{\"platforms\":[\"linux/amd64\"],\"source\":{\"context\":\"" DIGEST_A "\"},"
				     "\"tags\":[\"r.example/a:1\"]}");
	commit(row);
}

TESTING struct row *job_row(int64_t id, int64_t build, enum job_state state, int64_t attempt)
{
	struct row *row = row_new(ROW_JOB);

	row->job.id = id;
	row->job.build = build;
	row->job.state = state;
	row->job.attempt = attempt;
	row->job.queued_ms = 1700000000000;
	snprintf(row->job.platform.os, sizeof(row->job.platform.os), "linux");
	snprintf(row->job.platform.architecture, sizeof(row->job.platform.architecture), "amd64");
	return row;
}

TESTING struct row *attempt_row(int64_t id, int64_t job, int number, enum attempt_state state)
{
	struct row *row = row_new(ROW_ATTEMPT);

	row->attempt.id = id;
	row->attempt.job = job;
	row->attempt.number = number;
	row->attempt.state = state;
	row->attempt.log_bytes = -1;
	snprintf(row->attempt.worker, sizeof(row->attempt.worker), "w1");
	return row;
}

#include "coordinator/front/test_client.h"

TESTING int run_tests(TCase *tcase, const char *name)
{
	Suite *suite = suite_create(name);
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
