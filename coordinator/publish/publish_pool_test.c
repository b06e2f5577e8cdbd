/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/fault.h"
#include "common/http/http.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/oci/test_stub.h"
#include "common/test_fds.h"
#include "coordinator/publish/publish_pool.h"

#define DIGEST "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define TOLD "Docker-Content-Digest: " DIGEST
#define BASIC "Basic bWU6c2VjcmV0" /* me:secret */
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

struct seen {
	pthread_mutex_t lock;
	sem_t arrived;
	struct publish_outcome outcomes[16];
	int count;
	bool is_refusing; /* the credential callback */
};

static int on_credential(const char *host, const char *path, struct credential *ret_credential, struct error *err,
			 void *arg)
{
	struct seen *seen = arg;

	if (seen->is_refusing)
		return error_set(err, ERR_INVALID, "no credential for %s/%s", host, path);
	if (strcmp(path, "open") == 0)
		return 1;
	ret_credential->username = mem_strdup("me");
	ret_credential->password = mem_strdup("secret");
	return 0;
}

static void on_outcome(const struct publish_outcome *outcome, void *arg)
{
	struct seen *seen = arg;

	pthread_mutex_lock(&seen->lock);
	seen->outcomes[seen->count++] = *outcome;
	pthread_mutex_unlock(&seen->lock);
	sem_post(&seen->arrived);
}

static struct publish_pool *start(struct seen *seen)
{
	struct publish_pool_options options = { .events = { on_credential, on_outcome, seen }, .tries_max = 1, .wait_ms = 1 };
	struct publish_pool *pool = NULL;
	struct error err;

	pthread_mutex_init(&seen->lock, NULL);
	sem_init(&seen->arrived, 0, 0);
	ck_assert_int_eq(publish_pool_start(&options, &pool, &err), 0);
	return pool;
}

static void post(struct publish_pool *pool, const struct stub *stub, const char *path, int n)
{
	struct publish_order *order = mem_alloc(sizeof(*order));

	*order = (struct publish_order){ .publish = 5, .n = n, .kind = STEP_READBACK, .tag = "t", .expected_digest = DIGEST };
	snprintf(order->repository, sizeof(order->repository), "%s/%s", stub_host(stub), path);
	publish_pool_post(pool, order);
}

static void await(struct seen *seen)
{
	while (sem_wait(&seen->arrived) != 0)
		;
}

static void stub_end(struct stub *stub)
{
	char *wrong = stub_stop(stub, NULL);

	ck_assert_str_eq(wrong, "");
	free(wrong);
}

START_TEST(an_order_comes_back_as_an_outcome)
{
	static const struct stub_step steps[] = {
		{ "HEAD /v2/open/manifests/t", "", 401, "WWW-Authenticate: Basic realm=\"x\"", NULL },
		{ "HEAD /v2/closed/manifests/t", "", 401, "WWW-Authenticate: Basic realm=\"x\"", NULL },
		{ "HEAD /v2/closed/manifests/t", BASIC, 200, TOLD, NULL },
	};
	struct stub *stub = stub_start(steps, COUNT(steps));
	struct seen seen = { .count = 0 };
	struct publish_pool *pool = start(&seen);

	post(pool, stub, "open", 1);
	await(&seen);
	post(pool, stub, "closed", 2);
	await(&seen);
	publish_pool_stop(pool);
	stub_end(stub);
	ck_assert_int_eq(seen.count, 2);
	ck_assert(!seen.outcomes[0].is_ok);
	ck_assert(!seen.outcomes[0].is_retryable);
	ck_assert_int_eq(seen.outcomes[0].n, 1);
	ck_assert_msg(seen.outcomes[1].is_ok, "%s", seen.outcomes[1].reason);
	ck_assert_int_eq(seen.outcomes[1].publish, 5);
	ck_assert_int_eq(seen.outcomes[1].n, 2);
}
END_TEST

START_TEST(a_slow_step_holds_up_no_other)
{
	static const struct stub_step steps[] = {
		{ "HEAD /v2/open/manifests/t", "", 0, NULL, NULL },
		{ "HEAD /v2/open/manifests/t", "", 200, TOLD, NULL },
	};
	struct stub *stub = stub_start(steps, COUNT(steps));
	struct seen seen = { .count = 0 };
	struct publish_pool *pool = start(&seen);

	post(pool, stub, "open", 1);
	stub_wait_for_silence(stub);
	post(pool, stub, "open", 2);
	await(&seen);
	publish_pool_stop(pool);
	stub_end(stub);
	ck_assert_int_eq(seen.count, 1); /* the one cut short has no outcome */
	ck_assert_int_eq(seen.outcomes[0].n, 2);
	ck_assert(seen.outcomes[0].is_ok);
}
END_TEST

START_TEST(stopping_cuts_short_and_leaves_nothing)
{
	struct stub_step steps[PUBLISH_POOL_THREADS];
	struct seen seen = { .count = 0 };
	struct publish_pool *pool = start(&seen);
	struct timespec from, to;
	struct stub *stub;

	for (int i = 0; i < PUBLISH_POOL_THREADS; i++)
		steps[i] = (struct stub_step){ "HEAD ", "", 0, NULL, NULL };
	stub = stub_start(steps, PUBLISH_POOL_THREADS);
	for (int i = 0; i < PUBLISH_POOL_THREADS + 3; i++)
		post(pool, stub, "open", i);
	for (int i = 0; i < PUBLISH_POOL_THREADS; i++)
		stub_wait_for_silence(stub);
	clock_gettime(CLOCK_MONOTONIC, &from);
	publish_pool_stop(pool);
	clock_gettime(CLOCK_MONOTONIC, &to);
	stub_end(stub);
	ck_assert_int_eq(seen.count, 0);
	ck_assert_int_lt(to.tv_sec - from.tv_sec, 5);
}
END_TEST

START_TEST(a_credential_that_cannot_be_used_ends_the_step)
{
	struct stub *stub = stub_start(NULL, 0);
	struct seen seen = { .is_refusing = true };
	struct publish_pool *pool = start(&seen);

	post(pool, stub, "app", 1);
	await(&seen);
	publish_pool_stop(pool);
	stub_end(stub);
	ck_assert(!seen.outcomes[0].is_ok);
	ck_assert(!seen.outcomes[0].is_retryable);
	ck_assert_ptr_nonnull(strstr(seen.outcomes[0].reason, "no credential for 127.0.0.1:"));
}
END_TEST

START_TEST(a_pool_that_gets_no_thread_does_not_start)
{
	struct seen seen = { .count = 0 };
	struct publish_pool_options options = { .events = { on_credential, on_outcome, &seen } };

	for (int nth = 1;; nth++) {
		struct publish_pool *pool = NULL;
		struct error err;
		int rc;

		fault_arm(nth);
		rc = publish_pool_start(&options, &pool, &err);
		if (!fault_fired()) {
			publish_pool_stop(pool);
			break;
		}
		ck_assert_int_eq(rc, -1);
		ck_assert_ptr_null(pool);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("publish pool");
	TCase *tc = tcase_create("pool");
	SRunner *sr;
	int failed;

	http_global_init();
	log_set_level(LOG_ERROR);
	tcase_add_checked_fixture(tc, count_files, no_file_left_open);
	tcase_set_timeout(tc, 30);
	suite_add_tcase(suite, tc);
	tcase_add_test(tc, an_order_comes_back_as_an_outcome);
	tcase_add_test(tc, a_slow_step_holds_up_no_other);
	tcase_add_test(tc, stopping_cuts_short_and_leaves_nothing);
	tcase_add_test(tc, a_credential_that_cannot_be_used_ends_the_step);
	tcase_add_test(tc, a_pool_that_gets_no_thread_does_not_start);
	sr = srunner_create(suite);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? 1 : 0;
}
