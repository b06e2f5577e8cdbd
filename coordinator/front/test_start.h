/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of this folder: a real front on a real store in a folder of its own. */
#ifndef COORDINATOR_FRONT_TEST_START_H
#define COORDINATOR_FRONT_TEST_START_H

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/test_fds.h"
#include "coordinator/front/test_world.h"

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

#endif
