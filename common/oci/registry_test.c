/* SPDX-License-Identifier: Apache-2.0 */
/* The client against a registry that misbehaves as told: who is let in, what is tried again, where it leads. */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/http/http.h"
#include "common/oci/registry.h"
#include "common/oci/test_stub.h"
#include "common/test_fds.h"

#define ABC "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define BLOB "GET /v2/team/app/blobs/" ABC
#define BASIC "Basic bWU6c2VjcmV0" /* me:secret */
#define BEARER                                                                                             \
	"WWW-Authenticate: Bearer realm=\"http://127.0.0.1:%P/token\",service=\"the registry\",scope=\"repository:" \
	"team/app:pull\""
#define TOKEN "GET /token?service=the%20registry&scope=repository%3Ateam%2Fapp%3Apull"
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const struct descriptor abc = { .digest = ABC, .size_bytes = 3 };

struct world {
	struct stub *stub;
	struct registry *registry;
};

static struct world world_begin(const struct stub_step *steps, size_t count, const char *username, int tries_max)
{
	struct world world = { .stub = stub_start(steps, count) };
	struct registry_options options = {
		.host = stub_host(world.stub), .username = username, .password = "secret", .tries_max = tries_max, .wait_ms = 1,
	};
	struct error err;

	ck_assert_int_eq(registry_open(&options, &world.registry, &err), 0);
	return world;
}

static void world_end(struct world *world)
{
	char *wrong;

	registry_close(world->registry);
	wrong = stub_stop(world->stub, NULL);
	ck_assert_str_eq(wrong, "");
	free(wrong);
}

/* Gets the blob "abc" and ends the world. Returns the outcome. */
static int get_abc(const struct stub_step *steps, size_t count, const char *username, int tries_max, struct error *err)
{
	struct world world = world_begin(steps, count, username, tries_max);
	struct buf body = { 0 };
	int rc = registry_get_blob(world.registry, "team/app", &abc, &body, err);

	if (rc == 0)
		ck_assert_str_eq(body.data, "abc");
	buf_clear(&body);
	world_end(&world);
	return rc;
}

START_TEST(an_open_registry_needs_no_credentials)
{
	static const struct stub_step steps[] = { { BLOB, "", 200, NULL, "abc" } };
	struct error err;

	ck_assert_int_eq(get_abc(steps, COUNT(steps), "me", 1, &err), 0);
}
END_TEST

START_TEST(a_basic_challenge_is_answered_and_remembered)
{
	static const struct stub_step steps[] = {
		{ BLOB, "", 401, "WWW-Authenticate: Basic realm=\"x\"", NULL },
		{ BLOB, BASIC, 200, NULL, "abc" },
		{ "HEAD /v2/team/app/blobs/" ABC, BASIC, 404, NULL, NULL },
	};
	struct world world = world_begin(steps, COUNT(steps), "me", 1);
	struct buf body = { 0 };
	struct error err;

	ck_assert_int_eq(registry_get_blob(world.registry, "team/app", &abc, &body, &err), 0);
	ck_assert_int_eq(registry_head_blob(world.registry, "team/app", ABC, NULL, &err), 1);
	buf_clear(&body);
	world_end(&world);
}
END_TEST

START_TEST(wrong_credentials_are_denied_once)
{
	static const struct stub_step steps[] = {
		{ BLOB, "", 401, "WWW-Authenticate: Basic realm=\"x\"", NULL },
		{ BLOB, BASIC, 401, "WWW-Authenticate: Basic realm=\"x\"",
		  "{\"errors\":[{\"code\":\"UNAUTHORIZED\",\"message\":\"authentication required\"}]}" },
	};
	struct error err;

	ck_assert_int_eq(get_abc(steps, COUNT(steps), "me", 4, &err), -1);
	ck_assert_int_eq(err.code, ERR_DENIED);
	ck_assert_ptr_nonnull(strstr(err.msg, "get blob team/app@"));
	ck_assert_ptr_nonnull(strstr(err.msg, "401 UNAUTHORIZED: authentication required"));
	ck_assert_ptr_null(strstr(err.msg, "secret"));
}
END_TEST

START_TEST(without_credentials_the_error_says_so)
{
	static const struct stub_step steps[] = { { BLOB, "", 401, "WWW-Authenticate: Basic realm=\"x\"", NULL } };
	struct error err;

	ck_assert_int_eq(get_abc(steps, COUNT(steps), NULL, 4, &err), -1);
	ck_assert_int_eq(err.code, ERR_DENIED);
	ck_assert_ptr_nonnull(strstr(err.msg, "there are none for this host"));
}
END_TEST

START_TEST(a_token_is_fetched_and_kept_per_scope)
{
	static const struct stub_step steps[] = {
		{ BLOB, "", 401, BEARER, NULL },
		{ TOKEN, BASIC, 200, NULL, "{\"access_token\":\"t1\",\"expires_in\":1}" },
		{ BLOB, "Bearer t1", 200, NULL, "abc" },
		{ "HEAD /v2/team/app/blobs/", "Bearer t1", 200, NULL, NULL },
		{ "GET /token?service=the%20registry&scope=repository%3Aother%3Apull", BASIC, 200, NULL, "{\"token\":\"t2\"}" },
		{ "HEAD /v2/other/blobs/", "Bearer t2", 200, NULL, NULL },
		{ "HEAD /v2/team/app/blobs/", "Bearer t1", 200, NULL, NULL },
	};
	struct world world = world_begin(steps, COUNT(steps), "me", 1);
	struct buf body = { 0 };
	struct error err;

	ck_assert_int_eq(registry_get_blob(world.registry, "team/app", &abc, &body, &err), 0);
	ck_assert_int_eq(registry_head_blob(world.registry, "team/app", ABC, NULL, &err), 0);
	ck_assert_int_eq(registry_head_blob(world.registry, "other", ABC, NULL, &err), 0);
	ck_assert_int_eq(registry_head_blob(world.registry, "team/app", ABC, NULL, &err), 0);
	buf_clear(&body);
	world_end(&world);
}
END_TEST

START_TEST(an_expired_token_is_replaced_once_per_call)
{
	static const struct stub_step steps[] = {
		{ BLOB, "", 401, BEARER, NULL },
		{ TOKEN, BASIC, 200, NULL, "{\"token\":\"t1\"}" },
		{ BLOB, "Bearer t1", 200, NULL, "abc" },
		{ "HEAD /v2/team/app/blobs/", "Bearer t1", 401, BEARER, NULL },
		{ TOKEN, BASIC, 200, NULL, "{\"token\":\"t2\"}" },
		{ "HEAD /v2/team/app/blobs/", "Bearer t2", 401, BEARER ",error=\"insufficient_scope\"", NULL },
	};
	struct world world = world_begin(steps, COUNT(steps), "me", 4);
	struct buf body = { 0 };
	struct error err;

	ck_assert_int_eq(registry_get_blob(world.registry, "team/app", &abc, &body, &err), 0);
	ck_assert_int_eq(registry_head_blob(world.registry, "team/app", ABC, NULL, &err), -1);
	ck_assert_int_eq(err.code, ERR_DENIED);
	buf_clear(&body);
	world_end(&world);
}
END_TEST

START_TEST(a_scope_the_registry_wants_besides_is_asked_for)
{
	static const struct stub_step steps[] = {
		{ BLOB, "", 401,
		  "WWW-Authenticate: Bearer realm=\"http://127.0.0.1:%P/token\",scope=\"repository:mirror/app:pull\","
		  "error=\"insufficient_scope\"",
		  NULL },
		{ "GET /token?scope=repository%3Ateam%2Fapp%3Apull&scope=repository%3Amirror%2Fapp%3Apull", "", 200, NULL,
		  "{\"token\":\"t\"}" },
		{ BLOB, "Bearer t", 200, NULL, "abc" },
	};
	struct error err;

	ck_assert_int_eq(get_abc(steps, COUNT(steps), NULL, 1, &err), 0);
}
END_TEST

START_TEST(a_bad_token_answer_is_refused)
{
	static const char *const answers[] = { "{}", "nonsense", "{\"token\":\"a\\r\\nX: y\"}", "{\"token\":\"t\",\"expires_in\":\"x\"}" };

	for (size_t i = 0; i < COUNT(answers); i++) {
		const struct stub_step steps[] = { { BLOB, "", 401, BEARER, NULL }, { TOKEN, "", 200, NULL, answers[i] } };
		struct error err;

		ck_assert_int_eq(get_abc(steps, COUNT(steps), NULL, 1, &err), -1);
		ck_assert_int_eq(err.code, ERR_INVALID);
		ck_assert_ptr_nonnull(strstr(err.msg, "token server"));
	}
}
END_TEST

START_TEST(a_token_server_in_clear_text_elsewhere_gets_no_password)
{
	static const struct stub_step steps[] = {
		{ BLOB, "", 401, "WWW-Authenticate: Bearer realm=\"http://tokens.example.org/\"", NULL },
	};
	struct error err;

	ck_assert_int_eq(get_abc(steps, COUNT(steps), "me", 4, &err), -1);
	ck_assert_int_eq(err.code, ERR_DENIED);
	ck_assert_ptr_nonnull(strstr(err.msg, "tokens.example.org"));
}
END_TEST

START_TEST(busy_registries_are_tried_again)
{
	static const struct stub_step steps[] = {
		{ BLOB, "", 429, "Retry-After: 0", NULL },
		{ BLOB, "", 503, NULL, "<html>sorry</html>" },
		{ BLOB, "", 500, "Retry-After: Thu, 01 Jan 1970 00:00:00 GMT", NULL },
		{ BLOB, "", 200, NULL, "abc" },
	};
	struct error err;

	ck_assert_int_eq(get_abc(steps, COUNT(steps), NULL, 4, &err), 0);
}
END_TEST

START_TEST(a_registry_that_stays_busy_is_unavailable)
{
	static const struct stub_step steps[] = {
		{ BLOB, "", 503, NULL, NULL },
		{ BLOB, "", 429, "Retry-After: 0", "{\"errors\":[{\"code\":\"TOOMANYREQUESTS\",\"message\":\"slow\\ndown\"}]}" },
	};
	struct error err;

	ck_assert_int_eq(get_abc(steps, COUNT(steps), NULL, 2, &err), -1);
	ck_assert_int_eq(err.code, ERR_UNAVAILABLE);
	ck_assert_ptr_nonnull(strstr(err.msg, "429 TOOMANYREQUESTS: slow?down"));
}
END_TEST

START_TEST(a_dead_registry_is_unavailable)
{
	struct stub *stub = stub_start(NULL, 0);
	struct registry_options options = { .tries_max = 2, .wait_ms = 1 };
	struct registry *registry;
	char host[32];
	struct error err;

	snprintf(host, sizeof(host), "%s", stub_host(stub));
	free(stub_stop(stub, NULL));
	options.host = host;
	ck_assert_int_eq(registry_open(&options, &registry, &err), 0);
	ck_assert_int_eq(registry_head_blob(registry, "team/app", ABC, NULL, &err), -1);
	ck_assert_int_eq(err.code, ERR_UNAVAILABLE);
	ck_assert_ptr_nonnull(strstr(err.msg, host));
	registry_close(registry);
}
END_TEST

START_TEST(authorization_stays_with_the_registry)
{
	static const struct stub_step steps[] = {
		{ BLOB, "", 401, "WWW-Authenticate: Basic realm=\"x\"", NULL },
		{ BLOB, BASIC, 307, "Location: /same?sig=1", NULL },
		{ "GET /same?sig=1", BASIC, 302, "Location: http://localhost:%P/other", NULL },
		{ "GET /other", "", 301, "Location: http://127.0.0.1:%P/back", NULL },
		{ "GET /back", "", 200, NULL, "abc" },
	};
	struct error err;

	ck_assert_int_eq(get_abc(steps, COUNT(steps), "me", 1, &err), 0);
}
END_TEST

START_TEST(redirects_have_an_end)
{
	static const struct stub_step steps[] = {
		{ BLOB, "", 307, "Location: /1", NULL }, { "GET /1", "", 307, "Location: /2", NULL },
		{ "GET /2", "", 307, "Location: /3", NULL }, { "GET /3", "", 307, "Location: /4", NULL },
		{ "GET /4", "", 307, "Location: /5", NULL }, { "GET /5", "", 307, "Location: /6", NULL },
	};
	static const struct stub_step nowhere[] = { { BLOB, "", 307, NULL, NULL } };
	static const struct stub_step file[] = { { BLOB, "", 307, "Location: file:///etc/passwd", NULL } };
	struct error err;

	ck_assert_int_eq(get_abc(steps, COUNT(steps), NULL, 1, &err), -1);
	ck_assert_int_eq(err.code, ERR_INVALID);
	ck_assert_int_eq(get_abc(nowhere, 1, NULL, 1, &err), -1);
	ck_assert_int_eq(get_abc(file, 1, NULL, 1, &err), -1);
	ck_assert_int_eq(err.code, ERR_INVALID);
}
END_TEST

struct stopper {
	struct world *world;
	int rc;
	struct error err;
};

static void *call_and_wait(void *arg)
{
	struct stopper *stopper = arg;

	stopper->rc = registry_head_blob(stopper->world->registry, "team/app", ABC, NULL, &stopper->err);
	return NULL;
}

START_TEST(another_thread_stops_a_call_and_its_further_tries)
{
	static const struct stub_step steps[] = { { "HEAD ", "", 0, NULL, NULL } };
	struct world world = world_begin(steps, COUNT(steps), NULL, 100);
	struct stopper stopper = { .world = &world };
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, call_and_wait, &stopper), 0);
	stub_wait_for_silence(world.stub);
	registry_abort(world.registry);
	pthread_join(thread, NULL);
	ck_assert_int_eq(stopper.rc, -1);
	ck_assert_int_eq(stopper.err.code, ERR_UNAVAILABLE);
	world_end(&world);
}
END_TEST

START_TEST(names_that_are_none_are_never_sent)
{
	struct world world = world_begin(NULL, 0, NULL, 1);
	struct registry_manifest manifest = { 0 };
	struct error err;

	ck_assert_int_eq(registry_head_blob(world.registry, "../../x", ABC, NULL, &err), -1);
	ck_assert_int_eq(err.code, ERR_INVALID);
	ck_assert_int_eq(registry_head_blob(world.registry, "x", "sha256:../", NULL, &err), -1);
	ck_assert_int_eq(registry_get_manifest(world.registry, "x", "a/../b", &manifest, &err), -1);
	ck_assert_int_eq(err.code, ERR_INVALID);
	world_end(&world);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("registry");
	TCase *tc = tcase_create("calls");
	SRunner *sr;
	int failed;

	http_global_init();
	tcase_add_checked_fixture(tc, count_files, no_file_left_open);
	tcase_set_timeout(tc, 30);
	suite_add_tcase(suite, tc);
	tcase_add_test(tc, an_open_registry_needs_no_credentials);
	tcase_add_test(tc, a_basic_challenge_is_answered_and_remembered);
	tcase_add_test(tc, wrong_credentials_are_denied_once);
	tcase_add_test(tc, without_credentials_the_error_says_so);
	tcase_add_test(tc, a_token_is_fetched_and_kept_per_scope);
	tcase_add_test(tc, an_expired_token_is_replaced_once_per_call);
	tcase_add_test(tc, a_scope_the_registry_wants_besides_is_asked_for);
	tcase_add_test(tc, a_bad_token_answer_is_refused);
	tcase_add_test(tc, a_token_server_in_clear_text_elsewhere_gets_no_password);
	tcase_add_test(tc, busy_registries_are_tried_again);
	tcase_add_test(tc, a_registry_that_stays_busy_is_unavailable);
	tcase_add_test(tc, a_dead_registry_is_unavailable);
	tcase_add_test(tc, authorization_stays_with_the_registry);
	tcase_add_test(tc, redirects_have_an_end);
	tcase_add_test(tc, another_thread_stops_a_call_and_its_further_tries);
	tcase_add_test(tc, names_that_are_none_are_never_sent);
	sr = srunner_create(suite);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? 1 : 0;
}
