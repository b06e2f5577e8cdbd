/* SPDX-License-Identifier: Apache-2.0 */
/* The first half of an attempt: its context, and the engine with its log. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/context/context.h"
#include "common/mem.h"
#include "worker/context_fetch.h"
#include "worker/files.h"
#include "worker/job_failure.h"
#include "worker/job_state.h"

#define ENTRIES_MAX 1000000
#define UNPACKED_MAX_BYTES (64LL << 30)
#define DISK_FULL_BYTES (64LL << 20)

static void fd_close(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

int job_fetch(struct job *job)
{
	const struct context_source source = {
		.state_dir = job->state_dir, .front_url = job->front_url, .token = job->token, .ca_file = job->ca_file,
		.digest = job->spec.context, .http = job->http, .cancel_fd = job->cancel_fd,
	};
	const struct context_limits limits = { .entries_max = ENTRIES_MAX, .size_max_bytes = UNPACKED_MAX_BYTES };
	CLEANUP(fd_close) int tar_fd = -1;
	CLEANUP(fd_close) int dir_fd = open(job->context_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct error err;

	if (dir_fd < 0)
		return job_fail(job, CLASS_INFRA, "%.300s: %s", job->context_dir, strerror(errno));
	/* The coordinator's own answers are no fault of the build: another worker, another time. */
	if (context_fetch(&source, &tar_fd, &err) < 0)
		return job_fail(job, CLASS_INFRA, "fetch the context: %.450s", err.msg);
	if (context_unpack(tar_fd, dir_fd, &limits, &err) < 0)
		return job_fail(job, err.code == ERR_INVALID ? CLASS_BUILD : CLASS_INFRA, "%s", err.msg);
	return 0;
}

struct engine_thread {
	struct job *job;
	struct engine_run run;
	struct engine_result result;
	struct error err;
	int rc;
};

/* The program ends with the thread that starts it, so this one lives as long as the engine. */
static void *engine_thread_run(void *arg)
{
	struct engine_thread *thread = arg;

	thread->rc = thread->job->engine->run(thread->job->engine, &thread->run, &thread->result, &thread->err);
	close(thread->run.log_fd);
	return NULL;
}

static bool is_disk_full(const struct job *job)
{
	struct statvfs fs;

	return statvfs(job->state_dir, &fs) == 0 && (int64_t)fs.f_bavail * (int64_t)fs.f_frsize < DISK_FULL_BYTES;
}

static int engine_failed(struct job *job, const struct engine_thread *thread)
{
	struct failure_facts facts = { .result = &thread->result, .tail = job->log.tail, .label = job->log.steps.label,
				       .is_disk_full = is_disk_full(job), .timeout_s = job->run_timeout_s };

	job_failure_classify(&facts, &job->result);
	return -1;
}

static bool is_ended_well(const struct engine_result *result)
{
	return result->exit_code == 0 && result->term_signal == 0 && !result->is_cancelled && !result->is_timeout;
}

/* The engine in a thread of its own, its output pumped by this one. */
static int engine_run_piped(struct job *job, struct engine_thread *thread)
{
	int pipe_fds[2], rc;
	struct error err;
	pthread_t id;
	uint64_t one = 1;

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return job_fail(job, CLASS_INFRA, "start the engine: %s", strerror(errno));
	thread->run.log_fd = pipe_fds[1];
	rc = pthread_create(&id, NULL, engine_thread_run, thread);
	if (rc != 0) {
		close(pipe_fds[0]);
		close(pipe_fds[1]);
		return job_fail(job, CLASS_INFRA, "start the engine: %s", strerror(rc));
	}
	rc = job_log_pump(&job->log, pipe_fds[0], &err);
	close(pipe_fds[0]);
	/* A log that cannot be kept whole ends the build: it is not clipped. */
	if (rc < 0 && write(job->cancel_fd, &one, sizeof(one)) < 0)
		err.code = ERR_IO;
	pthread_join(id, NULL);
	steps_end(&job->log.steps);
	return rc < 0 ? job_fail(job, err.code == ERR_INVALID ? CLASS_POLICY : CLASS_INFRA, "%s", err.msg) : 0;
}

int job_build(struct job *job, struct engine_result *ret_engine)
{
	char auth_path[256];
	struct engine_thread thread = {
		.job = job,
		.run = { .attempt = job->attempt, .spec = &job->spec, .platform = job->platform,
			 .context_dir = job->context_dir, .scratch_dir = job->work_dir, .cancel_fd = job->cancel_fd,
			 .timeout_s = job->run_timeout_s },
	};
	int rc;

	job_auth_write(job, auth_path, sizeof(auth_path));
	thread.run.auth_path = auth_path[0] ? auth_path : NULL;
	rc = engine_run_piped(job, &thread);
	job_auth_remove(auth_path);
	if (rc < 0)
		return -1;
	if (thread.rc < 0)
		return job_fail(job, thread.err.code == ERR_INVALID ? CLASS_BUILD : CLASS_INFRA, "%s", thread.err.msg);
	job->result.engine_started_ms = thread.result.started_ms;
	job->result.engine_ended_ms = job_wall_ms();
	if (!is_ended_well(&thread.result))
		return engine_failed(job, &thread);
	*ret_engine = thread.result;
	return 0;
}
