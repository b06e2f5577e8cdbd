/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/job.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "common/mem.h"
#include "worker/files.h"
#include "worker/job_state.h"
#include "worker/process_cgroup.h"

int64_t job_wall_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int job_fail(struct job *job, enum failure_class failure, const char *fmt, ...)
{
	va_list args;

	if (job->result.failure != CLASS_NONE)
		return -1;
	job->result.failure = failure;
	va_start(args, fmt);
	vsnprintf(job->result.reason, sizeof(job->result.reason), fmt, args);
	va_end(args);
	return -1;
}

static void job_release(struct job *job)
{
	job_log_close(&job->log);
	while (job->credentials) {
		struct job_credential *credential = job->credentials;

		job->credentials = credential->next;
		if (credential->secret)
			explicit_bzero(credential->secret, strlen(credential->secret));
		mem_free(credential->secret);
		mem_free(credential->username);
		mem_free(credential);
	}
	spec_clear(&job->spec);
	http_free(job->http);
	if (job->token)
		explicit_bzero(job->token, strlen(job->token));
	mem_free(job->token);
	mem_free(job->state_dir);
	mem_free(job->front_url);
	mem_free(job->ca_file);
	mem_free(job->dir);
	mem_free(job->work_dir);
	mem_free(job->context_dir);
	if (job->cancel_fd >= 0)
		close(job->cancel_fd);
	pthread_mutex_destroy(&job->lock);
	mem_free(job);
}
DEFINE_CLEANUP(struct job *, job_release)

static int prove(struct job *job)
{
	char proof[512];
	struct error err;

	if (facts_prove(job->work_dir, &job->platform, proof, &err) < 0)
		return job_fail(job, CLASS_INFRA, "%s", err.msg);
	job->ports.on_started(job->attempt, proof, job->ports.arg);
	return 0;
}

static int work(struct job *job)
{
	struct engine_result engine = { 0 };

	if (prove(job) < 0 || job_fetch(job) < 0 || job_build(job, &engine) < 0 || job_check_and_push(job, &engine) < 0)
		return -1;
	job->result.is_success = true;
	return 0;
}

static void *job_run(void *arg)
{
	struct job *job = arg;
	int rc = work(job);

	dir_remove_all(AT_FDCWD, job->work_dir);
	job->result.log_bytes = job->log.size_bytes;
	if (rc < 0 && atomic_load(&job->is_cancelled))
		job->ports.on_cancelled(job->attempt, job->log.size_bytes, job->ports.arg);
	else
		job->ports.on_result(&job->result, job->ports.arg);
	return NULL;
}

static char *path_of(const char *dir, const char *name)
{
	struct buf path = { 0 };

	buf_printf(&path, "%s/%s", dir, name);
	return buf_take(&path);
}

static struct job *job_copy(const struct wire_offer *offer, const struct job_place *place, const struct job_ports *ports)
{
	struct job *job = mem_alloc(sizeof(*job));
	char name[64];

	*job = (struct job){ .attempt = offer->attempt, .platform = offer->platform, .run_timeout_s = offer->run_timeout_s,
			     .repository_count = offer->repository_count, .engine = place->engine, .ports = *ports,
			     .result.attempt = offer->attempt, .log.fd = -1, .log.on_log = ports->on_log,
			     .log.arg = ports->arg };
	memcpy(job->repositories, offer->repositories, sizeof(job->repositories));
	job->state_dir = mem_strdup(place->state_dir);
	job->front_url = mem_strdup(place->front_url);
	job->token = mem_strdup(place->token);
	job->ca_file = mem_strdup(place->ca_file);
	snprintf(name, sizeof(name), "attempts/%" PRId64, offer->attempt);
	job->dir = path_of(place->state_dir, name);
	job->work_dir = path_of(job->dir, "work");
	job->context_dir = path_of(job->work_dir, "context");
	job->cancel_fd = eventfd(0, EFD_CLOEXEC);
	job->http = http_new();
	pthread_mutex_init(&job->lock, NULL);
	return job;
}

int job_start(const struct wire_offer *offer, const struct job_place *place, const struct job_ports *ports,
	      struct job **ret_job, struct error *err)
{
	CLEANUP(job_releasep) struct job *job = job_copy(offer, place, ports);
	CLEANUP(mem_freep) char *log_path = path_of(job->dir, "log");
	int rc;

	if (job->cancel_fd < 0)
		return error_set(err, ERR_IO, "start attempt: %s", strerror(errno));
	if (spec_decode(offer->spec, strlen(offer->spec), &job->spec, err) < 0)
		return error_wrap(err, "the offer's spec");
	dir_remove_all(AT_FDCWD, job->work_dir);
	if (dir_make_all(job->context_dir, err) < 0 || job_log_open(&job->log, log_path, job->attempt, err) < 0)
		return -1;
	steps_init(&job->log.steps, job->attempt, ports->on_step, ports->arg);
	rc = pthread_create(&job->thread, NULL, job_run, job);
	if (rc != 0)
		return error_set(err, ERR_UNAVAILABLE, "start attempt: no thread: %s", strerror(rc));
	*ret_job = TAKE(job);
	return 0;
}

void job_cancel(struct job *job)
{
	uint64_t one = 1;

	atomic_store(&job->is_cancelled, true);
	pthread_mutex_lock(&job->lock);
	http_abort(job->http);
	if (job->push)
		push_abort(job->push);
	pthread_mutex_unlock(&job->lock);
	/* Cannot fail: the counter is far from full. */
	if (write(job->cancel_fd, &one, sizeof(one)) < 0)
		return;
}

void job_free(struct job *job)
{
	if (!job)
		return;
	pthread_join(job->thread, NULL);
	job_release(job);
}

/* Folders' names below dir, one call each; what they mean is the callee's. */
static int each_folder(const char *dir, int (*on_name)(const char *name, void *arg, struct error *err), void *arg,
		       struct error *err)
{
	DIR *list = opendir(dir);
	struct dirent *entry;
	int rc = 0;

	if (!list)
		return errno == ENOENT ? 0 : error_set(err, ERR_IO, "%.300s: %s", dir, strerror(errno));
	while (rc == 0 && (entry = readdir(list))) {
		if (entry->d_name[0] != '.')
			rc = on_name(entry->d_name, arg, err);
	}
	closedir(list);
	return rc;
}

static int attempt_clean(const char *name, void *arg, struct error *err)
{
	const struct job_place *place = arg;
	CLEANUP(mem_freep) char *work_dir = NULL;
	char tail[300], auth_path[256];
	struct cgroup cgroup;

	(void)err;
	job_auth_path(place->state_dir, strtoll(name, NULL, 10), auth_path, sizeof(auth_path));
	job_auth_remove(auth_path);
	cgroup_make(&cgroup, place->state_dir, strtoll(name, NULL, 10));
	cgroup_remove(&cgroup);
	snprintf(tail, sizeof(tail), "attempts/%.255s/work", name);
	work_dir = path_of(place->state_dir, tail);
	dir_remove_all(AT_FDCWD, work_dir);
	return 0;
}

/* "linux-amd64-v3" */
static int platform_clean(const char *name, void *arg, struct error *err)
{
	const struct job_place *place = arg;
	struct platform platform;
	char text[PLATFORM_TEXT_MAX];
	struct error ignored;

	if (text_copy(text, sizeof(text), name) < 0)
		return 0;
	for (char *dash = strchr(text, '-'); dash; dash = strchr(dash, '-'))
		*dash = '/';
	if (platform_parse(text, &platform, &ignored) < 0)
		return 0;
	return place->engine->clean(place->engine, &platform, place->state_dir, err);
}

int job_clean_orphans(const struct job_place *place, struct error *err)
{
	CLEANUP(mem_freep) char *attempts = path_of(place->state_dir, "attempts");
	CLEANUP(mem_freep) char *engines = path_of(place->state_dir, "engines/buildah");

	if (each_folder(attempts, attempt_clean, (void *)(uintptr_t)place, err) < 0)
		return -1;
	return each_folder(engines, platform_clean, (void *)(uintptr_t)place, err);
}
