/* SPDX-License-Identifier: Apache-2.0 */
/* The API: every route's good and bad answers. */
#include "coordinator/front/test_front.h"

START_TEST(health_needs_no_token)
{
	struct reply reply;

	start();
	reply = get("/healthz", NULL);
	ck_assert_int_eq(reply.status, 200);
	ck_assert_str_eq(reply.body.data, "ok\n");
	ck_assert_str_ne(header(&reply, "X-Request-Id"), "");
	reply_clear(&reply);
	reply = get("/readyz", NULL);
	ck_assert_int_eq(reply.status, 200);
	reply_clear(&reply);
	reply = get("/", NULL);
	ck_assert_ptr_nonnull(strstr(reply.body.data, "/v1"));
	reply_clear(&reply);
	front_set_ready(world.front, false);
	reply = get("/readyz", NULL);
	ck_assert_int_eq(reply.status, 503);
	ck_assert_ptr_nonnull(strstr(reply.body.data, "not ready"));
	reply_clear(&reply);
}
END_TEST

START_TEST(an_unknown_path_and_a_wrong_method_are_told_apart)
{
	struct reply reply;
	static const char *const unknown[] = { "/v1", "/v1/", "/v2/builds", "/v1/builds/", "/v1/builds/1/", "/v1/builds/1/x",
					       "/healthz/", "/v1/../healthz", "/v1/%2e%2e/healthz", "/v1/jobs//log" };

	start();
	for (size_t i = 0; i < LENGTH(unknown); i++) {
		reply = get(unknown[i], world.admin);
		is_error(&reply, 404, "not_found", "path");
	}
	reply = call(&(struct ask){ .method = "DELETE", .path = "/v1/builds", .token = world.admin });
	ck_assert_str_eq(header(&reply, "Allow"), "POST, GET, HEAD");
	is_error(&reply, 405, "method_not_allowed", "DELETE");
	reply = post("/healthz", NULL, NULL);
	ck_assert_str_eq(header(&reply, "Allow"), "GET, HEAD");
	is_error(&reply, 405, "method_not_allowed", "POST");
	reply = get("/v1/builds%00", world.admin);
	is_error(&reply, 400, "invalid", "NUL");
}
END_TEST

START_TEST(a_token_and_its_scope_are_needed)
{
	struct reply reply;

	start();
	reply = get("/v1/jobs", NULL);
	ck_assert_ptr_nonnull(strstr(header(&reply, "WWW-Authenticate"), "Bearer"));
	is_error(&reply, 401, "unauthorized", "token is needed");
	reply = get("/v1/jobs", "mfd_nobody");
	is_error(&reply, 401, "unauthorized", "unknown");
	reply = call(&(struct ask){ .method = "GET", .path = "/v1/jobs", .headers = "Authorization: Basic dTpw\r\n" });
	is_error(&reply, 401, "unauthorized", "Bearer");
	reply = get("/v1/jobs", world.worker);
	is_error(&reply, 403, "denied", "read");
	reply = post("/v1/builds", world.reader, "{}");
	is_error(&reply, 403, "denied", "submit");
	reply = get("/v1/jobs", world.admin);
	ck_assert_int_eq(reply.status, 200);
	reply_clear(&reply);
}
END_TEST

static struct ask cancel_7 = { .method = "POST", .path = "/v1/builds/7/cancel", .token = world.submitter };

/* Puts text as a context and gives a spec that builds it. */
static void put_context(const char *text, const char *tags, struct buf *spec)
{
	char digest[DIGEST_TEXT_MAX], path[128];
	struct reply reply;

	digest_of_bytes(text, strlen(text), digest);
	snprintf(path, sizeof(path), "/v1/contexts/%s", digest);
	reply = call(&(struct ask){ .method = "PUT", .path = path, .token = world.submitter, .body = text });
	ck_assert_int_eq(reply.status, 201);
	reply_clear(&reply);
	buf_printf(spec, "{\"source\":{\"context\":\"%s\"},\"platforms\":[\"linux/amd64\"],\"tags\":%s}", digest, tags);
}

START_TEST(a_build_is_accepted_when_the_core_says_so)
{
	CLEANUP(buf_clear) struct buf spec = { 0 };
	json_auto_t *root = NULL;
	struct seen_event *seen;
	struct reply reply;
	int fd;

	start();
	put_context("a context", "[\"app\",\"r.example:5000/team/app:2\"]", &spec);
	fd = dial();
	say_request(fd, &(struct ask){ .method = "POST", .path = "/v1/builds", .token = world.submitter,
					 .body = spec.data });
	seen = next_event();
	ck_assert_int_eq(seen->event->type, EVENT_SUBMIT);
	ck_assert_int_eq(seen->event->submit.project, 1);
	ck_assert_str_eq(seen->event->submit.spec.tags[0], "docker.io/library/app:latest");
	ck_assert_str_eq(seen->event->submit.spec.tags[1], "r.example:5000/team/app:2");
	commit_build(7, 1, BUILD_OPEN);
	commit(job_row(9, 7, JOB_QUEUED, 0));
	front_reply(world.front, seen->event->submit.request, 7, 0, "");
	event_done(seen);
	reply = hear(fd);
	close(fd);
	ck_assert_str_eq(header(&reply, "Location"), "/v1/builds/7");
	root = json_of(&reply, 202);
	ck_assert_str_eq(at(root, "id"), "7");
	ck_assert_str_eq(at(root, "state"), "\"open\"");
	ck_assert_str_eq(at(root, "jobs.0.id"), "9");
}
END_TEST

START_TEST(the_cores_refusal_is_passed_on)
{
	static const struct { enum err_code code; int status; const char *name; } cases[] = {
		{ ERR_CONFLICT, 409, "conflict" }, { ERR_NOT_FOUND, 404, "not_found" }, { ERR_FULL, 507, "disk_full" },
		{ ERR_UNAVAILABLE, 503, "unavailable" }, { ERR_INVALID, 400, "invalid" }, { ERR_DENIED, 403, "denied" },
		{ ERR_INTERNAL, 500, "internal" },
	};

	start();
	commit_build(7, 1, BUILD_OPEN);
	for (size_t i = 0; i < LENGTH(cases); i++) {
		int fd = dial();
		struct seen_event *seen;
		struct reply reply;

		say_request(fd, &cancel_7);
		seen = next_event();
		ck_assert_int_eq(seen->event->type, EVENT_CANCEL);
		ck_assert_int_eq(seen->event->cancel.build, 7);
		front_reply(world.front, seen->event->cancel.request, 0, cases[i].code, "because of this");
		event_done(seen);
		reply = hear(fd);
		close(fd);
		is_error(&reply, cases[i].status, cases[i].name, "because of this");
	}
}
END_TEST

START_TEST(a_bad_spec_is_refused_with_the_reason)
{
	static const struct { const char *tags, *says; } cases[] = {
		{ "[\"app\",\"docker.io/library/app:latest\"]", "twice" },
		{ "[\"r.example/app:1@" DIGEST_A "\"]", "host/path:tag" },
		{ "[\"r.example/APP:1\"]", "APP" },
		{ "\"app\"", "tags" },
	};
	struct reply reply;

	start();
	for (size_t i = 0; i < LENGTH(cases); i++) {
		CLEANUP(buf_clear) struct buf spec = { 0 };
		char text[32];

		snprintf(text, sizeof(text), "context %zu", i);
		put_context(text, cases[i].tags, &spec);
		reply = post("/v1/builds", world.submitter, spec.data);
		is_error(&reply, 400, "invalid", cases[i].says);
	}
	reply = post("/v1/builds", world.submitter, "{");
	is_error(&reply, 400, "invalid", "JSON");
	reply = post("/v1/builds", world.submitter, NULL);
	is_error(&reply, 400, "invalid", "body");
	reply = post("/v1/builds", world.submitter,
		     "{\"source\":{\"context\":\"" DIGEST_A "\"},\"platforms\":[\"linux/amd64\"]}");
	is_error(&reply, 400, "invalid", "upload it first");
}
END_TEST

START_TEST(a_client_that_leaves_while_the_core_thinks_costs_nothing)
{
	struct seen_event *seen;
	struct reply reply;
	int fd;

	start();
	commit_build(7, 1, BUILD_OPEN);
	fd = dial();
	say_request(fd, &cancel_7);
	seen = next_event();
	close(fd);
	front_reply(world.front, seen->event->cancel.request, 7, 0, "");
	front_reply(world.front, seen->event->cancel.request, 7, 0, ""); /* answered already */
	front_reply(world.front, 987654321, 7, 0, "");
	event_done(seen);
	reply = get("/healthz", NULL);
	ck_assert_int_eq(reply.status, 200);
	reply_clear(&reply);
}
END_TEST

START_TEST(stopping_drops_what_is_not_answered)
{
	int fd;

	start();
	commit_build(7, 1, BUILD_OPEN);
	fd = dial();
	say_request(fd, &cancel_7);
	event_done(next_event());
	front_stop(world.front);
	world.front = NULL;
	ck_assert(is_closed(fd));
	close(fd);
}
END_TEST

START_TEST(a_full_disk_leaves_reads)
{
	struct reply reply;

	start();
	front_set_full(world.front, true);
	reply = post("/v1/builds", world.submitter, "{}");
	is_error(&reply, 507, "disk_full", "only reads");
	reply = call(&(struct ask){ .method = "PUT", .path = "/v1/contexts/" DIGEST_A, .token = world.submitter,
				  .body = "x" });
	is_error(&reply, 507, "disk_full", "only reads");
	reply = get("/v1/builds", world.submitter);
	ck_assert_int_eq(reply.status, 200);
	reply_clear(&reply);
	reply = get("/readyz", NULL);
	ck_assert_int_eq(reply.status, 503);
	reply_clear(&reply);
	front_set_full(world.front, false);
	reply = post("/v1/builds", world.submitter, "{}");
	is_error(&reply, 400, "invalid", "");
}
END_TEST

START_TEST(nothing_is_posted_before_the_rows_are_loaded)
{
	struct reply reply;

	start();
	front_set_ready(world.front, false);
	reply = post("/v1/builds", world.submitter, "{}");
	ck_assert_str_eq(header(&reply, "Retry-After"), "1");
	is_error(&reply, 503, "unavailable", "starting");
}
END_TEST

START_TEST(beyond_loopback_is_refused)
{
	static const struct { const char *listen; enum err_code code; } cases[] = {
		{ "0.0.0.0:0", ERR_DENIED }, { "[::]:0", ERR_DENIED }, { "10.1.2.3:80", ERR_DENIED },
		{ "127.0.0.1", ERR_INVALID }, { "nowhere:80", ERR_INVALID }, { "127.0.0.1:x", ERR_INVALID },
		{ "", ERR_INVALID }, { "127.0.0.1:99999", ERR_INVALID },
	};
	struct error err;

	for (size_t i = 0; i < LENGTH(cases); i++) {
		world.config.listen = cases[i].listen;
		ck_assert_int_eq(front_start(&world.config, &world.front, &err), -1);
		ck_assert_msg(err.code == cases[i].code, "%s: %s", cases[i].listen, err.msg);
		if (err.code == ERR_DENIED)
			ck_assert_ptr_nonnull(strstr(err.msg, "TLS"));
	}
}
END_TEST

START_TEST(loopback_has_three_names)
{
	static const char *const names[] = { "[::1]:0", "localhost:0", "127.0.0.2:0" };
	struct error err;

	for (size_t i = 0; i < LENGTH(names); i++) {
		world.config.listen = names[i];
		ck_assert_msg(front_start(&world.config, &world.front, &err) == 0, "%s: %s", names[i], err.msg);
		ck_assert_int_gt(front_port(world.front), 0);
		front_stop(world.front);
		world.front = NULL;
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("front");

	tcase_add_test(tcase, health_needs_no_token);
	tcase_add_test(tcase, an_unknown_path_and_a_wrong_method_are_told_apart);
	tcase_add_test(tcase, a_token_and_its_scope_are_needed);
	tcase_add_test(tcase, a_build_is_accepted_when_the_core_says_so);
	tcase_add_test(tcase, the_cores_refusal_is_passed_on);
	tcase_add_test(tcase, a_bad_spec_is_refused_with_the_reason);
	tcase_add_test(tcase, a_client_that_leaves_while_the_core_thinks_costs_nothing);
	tcase_add_test(tcase, stopping_drops_what_is_not_answered);
	tcase_add_test(tcase, a_full_disk_leaves_reads);
	tcase_add_test(tcase, nothing_is_posted_before_the_rows_are_loaded);
	tcase_add_test(tcase, beyond_loopback_is_refused);
	tcase_add_test(tcase, loopback_has_three_names);
	return run_tests(tcase, "front");
}
