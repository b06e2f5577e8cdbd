/* SPDX-License-Identifier: Apache-2.0 */
/* An agent on a thread, between test_job.h's jobs and a listener that is the coordinator's. One fixture per process. */
#ifndef WORKER_TEST_AGENT_H
#define WORKER_TEST_AGENT_H

#include <ftw.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/log.h"
#include "worker/test_coordinator.h"
#include "worker/test_job.h"

static char token_file[96], url[64];
static int listener, fd = -1;
static struct buf head;
static struct agent *agent;
static pthread_t thread;
static struct agent_settings settings;

static void *run(void *arg)
{
	agent_run(arg);
	return NULL;
}

static void start(void)
{
	struct error err;

	ck_assert_msg(agent_new(&settings, &agent, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(pthread_create(&thread, NULL, run, agent), 0);
}

static void stop(void)
{
	agent_stop(agent);
	pthread_join(thread, NULL);
	agent_free(agent);
}

static void set_up(void)
{
	FILE *file;
	int port;

	log_set_level(LOG_ERROR);
	snprintf(dir, sizeof(dir), "/tmp/agent_test.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(token_file, sizeof(token_file), "%s/token", dir);
	file = fopen(token_file, "w");
	fputs("mfd_secret\n", file);
	fclose(file);
	listener = listen_on_loopback(&port);
	snprintf(url, sizeof(url), "ws://127.0.0.1:%d", port);
	is_native = true;
	settings = (struct agent_settings){
		.coordinator = url, .token_file = token_file, .name = "w1", .state_dir = dir,
		.engine_text = "buildah 1", .slots = 1, .world = &world,
	};
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void tear_down(void)
{
	if (agent)
		stop();
	if (fd >= 0)
		close(fd);
	close(listener);
	buf_clear(&head);
	ck_assert_int_eq(nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

#endif
