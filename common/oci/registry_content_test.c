/* SPDX-License-Identifier: Apache-2.0 */
/* The client against a registry that misbehaves as told: what goes in and what comes out. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/http/http.h"
#include "common/oci/registry.h"
#include "common/oci/test_stub.h"
#include "common/test_fds.h"

#define ABC "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define ABC_QUERY "digest=sha256%3Aba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define OTHER "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define POST "POST /v2/team/app/blobs/uploads/"
#define MANIFEST "{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_MANIFEST "\"}"
#define MANIFEST_TYPE "Content-Type: " MEDIA_OCI_MANIFEST
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const struct descriptor abc = { .digest = ABC, .size_bytes = 3 };

struct world {
	struct stub *stub;
	struct registry *registry;
};

static struct world world_begin(const struct stub_step *steps, size_t count, int tries_max)
{
	struct world world = { .stub = stub_start(steps, count) };
	struct registry_options options = { .host = stub_host(world.stub), .tries_max = tries_max, .wait_ms = 1 };
	struct error err;

	ck_assert_int_eq(registry_open(&options, &world.registry, &err), 0);
	return world;
}

static void world_end(struct world *world, struct buf *bodies)
{
	char *wrong;

	registry_close(world->registry);
	wrong = stub_stop(world->stub, bodies);
	ck_assert_str_eq(wrong, "");
	free(wrong);
}

static int put_abc(const struct stub_step *steps, size_t count, int tries_max, struct error *err)
{
	struct world world = world_begin(steps, count, tries_max);
	struct buf bodies = { 0 };
	int rc = registry_put_blob_bytes(world.registry, "team/app", &abc, "abc", err);

	world_end(&world, &bodies);
	if (rc == 0)
		ck_assert_int_eq(strncmp(buf_text(&bodies), "abc", 3), 0);
	buf_clear(&bodies);
	return rc;
}

START_TEST(a_location_may_be_relative_or_absolute_and_keeps_its_query)
{
	static const struct stub_step relative[] = {
		{ POST, "", 202, "Location: /v2/team/app/blobs/uploads/u1?_state=x", NULL },
		{ "PUT /v2/team/app/blobs/uploads/u1?_state=x&" ABC_QUERY, "", 201, NULL, NULL },
	};
	static const struct stub_step bare[] = {
		{ POST, "", 202, "Location: u1", NULL },
		{ "PUT /v2/team/app/blobs/uploads/u1?" ABC_QUERY, "", 201, NULL, NULL },
	};
	static const struct stub_step elsewhere[] = {
		{ POST, "", 202, "Location: http://localhost:%P/store/u1?sig=x", NULL },
		{ "PUT /store/u1?sig=x&" ABC_QUERY, "", 201, NULL, NULL },
	};
	static const struct stub_step nowhere[] = { { POST, "", 202, NULL, NULL } };
	struct error err;

	ck_assert_int_eq(put_abc(relative, COUNT(relative), 1, &err), 0);
	ck_assert_int_eq(put_abc(bare, COUNT(bare), 1, &err), 0);
	ck_assert_int_eq(put_abc(elsewhere, COUNT(elsewhere), 1, &err), 0);
	ck_assert_int_eq(put_abc(nowhere, COUNT(nowhere), 1, &err), -1);
	ck_assert_int_eq(err.code, ERR_INVALID);
}
END_TEST

START_TEST(a_lost_upload_begins_anew)
{
	static const struct stub_step steps[] = {
		{ POST, "", 202, "Location: /u1", NULL },
		{ "PUT /u1", "", 404, NULL, "{\"errors\":[{\"code\":\"BLOB_UPLOAD_UNKNOWN\"}]}" },
		{ "HEAD /v2/team/app/blobs/" ABC, "", 404, NULL, NULL },
		{ POST, "", 202, "Location: /u2", NULL },
		{ "PUT /u2", "", 503, NULL, NULL },
		{ "HEAD /v2/team/app/blobs/" ABC, "", 200, NULL, NULL }, /* it arrived, only the answer did not */
	};
	struct error err;

	ck_assert_int_eq(put_abc(steps, COUNT(steps), 4, &err), 0);
}
END_TEST

START_TEST(a_refused_upload_is_not_tried_again)
{
	static const struct stub_step steps[] = {
		{ POST, "", 202, "Location: /u1", NULL },
		{ "PUT /u1", "", 400, NULL, "{\"errors\":[{\"code\":\"DIGEST_INVALID\",\"message\":\"no\",\"detail\":\"why\"}]}" },
	};
	static const struct stub_step denied[] = { { POST, "", 403, NULL, "{\"errors\":[{\"code\":\"DENIED\"}]}" } };
	struct error err;

	ck_assert_int_eq(put_abc(steps, COUNT(steps), 4, &err), -1);
	ck_assert_int_eq(err.code, ERR_INVALID);
	ck_assert_ptr_nonnull(strstr(err.msg, "400 DIGEST_INVALID: no (why)"));
	ck_assert_int_eq(put_abc(denied, COUNT(denied), 4, &err), -1);
	ck_assert_int_eq(err.code, ERR_DENIED);
}
END_TEST

START_TEST(a_file_is_sent_whole_again_after_a_failure)
{
	static const struct stub_step steps[] = {
		{ POST, "", 202, "Location: /u1", NULL },
		{ "PUT /u1", "", 502, NULL, NULL },
		{ "HEAD /v2/team/app/blobs/" ABC, "", 404, NULL, NULL },
		{ POST, "", 202, "Location: /u2", NULL },
		{ "PUT /u2", "", 201, NULL, NULL },
	};
	struct world world = world_begin(steps, COUNT(steps), 2);
	char path[] = "/tmp/registry_test.XXXXXX";
	int fd = mkstemp(path);
	struct buf bodies = { 0 };
	struct error err;

	unlink(path);
	ck_assert_int_eq(write(fd, "abc", 3), 3);
	ck_assert_int_eq(registry_put_blob_fd(world.registry, "team/app", &abc, fd, &err), 0);
	world_end(&world, &bodies);
	ck_assert_str_eq(bodies.data, "abcabc");
	buf_clear(&bodies);
	close(fd);
}
END_TEST

START_TEST(a_mount_is_done_or_cancelled)
{
	static const struct stub_step steps[] = {
		{ "POST /v2/team/app/blobs/uploads/?mount=" ABC "&from=base%2Fimage", "", 201, NULL, NULL },
		{ "POST /v2/team/app/blobs/uploads/?mount=" ABC "&from=base%2Fimage", "", 202, "Location: /u1?s=2", NULL },
		{ "DELETE /u1?s=2", "", 405, NULL, NULL },
		{ "POST /v2/team/app/blobs/uploads/?mount=", "", 404, NULL, NULL },
		{ "POST /v2/team/app/blobs/uploads/?mount=", "", 403, NULL, NULL },
		{ "POST /v2/team/app/blobs/uploads/?mount=", "", 503, NULL, NULL },
	};
	struct world world = world_begin(steps, COUNT(steps), 1);
	struct error err;

	ck_assert_int_eq(registry_mount_blob(world.registry, "team/app", "base/image", ABC, &err), 0);
	ck_assert_int_eq(registry_mount_blob(world.registry, "team/app", "base/image", ABC, &err), 1);
	ck_assert_int_eq(registry_mount_blob(world.registry, "team/app", "base/image", ABC, &err), 1);
	ck_assert_int_eq(registry_mount_blob(world.registry, "team/app", "base/image", ABC, &err), 1);
	ck_assert_int_eq(registry_mount_blob(world.registry, "team/app", "base/image", ABC, &err), -1);
	ck_assert_int_eq(err.code, ERR_UNAVAILABLE);
	world_end(&world, NULL);
}
END_TEST

START_TEST(wrong_bytes_for_a_digest_are_refused)
{
	static const char *const bodies[] = { "abd", "ab", "abcd" };

	for (size_t i = 0; i < COUNT(bodies); i++) {
		const struct stub_step steps[] = {
			{ "GET /v2/team/app/blobs/" ABC, "", 200, NULL, bodies[i] },
			{ "GET /v2/team/app/manifests/" OTHER, "", 200, MANIFEST_TYPE, MANIFEST },
		};
		struct world world = world_begin(steps, COUNT(steps), 4);
		struct registry_manifest manifest = { 0 };
		struct buf body = { 0 };
		struct error err;

		ck_assert_int_eq(registry_get_blob(world.registry, "team/app", &abc, &body, &err), -1);
		ck_assert_int_eq(err.code, ERR_INVALID);
		ck_assert_ptr_null(body.data);
		ck_assert_int_eq(registry_get_manifest(world.registry, "team/app", OTHER, &manifest, &err), -1);
		ck_assert_int_eq(err.code, ERR_INVALID);
		ck_assert_ptr_nonnull(strstr(err.msg, "have the digest sha256:"));
		world_end(&world, NULL);
	}
}
END_TEST

START_TEST(large_bodies_are_refused)
{
	char *large = malloc(5 * 1024 * 1024);
	const struct stub_step steps[] = {
		{ "GET /v2/team/app/manifests/t", "", 200, MANIFEST_TYPE, large },
		{ "GET /v2/team/app/blobs/" ABC, "", 200, NULL, large },
	};
	const struct descriptor huge = { .digest = ABC, .size_bytes = REGISTRY_BLOB_MAX_BYTES + 1 };
	struct registry_manifest manifest = { 0 };
	struct buf body = { 0 };
	struct world world;
	struct error err;

	memset(large, ' ', 5 * 1024 * 1024);
	large[5 * 1024 * 1024 - 1] = '\0';
	world = world_begin(steps, COUNT(steps), 4);
	ck_assert_int_eq(registry_get_manifest(world.registry, "team/app", "t", &manifest, &err), -1);
	ck_assert_int_eq(err.code, ERR_INVALID);
	ck_assert_ptr_nonnull(strstr(err.msg, "larger than"));
	ck_assert_int_eq(registry_get_blob(world.registry, "team/app", &abc, &body, &err), -1);
	ck_assert_int_eq(err.code, ERR_INVALID);
	ck_assert_int_eq(registry_get_blob(world.registry, "team/app", &huge, &body, &err), -1);
	world_end(&world, NULL);
	free(large);
}
END_TEST

START_TEST(a_manifest_s_media_type_is_its_own)
{
	static const struct stub_step steps[] = {
		{ "GET /v2/a/manifests/same", "", 200, MANIFEST_TYPE "; charset=utf-8", MANIFEST },
		{ "GET /v2/a/manifests/plain", "", 200, "Content-Type: application/json", MANIFEST },
		{ "GET /v2/a/manifests/header", "", 200, MANIFEST_TYPE, "{\"schemaVersion\":2}" },
		{ "GET /v2/a/manifests/differs", "", 200, "Content-Type: " MEDIA_OCI_INDEX, MANIFEST },
		{ "GET /v2/a/manifests/text", "", 200, MANIFEST_TYPE, "<html>" },
		{ "GET /v2/a/manifests/gone", "", 404, NULL, "{\"errors\":[{\"code\":\"MANIFEST_UNKNOWN\"}]}" },
	};
	struct world world = world_begin(steps, COUNT(steps), 4);
	static const char *const good[] = { "same", "plain", "header" };
	struct registry_manifest manifest = { 0 };
	struct error err;

	for (size_t i = 0; i < COUNT(good); i++) {
		ck_assert_int_eq(registry_get_manifest(world.registry, "a", good[i], &manifest, &err), 0);
		ck_assert_str_eq(manifest.descriptor.media_type, MEDIA_OCI_MANIFEST);
		registry_manifest_clear(&manifest);
	}
	ck_assert_int_eq(registry_get_manifest(world.registry, "a", "differs", &manifest, &err), -1);
	ck_assert_int_eq(err.code, ERR_INVALID);
	ck_assert_int_eq(registry_get_manifest(world.registry, "a", "text", &manifest, &err), -1);
	ck_assert_int_eq(err.code, ERR_INVALID);
	ck_assert_int_eq(registry_get_manifest(world.registry, "a", "gone", &manifest, &err), -1);
	ck_assert_int_eq(err.code, ERR_NOT_FOUND);
	world_end(&world, NULL);
}
END_TEST

START_TEST(a_tag_s_digest_is_read_from_the_bytes_when_not_told)
{
	static const struct stub_step steps[] = {
		{ "HEAD /v2/a/manifests/t", "", 200, "Docker-Content-Digest: " ABC, NULL },
		{ "HEAD /v2/a/manifests/t", "", 200, NULL, NULL },
		{ "GET /v2/a/manifests/t", "", 200, MANIFEST_TYPE, MANIFEST },
		{ "HEAD /v2/a/manifests/t", "", 404, NULL, NULL },
	};
	struct world world = world_begin(steps, COUNT(steps), 1);
	char digest[DIGEST_TEXT_MAX], own[DIGEST_TEXT_MAX];
	struct error err;

	digest_of_bytes(MANIFEST, strlen(MANIFEST), own);
	ck_assert_int_eq(registry_head_manifest(world.registry, "a", "t", digest, &err), 0);
	ck_assert_str_eq(digest, ABC);
	ck_assert_int_eq(registry_head_manifest(world.registry, "a", "t", digest, &err), 0);
	ck_assert_str_eq(digest, own);
	ck_assert_int_eq(registry_head_manifest(world.registry, "a", "t", digest, &err), 1);
	world_end(&world, NULL);
}
END_TEST

static int put_manifest(const struct stub_step *steps, size_t count, const char *tag, struct error *err)
{
	struct world world = world_begin(steps, count, 3);
	struct registry_manifest manifest = { .descriptor.media_type = MEDIA_OCI_MANIFEST };
	char own[DIGEST_TEXT_MAX];
	int rc;

	buf_puts(&manifest.body, MANIFEST);
	digest_of_bytes(MANIFEST, strlen(MANIFEST), own);
	rc = registry_put_manifest(world.registry, "a", tag, &manifest, err);
	if (rc == 0)
		ck_assert_str_eq(manifest.descriptor.digest, own);
	registry_manifest_clear(&manifest);
	world_end(&world, NULL);
	return rc;
}

START_TEST(a_child_seen_late_is_waited_for)
{
#define UNKNOWN "{\"errors\":[{\"code\":\"MANIFEST_BLOB_UNKNOWN\",\"message\":\"blob unknown\",\"detail\":\"" ABC "\"}]}"
	static const struct stub_step late[] = {
		{ "PUT /v2/a/manifests/t", "", 400, NULL, UNKNOWN },
		{ "PUT /v2/a/manifests/t", "", 404, NULL, UNKNOWN },
		{ "PUT /v2/a/manifests/t", "", 201, NULL, NULL },
	};
	static const struct stub_step never[] = {
		{ "PUT /v2/a/manifests/t", "", 400, NULL, UNKNOWN },
		{ "PUT /v2/a/manifests/t", "", 400, NULL, UNKNOWN },
		{ "PUT /v2/a/manifests/t", "", 400, NULL, UNKNOWN },
	};
	struct error err;

	ck_assert_int_eq(put_manifest(late, COUNT(late), "t", &err), 0);
	ck_assert_int_eq(put_manifest(never, COUNT(never), "t", &err), -1);
	ck_assert_int_eq(err.code, ERR_INVALID);
	ck_assert_ptr_nonnull(strstr(err.msg, ABC));
}
END_TEST

START_TEST(what_was_stored_must_be_what_was_sent)
{
	static const struct stub_step other[] = { { "PUT /v2/a/manifests/t", "", 201, "Docker-Content-Digest: " ABC, NULL } };
	static const struct stub_step refused[] = {
		{ "PUT /v2/a/manifests/t", "", 400, NULL, "{\"errors\":[{\"code\":\"MANIFEST_INVALID\",\"message\":\"bad\"}]}" },
	};
	struct error err;

	ck_assert_int_eq(put_manifest(other, COUNT(other), "t", &err), -1);
	ck_assert_int_eq(err.code, ERR_INVALID);
	ck_assert_int_eq(put_manifest(refused, COUNT(refused), "t", &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "MANIFEST_INVALID: bad"));
	ck_assert_int_eq(put_manifest(NULL, 0, ABC, &err), -1); /* not the digest of these bytes: never sent */
	ck_assert_int_eq(err.code, ERR_INVALID);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("registry content");
	TCase *tc = tcase_create("content");
	SRunner *sr;
	int failed;

	http_global_init();
	tcase_add_checked_fixture(tc, count_files, no_file_left_open);
	tcase_set_timeout(tc, 30);
	suite_add_tcase(suite, tc);
	tcase_add_test(tc, a_location_may_be_relative_or_absolute_and_keeps_its_query);
	tcase_add_test(tc, a_lost_upload_begins_anew);
	tcase_add_test(tc, a_refused_upload_is_not_tried_again);
	tcase_add_test(tc, a_file_is_sent_whole_again_after_a_failure);
	tcase_add_test(tc, a_mount_is_done_or_cancelled);
	tcase_add_test(tc, wrong_bytes_for_a_digest_are_refused);
	tcase_add_test(tc, large_bodies_are_refused);
	tcase_add_test(tc, a_manifest_s_media_type_is_its_own);
	tcase_add_test(tc, a_tag_s_digest_is_read_from_the_bytes_when_not_told);
	tcase_add_test(tc, a_child_seen_late_is_waited_for);
	tcase_add_test(tc, what_was_stored_must_be_what_was_sent);
	sr = srunner_create(suite);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? 1 : 0;
}
