/* SPDX-License-Identifier: Apache-2.0 */
/* Inside a job: what job.c, job_build.c and job_push.c share. For these only. */
#ifndef WORKER_JOB_STATE_H
#define WORKER_JOB_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "common/http/http.h"
#include "worker/job.h"
#include "worker/job_log.h"
#include "worker/push.h"

/* What a registry was answered with, kept until the attempt ends. */
struct job_credential {
	struct job_credential *next;
	char host[256];
	bool is_there;          /* the coordinator knew one */
	char *username, *secret;
};

struct job {
	int64_t attempt;
	struct platform platform;
	struct build_spec spec;
	char repositories[SPEC_TAGS_MAX][256];
	size_t repository_count;
	int run_timeout_s;
	char *state_dir, *front_url, *token, *ca_file;
	const struct engine *engine;
	struct job_ports ports;

	char *dir, *work_dir, *context_dir; /* attempts/N, and in it */
	int cancel_fd;                      /* eventfd: readable once cancelled or given up */
	atomic_bool is_cancelled;
	pthread_t thread;

	pthread_mutex_t lock;               /* http and push come and go while another thread may cancel */
	struct http *http;
	struct push *push;

	struct job_log log;
	struct job_credential *credentials;
	struct wire_result result;
};

/* Each step of an attempt: 0, or -1 with result.failure and result.reason filled in (or cancelled). */
int job_fetch(struct job *job);
int job_build(struct job *job, struct engine_result *ret_engine);
int job_check_and_push(struct job *job, const struct engine_result *engine);

/* Fills the result; always -1. Does not overwrite a reason that is there. */
int job_fail(struct job *job, enum failure_class failure, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* 0: in ret until the attempt ends; 1: there is none; -1. Asked for once a host; its secret is kept out of the log. */
int job_credential(struct job *job, const char *host, struct job_credential **ret_credential, struct error *err);

/* Where that of an attempt is; left behind only by a kill -9, until the worker starts again. */
void job_auth_path(const char *state_dir, int64_t attempt, char *path, size_t size);

/* A credentials file when the Dockerfile names a registry that we push to; *ret_path "" when not. Removed by job_auth_remove. */
void job_auth_write(struct job *job, char *path, size_t size);
void job_auth_remove(const char *path);

int64_t job_wall_ms(void);

#endif
