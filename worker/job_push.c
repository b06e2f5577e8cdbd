/* SPDX-License-Identifier: Apache-2.0 */
/* The second half of an attempt: is it what was asked, and into the registries; and the credentials for both halves. */
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/oci/reference.h"
#include "worker/files.h"
#include "worker/job_failure.h"
#include "worker/job_state.h"
#include "worker/process_cgroup.h"

#define DOCKERFILE_MAX (1024 * 1024)
#define AUTH_DIR "/run" /* in memory: never on a disk */

/* base64 of user:secret, as config.json and Basic have it. Wipe it. */
static char *basic_text(const struct job_credential *credential)
{
	CLEANUP(buf_clear) struct buf plain = { 0 };
	char *text;

	buf_printf(&plain, "%s:%s", credential->username, credential->secret);
	text = mem_alloc(4 * (plain.len + 3) / 3 + 4);
	EVP_EncodeBlock((unsigned char *)text, (const unsigned char *)plain.data, (int)plain.len);
	OPENSSL_cleanse(plain.data, plain.len);
	return text;
}

static void secret_hide(struct job *job, const struct job_credential *credential)
{
	char *basic = basic_text(credential);

	redact_add(job->log.redact, credential->secret);
	redact_add(job->log.redact, basic);
	OPENSSL_cleanse(basic, strlen(basic));
	mem_free(basic);
}

static int credential_ask(struct job *job, struct job_credential *credential, struct error *err)
{
	struct wire_message answer = { .type = WIRE_CREDENTIAL };

	if (job->ports.credential(job->attempt, credential->host, &answer.credential, err, job->ports.arg) < 0)
		return err->code == ERR_NOT_FOUND ? 0 : -1;
	credential->is_there = answer.credential.secret && answer.credential.secret[0];
	if (credential->is_there) {
		credential->username = mem_strdup(answer.credential.username);
		credential->secret = mem_strdup(answer.credential.secret);
		secret_hide(job, credential);
	}
	wire_message_clear(&answer);
	return 0;
}

int job_credential(struct job *job, const char *host, struct job_credential **ret_credential, struct error *err)
{
	struct job_credential *credential = job->credentials;

	while (credential && strcmp(credential->host, host) != 0)
		credential = credential->next;
	if (!credential) {
		credential = mem_alloc(sizeof(*credential));
		text_copy(credential->host, sizeof(credential->host), host);
		if (credential_ask(job, credential, err) < 0) {
			mem_free(credential);
			return -1;
		}
		credential->next = job->credentials;
		job->credentials = credential;
	}
	*ret_credential = credential;
	return credential->is_there ? 0 : 1;
}

/* Does the Dockerfile name a base in this registry? Docker Hub's bases name no host. */
static bool is_named(const char *dockerfile, const char *host)
{
	size_t len = strlen(host);

	for (const char *at = strstr(dockerfile, host); at; at = strstr(at + 1, host)) {
		if (at[len] == '/')
			return true;
	}
	return false;
}

static void auth_collect(struct job *job, const char *dockerfile, struct buf *auths)
{
	for (size_t i = 0; i < job->repository_count; i++) {
		struct job_credential *credential;
		struct reference reference;
		struct error err;
		char *basic;

		if (reference_parse(job->repositories[i], &reference, &err) < 0 || !is_named(dockerfile, reference.host) ||
		    (auths->data && strstr(auths->data, reference.host)) ||
		    job_credential(job, reference.host, &credential, &err) != 0)
			continue;
		basic = basic_text(credential);
		buf_printf(auths, "%s\"%s\":{\"auth\":\"%s\"}", auths->len ? "," : "", reference.host, basic);
		OPENSSL_cleanse(basic, strlen(basic));
		mem_free(basic);
	}
}

void job_auth_path(const char *state_dir, int64_t attempt, char *path, size_t size)
{
	char name[CGROUP_NAME_MAX];

	cgroup_name(state_dir, attempt, name);
	snprintf(path, size, AUTH_DIR "/%s.auth", name);
}

void job_auth_write(struct job *job, char *path, size_t size)
{
	CLEANUP(buf_clear) struct buf dockerfile = { 0 };
	CLEANUP(buf_clear) struct buf auths = { 0 };
	CLEANUP(mem_freep) char *dockerfile_path = NULL;
	struct buf text = { 0 };
	struct error err;
	int fd;

	path[0] = '\0';
	buf_printf(&text, "%s/%s", job->context_dir, job->spec.dockerfile);
	dockerfile_path = buf_take(&text);
	if (file_read_text(dockerfile_path, DOCKERFILE_MAX, &dockerfile, &err) < 0)
		return; /* the engine says so better */
	auth_collect(job, buf_text(&dockerfile), &auths);
	if (auths.len == 0)
		return;
	job_auth_path(job->state_dir, job->attempt, path, size);
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) {
		path[0] = '\0';
	} else {
		if (dprintf(fd, "{\"auths\":{%s}}", buf_text(&auths)) < 0)
			path[0] = '\0';
		close(fd);
	}
	OPENSSL_cleanse(auths.data, auths.len);
}

void job_auth_remove(const char *path)
{
	if (path[0])
		unlink(path);
}

static int on_credential(const char *host, char **ret_username, char **ret_password, struct error *err, void *arg)
{
	struct job *job = arg;
	struct job_credential *credential;
	int rc = job_credential(job, host, &credential, err);

	if (rc != 0)
		return rc;
	*ret_username = credential->username;
	*ret_password = credential->secret;
	return 0;
}

static void on_note(const char *text, void *arg)
{
	struct job *job = arg;
	struct error ignored;

	job_log_note(&job->log, text, &ignored);
}

/* Another thread may abort what stands in job->push. */
static void push_set(struct job *job, struct push *push)
{
	pthread_mutex_lock(&job->lock);
	job->push = push;
	if (push && atomic_load(&job->is_cancelled))
		push_abort(push);
	pthread_mutex_unlock(&job->lock);
}

static int push_checked(struct job *job, struct push *push)
{
	char asked[PLATFORM_TEXT_MAX], built[PLATFORM_TEXT_MAX];
	struct descriptor manifest;
	struct error err;
	int rc;

	platform_format(&job->platform, asked);
	platform_format(&push_config(push)->platform, built);
	if (strcmp(asked, built) != 0)
		return job_fail(job, CLASS_POLICY, "the image's config says %s, asked for was %s: nothing was pushed"
				" (a base of another platform, or FROM --platform?)", built, asked);
	push_set(job, push);
	rc = push_run(push, &manifest, &err);
	push_set(job, NULL);
	if (rc < 0)
		return job_fail(job, job_failure_of_error(&err), "%s", err.msg);
	job->result.pushed_ms = job_wall_ms();
	text_copy(job->result.media_type, sizeof(job->result.media_type), manifest.media_type);
	text_copy(job->result.digest, sizeof(job->result.digest), manifest.digest);
	job->result.size_bytes = manifest.size_bytes;
	return 0;
}

int job_check_and_push(struct job *job, const struct engine_result *engine)
{
	const char *repositories[SPEC_TAGS_MAX];
	const struct push_options options = {
		.layout_dir = engine->layout_dir, .layout_tag = engine->layout_tag, .storage_dir = engine->storage_dir,
		.state_dir = job->state_dir, .scratch_dir = job->work_dir, .repositories = repositories,
		.repository_count = job->repository_count, .credential = on_credential, .on_note = on_note, .arg = job,
	};
	CLEANUP(push_closep) struct push *push = NULL;
	struct error err;

	for (size_t i = 0; i < job->repository_count; i++)
		repositories[i] = job->repositories[i];
	if (push_open(&options, &push, &err) < 0)
		return job_fail(job, err.code == ERR_INVALID ? CLASS_BUILD : CLASS_INFRA, "%s", err.msg);
	return push_checked(job, push);
}
