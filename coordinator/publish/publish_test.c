/* SPDX-License-Identifier: Apache-2.0 */
/* Single steps against a registry that answers as told. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/http/http.h"
#include "common/oci/index.h"
#include "common/oci/manifest.h"
#include "common/oci/test_stub.h"
#include "common/test_fds.h"
#include "coordinator/publish/publish.h"

#define CONFIG_OF(architecture, layers)                                                                     \
	"{\"os\":\"linux\",\"architecture\":\"" architecture "\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[" layers "]}}"
#define LAYER_ID "\"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\""
#define LAYER "a layer"
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* An image in parts, and a registry's script that shows it. */
struct image {
	struct publish_order order;
	struct buf manifest;
	char get[160], config[160], layer[160]; /* requests */
};

static struct descriptor describe(const char *media_type, const char *text)
{
	struct descriptor made = { .size_bytes = (int64_t)strlen(text) };

	snprintf(made.media_type, sizeof(made.media_type), "%s", media_type);
	digest_of_bytes(text, strlen(text), made.digest);
	return made;
}

static void set_part(struct publish_order *order, size_t n, const char *platform, const struct descriptor *manifest)
{
	struct index_part *part = &order->parts[n];
	struct error err;

	ck_assert_int_eq(platform_parse(platform, &part->platform, &err), 0);
	snprintf(part->media_type, sizeof(part->media_type), "%s", manifest->media_type);
	snprintf(part->digest, sizeof(part->digest), "%s", manifest->digest);
	part->size_bytes = manifest->size_bytes;
	order->part_count = n + 1;
}

/* A verify order for linux/amd64 of an image with this config. */
static struct image image_of(const char *config_type, const char *config_text)
{
	struct image image = { .order = { .publish = 7, .n = 2, .kind = STEP_VERIFY } };
	struct descriptor layer = describe(MEDIA_OCI_LAYER, LAYER);
	struct manifest manifest = { .config = describe(config_type, config_text), .layers = &layer, .layer_count = 1 };
	struct descriptor described;

	manifest_build(&manifest, &image.manifest);
	described = describe(MEDIA_OCI_MANIFEST, image.manifest.data);
	set_part(&image.order, 0, "linux/amd64", &described);
	snprintf(image.get, sizeof(image.get), "GET /v2/team/app/manifests/%s", described.digest);
	snprintf(image.config, sizeof(image.config), "GET /v2/team/app/blobs/%s", manifest.config.digest);
	snprintf(image.layer, sizeof(image.layer), "HEAD /v2/team/app/blobs/%s", layer.digest);
	return image;
}

static struct publish_outcome take_into(struct publish_order *order, const struct stub_step *steps, size_t count,
					struct buf *bodies)
{
	struct stub *stub = stub_start(steps, count);
	struct registry_options options = { .host = stub_host(stub), .tries_max = 1, .wait_ms = 1 };
	struct registry *registry;
	struct publish_outcome outcome;
	struct error err;
	char *wrong;

	snprintf(order->repository, sizeof(order->repository), "%s/team/app", options.host);
	ck_assert_int_eq(registry_open(&options, &registry, &err), 0);
	publish_take_step(registry, order, &outcome);
	registry_close(registry);
	wrong = stub_stop(stub, bodies);
	ck_assert_str_eq(wrong, "");
	free(wrong);
	ck_assert_int_eq(outcome.publish, order->publish);
	ck_assert_int_eq(outcome.n, order->n);
	return outcome;
}

static struct publish_outcome take(struct publish_order *order, const struct stub_step *steps, size_t count)
{
	return take_into(order, steps, count, NULL);
}

static void refused(const struct publish_outcome *outcome, bool is_retryable, const char *because)
{
	ck_assert(!outcome->is_ok);
	ck_assert_msg(strstr(outcome->reason, because) != NULL, "%s", outcome->reason);
	ck_assert_int_eq(outcome->is_retryable, is_retryable);
}

START_TEST(an_image_that_is_all_there_is_verified)
{
	struct image image = image_of(MEDIA_OCI_CONFIG, CONFIG_OF("amd64", LAYER_ID));
	const struct stub_step steps[] = {
		{ image.get, "", 200, "Content-Type: " MEDIA_OCI_MANIFEST, image.manifest.data },
		{ image.config, "", 200, NULL, CONFIG_OF("amd64", LAYER_ID) },
		{ image.layer, "", 200, "Content-Length: 7", NULL },
	};
	struct publish_outcome outcome = take(&image.order, steps, COUNT(steps));

	ck_assert_msg(outcome.is_ok, "%s", outcome.reason);
	buf_clear(&image.manifest);
}
END_TEST

START_TEST(an_image_for_another_platform_is_refused)
{
	struct image image = image_of(MEDIA_OCI_CONFIG, CONFIG_OF("arm64", LAYER_ID));
	const struct stub_step steps[] = {
		{ image.get, "", 200, NULL, image.manifest.data },
		{ image.config, "", 200, NULL, CONFIG_OF("arm64", LAYER_ID) },
	};
	struct publish_outcome outcome = take(&image.order, steps, COUNT(steps));

	refused(&outcome, false, "is an image for linux/arm64, but the job was to build linux/amd64");
	buf_clear(&image.manifest);
}
END_TEST

START_TEST(what_is_no_image_or_not_as_reported_is_refused)
{
	struct image image = image_of("application/vnd.oci.empty.v1+json", "{}");
	struct image sized = image_of(MEDIA_OCI_CONFIG, CONFIG_OF("amd64", LAYER_ID));
	struct image typed = image_of(MEDIA_OCI_CONFIG, CONFIG_OF("amd64", LAYER_ID));
	struct image layers = image_of(MEDIA_OCI_CONFIG, CONFIG_OF("amd64", ""));
	const struct stub_step artifact[] = { { image.get, "", 200, NULL, image.manifest.data } };
	const struct stub_step same[] = { { sized.get, "", 200, NULL, sized.manifest.data } };
	const struct stub_step other[] = { { layers.get, "", 200, NULL, layers.manifest.data },
					   { layers.config, "", 200, NULL, CONFIG_OF("amd64", "") } };
	struct publish_outcome outcome = take(&image.order, artifact, COUNT(artifact));

	refused(&outcome, false, "no image");
	sized.order.parts[0].size_bytes++;
	outcome = take(&sized.order, same, COUNT(same));
	refused(&outcome, false, "its job said");
	snprintf(typed.order.parts[0].media_type, sizeof(typed.order.parts[0].media_type), MEDIA_DOCKER_MANIFEST);
	outcome = take(&typed.order, same, COUNT(same));
	refused(&outcome, false, "its job said " MEDIA_DOCKER_MANIFEST);
	outcome = take(&layers.order, other, COUNT(other));
	refused(&outcome, false, "has 1 layers, its config 0");
	buf_clear(&image.manifest);
	buf_clear(&sized.manifest);
	buf_clear(&typed.manifest);
	buf_clear(&layers.manifest);
}
END_TEST

START_TEST(an_index_in_place_of_an_image_is_refused)
{
	static const char text[] = "{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_INDEX "\",\"manifests\":[]}";
	struct descriptor described = describe(MEDIA_OCI_INDEX, text);
	struct publish_order order = { .kind = STEP_VERIFY };
	const struct stub_step steps[] = { { "GET /v2/team/app/manifests/sha256:", "", 200, NULL, text } };
	struct publish_outcome outcome;

	set_part(&order, 0, "linux/amd64", &described);
	outcome = take(&order, steps, COUNT(steps));
	refused(&outcome, false, "index of several images");
}
END_TEST

START_TEST(a_missing_layer_may_yet_be_seen_a_wrong_one_not)
{
	struct image image = image_of(MEDIA_OCI_CONFIG, CONFIG_OF("amd64", LAYER_ID));
	struct stub_step steps[] = {
		{ image.get, "", 200, NULL, image.manifest.data },
		{ image.config, "", 200, NULL, CONFIG_OF("amd64", LAYER_ID) },
		{ image.layer, "", 404, NULL, NULL },
	};
	const struct stub_step gone[] = { { image.get, "", 404, NULL, NULL } };
	const struct stub_step busy[] = { { image.get, "", 503, NULL, NULL } };
	const struct stub_step denied[] = { { image.get, "", 403, NULL, NULL } };
	struct publish_outcome outcome = take(&image.order, steps, COUNT(steps));

	refused(&outcome, true, "is not in the registry");
	steps[2].status = 200;
	steps[2].headers = "Content-Length: 8";
	outcome = take(&image.order, steps, COUNT(steps));
	refused(&outcome, false, "has 8 bytes, the manifest says 7");
	outcome = take(&image.order, gone, 1);
	refused(&outcome, true, "status 404");
	outcome = take(&image.order, busy, 1);
	refused(&outcome, true, "status 503");
	outcome = take(&image.order, denied, 1);
	refused(&outcome, false, "status 403");
	buf_clear(&image.manifest);
}
END_TEST

/* An order of two parts, given in the wrong order, and the index it must become. */
static struct publish_order two_parts(enum publish_step_kind kind, char digest[DIGEST_TEXT_MAX], struct buf *index)
{
	struct publish_order order = { .publish = 1, .n = 3, .kind = kind, .tag = "v1" };
	struct descriptor base = describe(MEDIA_OCI_MANIFEST, "base");
	struct descriptor v3 = describe(MEDIA_OCI_MANIFEST, "v3");
	struct index_entry entries[2] = { { .descriptor = base, .has_platform = true },
					  { .descriptor = v3, .has_platform = true } };
	struct error err;

	set_part(&order, 0, "linux/amd64/v3", &v3);
	set_part(&order, 1, "linux/amd64", &base);
	entries[0].platform = order.parts[1].platform;
	entries[1].platform = order.parts[0].platform;
	ck_assert_int_eq(index_build(entries, 2, index, &err), 0);
	digest_of_bytes(index->data, index->len, digest);
	return order;
}

START_TEST(the_index_is_put_by_digest_and_the_tag_gets_the_same_bytes)
{
	static const enum publish_step_kind kinds[] = { STEP_INDEX, STEP_TAG };

	for (size_t i = 0; i < COUNT(kinds); i++) {
		struct buf index = { 0 };
		struct buf sent = { 0 };
		char digest[DIGEST_TEXT_MAX], request[160];
		struct publish_order order = two_parts(kinds[i], digest, &index);
		const struct stub_step steps[] = { { request, "", 201, NULL, NULL } };
		struct publish_outcome outcome;

		snprintf(request, sizeof(request), "PUT /v2/team/app/manifests/%s", kinds[i] == STEP_TAG ? "v1" : digest);
		if (kinds[i] == STEP_TAG)
			snprintf(order.expected_digest, sizeof(order.expected_digest), "%s", digest);
		outcome = take_into(&order, steps, 1, &sent);
		ck_assert_msg(outcome.is_ok, "%s", outcome.reason);
		ck_assert_str_eq(outcome.digest, digest);
		ck_assert_str_eq(sent.data, index.data);
		buf_clear(&index);
		buf_clear(&sent);
	}
}
END_TEST

START_TEST(a_tag_is_not_moved_to_another_index)
{
	struct buf index = { 0 };
	char digest[DIGEST_TEXT_MAX];
	struct publish_order order = two_parts(STEP_TAG, digest, &index);
	struct publish_outcome outcome;

	snprintf(order.expected_digest, sizeof(order.expected_digest), "%s", order.parts[0].digest);
	outcome = take(&order, NULL, 0); /* nothing is sent */
	refused(&outcome, false, "was put before");
	buf_clear(&index);
}
END_TEST

START_TEST(one_platform_twice_is_no_index)
{
	struct buf index = { 0 };
	char digest[DIGEST_TEXT_MAX];
	struct publish_order order = two_parts(STEP_INDEX, digest, &index);
	struct publish_outcome outcome;

	order.parts[0].platform = order.parts[1].platform;
	outcome = take(&order, NULL, 0);
	refused(&outcome, false, "two images for linux/amd64");
	buf_clear(&index);
}
END_TEST

START_TEST(the_tag_is_read_back)
{
	struct descriptor index = describe(MEDIA_OCI_INDEX, "x");
	struct descriptor other = describe(MEDIA_OCI_INDEX, "y");
	struct publish_order order = { .kind = STEP_READBACK, .tag = "v1" };
	char told[128];
	struct stub_step steps[] = { { "HEAD /v2/team/app/manifests/v1", "", 200, told, NULL } };
	struct publish_outcome outcome;

	snprintf(order.expected_digest, sizeof(order.expected_digest), "%s", index.digest);
	snprintf(told, sizeof(told), "Docker-Content-Digest: %s", index.digest);
	outcome = take(&order, steps, 1);
	ck_assert_msg(outcome.is_ok, "%s", outcome.reason);
	snprintf(told, sizeof(told), "Docker-Content-Digest: %s", other.digest);
	outcome = take(&order, steps, 1);
	refused(&outcome, true, "someone else moved it");
	steps[0].status = 404;
	outcome = take(&order, steps, 1);
	refused(&outcome, true, "is not there after it was put");
}
END_TEST

START_TEST(a_repository_is_a_host_and_a_name)
{
	static const char *const wrong[] = { "", "host", "/x", "host/" };
	char host[REPOSITORY_MAX], path[REPOSITORY_MAX];
	struct error err;

	ck_assert_int_eq(publish_split_repository("h:1/team/app", host, path, &err), 0);
	ck_assert_str_eq(host, "h:1");
	ck_assert_str_eq(path, "team/app");
	for (size_t i = 0; i < COUNT(wrong); i++)
		ck_assert_int_eq(publish_split_repository(wrong[i], host, path, &err), -1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("publish");
	TCase *tc = tcase_create("steps");
	SRunner *sr;
	int failed;

	http_global_init();
	tcase_add_checked_fixture(tc, count_files, no_file_left_open);
	tcase_set_timeout(tc, 30);
	suite_add_tcase(suite, tc);
	tcase_add_test(tc, an_image_that_is_all_there_is_verified);
	tcase_add_test(tc, an_image_for_another_platform_is_refused);
	tcase_add_test(tc, what_is_no_image_or_not_as_reported_is_refused);
	tcase_add_test(tc, an_index_in_place_of_an_image_is_refused);
	tcase_add_test(tc, a_missing_layer_may_yet_be_seen_a_wrong_one_not);
	tcase_add_test(tc, the_index_is_put_by_digest_and_the_tag_gets_the_same_bytes);
	tcase_add_test(tc, a_tag_is_not_moved_to_another_index);
	tcase_add_test(tc, one_platform_twice_is_no_index);
	tcase_add_test(tc, the_tag_is_read_back);
	tcase_add_test(tc, a_repository_is_a_host_and_a_name);
	sr = srunner_create(suite);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? 1 : 0;
}
