/* SPDX-License-Identifier: Apache-2.0 */
/* Whole attempts with the real buildah and docker-registry, as root; where one is missing there is nothing to test. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/context/context.h"
#include "common/http/http.h"
#include "common/mem.h"
#include "common/oci/reference.h"
#include "common/oci/registry.h"
#include "common/test_fds.h"
#include "worker/files.h"
#include "worker/job.h"
#include "worker/test_front.h"
#include "worker/test_world.h"


static char top[64], context_dir[96], tar[96], url[64], state_dir[96], registry_host[2][64];
static struct front front;
static pid_t registry_pid[2];
static struct engine *engine;
static struct facts facts;
static struct context_summary context;

struct outcome {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool is_started, is_done, is_cancelled;
	struct wire_result result;
	int steps_begun, steps_ended, cached;
	char last_step[256];
	int64_t spool_bytes, log_bytes;
	int credentials;
	struct job *job;
	const char *cancel_at;  /* once a step of this name has begun */
};

static void on_started(int64_t attempt, const char *proof, void *arg)
{
	struct outcome *outcome = arg;

	ck_assert_int_gt(attempt, 0);
	ck_assert_ptr_nonnull(strstr(proof, "executed:"));
	outcome->is_started = true;
}

static void on_step(const struct wire_step *step, void *arg)
{
	struct outcome *outcome = arg;

	pthread_mutex_lock(&outcome->lock);
	outcome->steps_begun += step->ended_ms == 0;
	outcome->steps_ended += step->ended_ms != 0;
	outcome->cached += step->ended_ms != 0 && step->is_cached;
	text_copy(outcome->last_step, sizeof(outcome->last_step), step->name);
	pthread_cond_broadcast(&outcome->changed);
	pthread_mutex_unlock(&outcome->lock);
}

static void on_log(int64_t attempt, int64_t spool_bytes, void *arg)
{
	struct outcome *outcome = arg;

	(void)attempt;
	ck_assert_int_ge(spool_bytes, outcome->spool_bytes);
	outcome->spool_bytes = spool_bytes;
}

static void done(struct outcome *outcome)
{
	pthread_mutex_lock(&outcome->lock);
	ck_assert(!outcome->is_done);
	outcome->is_done = true;
	pthread_cond_broadcast(&outcome->changed);
	pthread_mutex_unlock(&outcome->lock);
}

static void on_result(const struct wire_result *result, void *arg)
{
	struct outcome *outcome = arg;

	outcome->result = *result;
	outcome->log_bytes = result->log_bytes;
	done(outcome);
}

static void on_cancelled(int64_t attempt, int64_t log_bytes, void *arg)
{
	struct outcome *outcome = arg;

	(void)attempt;
	outcome->is_cancelled = true;
	outcome->log_bytes = log_bytes;
	done(outcome);
}

static int credential(int64_t attempt, const char *host, struct wire_credential *ret, struct error *err, void *arg)
{
	struct outcome *outcome = arg;

	(void)attempt;
	outcome->credentials++;
	if (strcmp(host, registry_host[1]) != 0)
		return error_set(err, ERR_NOT_FOUND, "none");
	*ret = (struct wire_credential){ .is_basic = true, .username = TEST_USER, .secret = mem_strdup(TEST_SECRET) };
	return 0;
}

static void put(const char *name, const char *text)
{
	char path[256];
	struct error err;

	snprintf(path, sizeof(path), "%s/%s", context_dir, name);
	ck_assert_int_eq(file_write_text(path, text, &err), 0);
}

static void context_serve(void)
{
	struct context_options options = { .dir = context_dir, .dockerfile = "Dockerfile" };
	int fd = open(tar, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct error err;

	if (context_pack(&options, fd, &context, &err) < 0)
		ck_abort_msg("%s", err.msg);
	close(fd);
}

static void log_text(int64_t attempt, struct buf *text)
{
	char path[256];
	struct error err;

	snprintf(path, sizeof(path), "%s/attempts/%lld/log", state_dir, (long long)attempt);
	ck_assert_int_eq(file_read_text(path, 10000000, text, &err), 0);
}

struct order {
	int64_t attempt;
	const char *dockerfile, *platform, *repository; /* repository NULL: push nothing */
	struct spec_pair arg;
	int timeout_s;
};

static void offer_make(const struct order *order, struct wire_offer *offer)
{
	struct spec_pair arg = order->arg;
	struct build_spec spec = { .dockerfile = (char *)(uintptr_t)"Dockerfile", .platform_count = 1, .build_args = &arg,
				   .build_arg_count = arg.name ? 1 : 0 };
	struct error err;

	*offer = (struct wire_offer){ .attempt = order->attempt, .job = 1, .build = 1, .number = 1,
				      .run_timeout_s = order->timeout_s ? order->timeout_s : 300 };
	ck_assert_int_eq(platform_parse(order->platform ? order->platform : "linux/amd64", &offer->platform, &err), 0);
	memcpy(spec.context, context.digest, sizeof(spec.context));
	spec.platforms[0] = offer->platform;
	offer->spec = spec_encode(&spec);
	if (order->repository) {
		text_copy(offer->repositories[0], sizeof(offer->repositories[0]), order->repository);
		offer->repository_count = 1;
	}
}

static void attempt_run(const struct order *order, struct outcome *outcome)
{
	struct job_place place = { .state_dir = state_dir, .front_url = url, .token = "token-of-worker", .engine = engine,
				   .facts = &facts };
	struct job_ports ports = { on_started, on_step, on_log, on_result, on_cancelled, credential, outcome };
	struct wire_offer offer;
	struct error err;

	put("Dockerfile", order->dockerfile);
	context_serve();
	offer_make(order, &offer);
	pthread_mutex_init(&outcome->lock, NULL);
	pthread_cond_init(&outcome->changed, NULL);
	if (job_start(&offer, &place, &ports, &outcome->job, &err) < 0)
		ck_abort_msg("%s", err.msg);
	mem_free(offer.spec);
	pthread_mutex_lock(&outcome->lock);
	while (!outcome->is_done) {
		if (outcome->cancel_at && strstr(outcome->last_step, outcome->cancel_at)) {
			outcome->cancel_at = NULL;
			pthread_mutex_unlock(&outcome->lock);
			job_cancel(outcome->job);
			pthread_mutex_lock(&outcome->lock);
			continue;
		}
		pthread_cond_wait(&outcome->changed, &outcome->lock);
	}
	pthread_mutex_unlock(&outcome->lock);
	job_free(outcome->job);
	ck_assert_int_eq(outcome->spool_bytes, outcome->log_bytes);
}

static void assert_succeeded(const struct outcome *outcome)
{
	ck_assert_msg(outcome->result.is_success, "%s (%s)", outcome->result.reason,
		      failure_class_name(outcome->result.failure));
	ck_assert(outcome->is_started && outcome->steps_begun > 0 && outcome->steps_begun == outcome->steps_ended);
	ck_assert_int_gt(outcome->result.engine_started_ms, 0);
	ck_assert_int_ge(outcome->result.engine_ended_ms, outcome->result.engine_started_ms);
}

#define BASE "FROM scratch\nCOPY busybox /bin/sh\n"

START_TEST(an_attempt_ends_in_the_registry_and_again_sends_nothing)
{
	CLEANUP(registry_closep) struct registry *registry = NULL;
	CLEANUP(registry_manifest_clear) struct registry_manifest manifest = { 0 };
	struct outcome first = { 0 }, second = { 0 };
	struct order order = { .attempt = 1, .dockerfile = BASE "RUN echo made > /made\n" };
	struct registry_options options = { .host = registry_host[0] };
	CLEANUP(buf_clear) struct buf log = { 0 };
	char repository[128];
	struct error err;

	snprintf(repository, sizeof(repository), "%s/team/app", registry_host[0]);
	order.repository = repository;
	attempt_run(&order, &first);
	assert_succeeded(&first);
	ck_assert_int_eq(registry_open(&options, &registry, &err), 0);
	if (registry_get_manifest(registry, "team/app", first.result.digest, &manifest, &err) < 0)
		ck_abort_msg("%s", err.msg);
	ck_assert_str_eq(manifest.descriptor.media_type, first.result.media_type);
	ck_assert_int_eq(manifest.descriptor.size_bytes, first.result.size_bytes);
	ck_assert_int_eq(first.credentials, 0);
	order.attempt = 2;
	attempt_run(&order, &second);
	assert_succeeded(&second);
	ck_assert_str_eq(second.result.digest, first.result.digest);
	ck_assert_int_eq(second.cached, 2);
	log_text(2, &log);
	ck_assert_msg(strstr(buf_text(&log), "0 of 2 layers sent") != NULL, "%s", buf_text(&log));
}
END_TEST

START_TEST(the_layers_of_a_base_are_mounted_and_not_sent_again)
{
	struct outcome base = { 0 }, app = { 0 };
	struct order order = { .attempt = 11, .dockerfile = BASE "RUN echo base > /base\n" };
	CLEANUP(buf_clear) struct buf log = { 0 };
	char repository[128], dockerfile[512];

	snprintf(repository, sizeof(repository), "%s/base", registry_host[0]);
	order.repository = repository;
	attempt_run(&order, &base);
	assert_succeeded(&base);
	/* Another platform's engine has pulled it, and no map of our own pushes is left. */
	snprintf(dockerfile, sizeof(dockerfile), "%.100s/blobmap", state_dir);
	ck_assert_int_eq(unlink(dockerfile), 0);
	snprintf(dockerfile, sizeof(dockerfile), "FROM %s@%s\nRUN echo app > /app\n", repository, base.result.digest);
	snprintf(repository, sizeof(repository), "%s/based", registry_host[0]);
	order = (struct order){ .attempt = 12, .dockerfile = dockerfile, .platform = "linux/amd64/v2", .repository = repository };
	attempt_run(&order, &app);
	assert_succeeded(&app);
	log_text(12, &log);
	ck_assert_msg(strstr(buf_text(&log), "1 of 3 layers sent, 2 mounted") != NULL, "%s", buf_text(&log));
}
END_TEST

START_TEST(a_failing_run_is_the_builds_own_fault_and_named)
{
	struct outcome outcome = { 0 };
	struct order order = { .attempt = 21, .dockerfile = BASE "RUN echo gone wrong; exit 2\n" };

	attempt_run(&order, &outcome);
	ck_assert(!outcome.result.is_success);
	ck_assert_int_eq(outcome.result.failure, CLASS_BUILD);
	ck_assert_int_eq(outcome.result.exit_code, 2);
	ck_assert_str_eq(outcome.result.reason, "STEP 3/3: RUN echo gone wrong; exit 2 failed with exit status 2");
	ck_assert_str_eq(outcome.result.failed_step, "RUN echo gone wrong; exit 2");
	ck_assert_str_eq(outcome.result.digest, "");
}
END_TEST

START_TEST(a_missing_base_is_the_builds_fault_and_a_dead_registry_is_not)
{
	struct outcome missing = { 0 }, dead = { 0 };
	char dockerfile[256];
	struct order order = { .attempt = 31, .dockerfile = dockerfile };

	snprintf(dockerfile, sizeof(dockerfile), "FROM %s/nothing:1\n", registry_host[0]);
	attempt_run(&order, &missing);
	ck_assert_msg(missing.result.failure == CLASS_BUILD, "%s", missing.result.reason);
	snprintf(dockerfile, sizeof(dockerfile), "FROM 127.0.0.1:1/nothing:1\n");
	order.attempt = 32;
	attempt_run(&order, &dead);
	ck_assert_msg(dead.result.failure == CLASS_INFRA, "%s", dead.result.reason);
}
END_TEST

START_TEST(a_cancelled_attempt_says_so_when_nothing_is_left)
{
	struct outcome outcome = { .cancel_at = "RUN cat" };
	struct order order = { .attempt = 41, .dockerfile = BASE "RUN cat /dev/zero > /dev/null\n" };
	char path[256];

	attempt_run(&order, &outcome);
	ck_assert(outcome.is_cancelled);
	snprintf(path, sizeof(path), "%s/attempts/41/work", state_dir);
	ck_assert_int_eq(access(path, F_OK), -1);
}
END_TEST

START_TEST(an_attempt_that_takes_too_long_is_a_timeout)
{
	struct outcome outcome = { 0 };
	struct order order = { .attempt = 51, .dockerfile = BASE "RUN cat /dev/zero > /dev/null\n", .timeout_s = 2 };

	attempt_run(&order, &outcome);
	ck_assert_msg(outcome.result.failure == CLASS_TIMEOUT, "%s", outcome.result.reason);
}
END_TEST

START_TEST(nothing_is_pushed_without_a_repository_but_the_digest_is_told)
{
	struct outcome outcome = { 0 };
	struct order order = { .attempt = 61, .dockerfile = BASE "LABEL a=b\n" };

	attempt_run(&order, &outcome);
	assert_succeeded(&outcome);
	ck_assert(digest_is_valid(outcome.result.digest));
	ck_assert_int_gt(outcome.result.size_bytes, 0);
}
END_TEST

START_TEST(a_password_is_asked_for_when_needed_and_never_logged)
{
	struct outcome base = { 0 }, app = { 0 };
	char repository[128], dockerfile[512];
	CLEANUP(buf_clear) struct buf log = { 0 };
	struct order order = { .attempt = 71, .dockerfile = BASE "RUN echo private > /p\n", .repository = repository };

	snprintf(repository, sizeof(repository), "%s/private", registry_host[1]);
	attempt_run(&order, &base);
	assert_succeeded(&base);
	ck_assert_int_eq(base.credentials, 1);
	snprintf(dockerfile, sizeof(dockerfile), "FROM %s@%s\nARG S\nRUN echo \"it is $S.\"\n", repository, base.result.digest);
	order = (struct order){ .attempt = 72, .dockerfile = dockerfile, .repository = repository, .platform = "linux/amd64",
				.arg = { (char *)(uintptr_t)"S", (char *)(uintptr_t)TEST_SECRET } };
	attempt_run(&order, &app);
	assert_succeeded(&app);
	ck_assert_int_eq(app.credentials, 1);
	log_text(72, &log);
	ck_assert_ptr_nonnull(strstr(buf_text(&log), "it is ***."));
	ck_assert_ptr_null(strstr(buf_text(&log), TEST_SECRET));
}
END_TEST

START_TEST(a_push_without_the_right_names_registry_and_credential)
{
	struct outcome outcome = { 0 };
	char repository[128];
	struct order order = { .attempt = 81, .dockerfile = BASE, .repository = repository };
	char saved[64];

	snprintf(repository, sizeof(repository), "%s/private", registry_host[1]);
	memcpy(saved, registry_host[1], sizeof(saved));
	memset(registry_host[1], 0, sizeof(registry_host[1])); /* so that nobody knows a credential */
	attempt_run(&order, &outcome);
	memcpy(registry_host[1], saved, sizeof(saved));
	ck_assert_msg(outcome.result.failure == CLASS_POLICY, "%s", outcome.result.reason);
	ck_assert_msg(strstr(outcome.result.reason, saved) && strstr(outcome.result.reason, "credential"), "%s",
		      outcome.result.reason);
}
END_TEST

static void world_make(void)
{
	struct engine_settings settings = { .name = "buildah", .state_dir = state_dir };
	struct error err;

	test_folder(top, sizeof(top), "job-test");
	snprintf(context_dir, sizeof(context_dir), "%s/context", top);
	snprintf(state_dir, sizeof(state_dir), "%s/state", top);
	snprintf(tar, sizeof(tar), "%s/context.tar", top);
	mkdir(context_dir, 0700);
	mkdir(state_dir, 0700);
	test_copy_busybox(context_dir);
	for (int i = 0; i < 2; i++) {
		char dir[96];

		snprintf(dir, sizeof(dir), "%s/registry%d", top, i);
		registry_pid[i] = test_registry_start(dir, i == 1, registry_host[i], sizeof(registry_host[i]));
	}
	if (engine_open(&settings, &engine, &err) < 0 || facts_take(state_dir, &facts, &err) < 0) {
		fprintf(stderr, "%s\n", err.msg);
		abort();
	}
	setenv("SOURCE_DATE_EPOCH", "1000000000", 1);
}

static void world_end(void)
{
	test_registry_stop(registry_pid[0]);
	test_registry_stop(registry_pid[1]);
	engine_close(engine);
	dir_remove_all(AT_FDCWD, top);
}

static void setup(void)
{
	http_global_init();
	front_start(&front, tar);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d", front.port);
}

static void teardown(void)
{
	front_stop(&front);
}

static bool is_possible(void)
{
	return geteuid() == 0 && access(TEST_BUSYBOX, X_OK) == 0 && access("/usr/bin/buildah", X_OK) == 0 &&
	       access("/usr/bin/docker-registry", X_OK) == 0;
}

int main(void)
{
	Suite *suite = suite_create("job");
	TCase *tc = tcase_create("job");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, count_files, no_file_left_open);
	tcase_add_checked_fixture(tc, setup, teardown);
	if (is_possible()) {
		world_make();
		tcase_add_test(tc, an_attempt_ends_in_the_registry_and_again_sends_nothing);
		tcase_add_test(tc, the_layers_of_a_base_are_mounted_and_not_sent_again);
		tcase_add_test(tc, a_failing_run_is_the_builds_own_fault_and_named);
		tcase_add_test(tc, a_missing_base_is_the_builds_fault_and_a_dead_registry_is_not);
		tcase_add_test(tc, a_cancelled_attempt_says_so_when_nothing_is_left);
		tcase_add_test(tc, an_attempt_that_takes_too_long_is_a_timeout);
		tcase_add_test(tc, nothing_is_pushed_without_a_repository_but_the_digest_is_told);
		tcase_add_test(tc, a_password_is_asked_for_when_needed_and_never_logged);
		tcase_add_test(tc, a_push_without_the_right_names_registry_and_credential);
	}
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	if (is_possible())
		world_end();
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
