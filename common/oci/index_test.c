/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/oci/index.h"

#define D1 "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define D2 "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static struct index_entry entry(const char *platform, const char *digest, int64_t size)
{
	struct index_entry made = { .has_platform = true };
	struct error err;

	ck_assert_int_eq(platform_parse(platform, &made.platform, &err), 0);
	snprintf(made.descriptor.media_type, sizeof(made.descriptor.media_type), MEDIA_OCI_MANIFEST);
	snprintf(made.descriptor.digest, sizeof(made.descriptor.digest), "%s", digest);
	made.descriptor.size_bytes = size;
	return made;
}

/* Go's json.MarshalIndent(index, "", "  ") of the same values. */
static const char expected[] = "{\n"
			       "  \"schemaVersion\": 2,\n"
			       "  \"mediaType\": \"application/vnd.oci.image.index.v1+json\",\n"
			       "  \"manifests\": [\n"
			       "    {\n"
			       "      \"mediaType\": \"application/vnd.oci.image.manifest.v1+json\",\n"
			       "      \"digest\": \"" D1 "\",\n"
			       "      \"size\": 1234,\n"
			       "      \"platform\": {\n"
			       "        \"architecture\": \"amd64\",\n"
			       "        \"os\": \"linux\"\n"
			       "      }\n"
			       "    },\n"
			       "    {\n"
			       "      \"mediaType\": \"application/vnd.oci.image.manifest.v1+json\",\n"
			       "      \"digest\": \"" D2 "\",\n"
			       "      \"size\": 5,\n"
			       "      \"platform\": {\n"
			       "        \"architecture\": \"amd64\",\n"
			       "        \"os\": \"linux\",\n"
			       "        \"variant\": \"v3\"\n"
			       "      }\n"
			       "    }\n"
			       "  ]\n"
			       "}";

START_TEST(the_same_images_are_the_same_bytes_in_any_order)
{
	struct index_entry base = entry("linux/amd64", D1, 1234);
	struct index_entry v3 = entry("linux/amd64/v3", D2, 5);
	struct index_entry one[] = { base, v3 };
	struct index_entry other[] = { v3, base };
	struct buf out = { 0 };
	struct error err;

	ck_assert_int_eq(index_build(one, 2, &out, &err), 0);
	ck_assert_str_eq(out.data, expected);
	buf_clear(&out);
	ck_assert_int_eq(index_build(other, 2, &out, &err), 0);
	ck_assert_str_eq(out.data, expected);
	buf_clear(&out);
}
END_TEST

START_TEST(what_was_built_is_parsed)
{
	struct index_entry *entries;
	struct error err;
	size_t count;

	ck_assert_int_eq(index_parse(expected, strlen(expected), MEDIA_OCI_INDEX, &entries, &count, &err), 0);
	ck_assert_uint_eq(count, 2);
	ck_assert_str_eq(entries[1].descriptor.digest, D2);
	ck_assert_int_eq(entries[0].descriptor.size_bytes, 1234);
	ck_assert_str_eq(entries[1].platform.variant, "v3");
	ck_assert(entries[1].has_platform);
	ck_assert_str_eq(entries[1].reference_type, "");
	mem_free(entries);
}
END_TEST

START_TEST(attestations_are_told_from_images)
{
	static const char text[] = "{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_DOCKER_LIST "\",\"manifests\":["
				   "{\"mediaType\":\"m\",\"digest\":\"" D1 "\",\"size\":1,\"platform\":{\"os\":\"linux\","
				   "\"architecture\":\"arm64\",\"variant\":\"v8\"}},"
				   "{\"mediaType\":\"m\",\"digest\":\"" D2 "\",\"size\":1,\"annotations\":{"
				   "\"vnd.docker.reference.type\":\"attestation-manifest\"},\"platform\":{\"os\":\"unknown\","
				   "\"architecture\":\"unknown\"}}]}";
	struct index_entry *entries;
	struct error err = { 0 };
	size_t count;

	ck_assert_msg(index_parse(text, strlen(text), NULL, &entries, &count, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(count, 2);
	ck_assert_str_eq(entries[0].platform.variant, "");
	ck_assert(!entries[1].has_platform);
	ck_assert_str_eq(entries[1].reference_type, "attestation-manifest");
	mem_free(entries);
}
END_TEST

START_TEST(two_images_for_one_platform_are_refused)
{
	struct index_entry twice[] = { entry("linux/amd64", D1, 1), entry("linux/x86_64", D2, 2) };
	struct index_entry none[] = { { .has_platform = false } };
	struct buf out = { 0 };
	struct error err;

	ck_assert_int_eq(index_build(twice, 2, &out, &err), -1);
	ck_assert_int_eq(err.code, ERR_INVALID);
	ck_assert_ptr_nonnull(strstr(err.msg, "linux/amd64"));
	ck_assert_int_eq(index_build(none, 1, &out, &err), -1);
	ck_assert_int_eq(index_build(NULL, 0, &out, &err), -1);
	ck_assert_uint_eq(out.len, 0);
}
END_TEST

START_TEST(what_is_no_index_is_refused)
{
	static const char *const texts[] = {
		"", "[]", "{\"mediaType\":\"" MEDIA_OCI_MANIFEST "\"}", "{\"mediaType\":\"" MEDIA_OCI_INDEX "\"}",
		"{\"mediaType\":\"" MEDIA_OCI_INDEX "\",\"manifests\":[1]}",
		"{\"mediaType\":\"" MEDIA_OCI_INDEX "\",\"manifests\":[{\"mediaType\":\"m\",\"digest\":\"" D1
		"\",\"size\":1,\"platform\":{\"os\":\"linux\"}}]}",
	};

	for (size_t i = 0; i < COUNT(texts); i++) {
		struct index_entry *entries;
		struct error err;
		size_t count;

		ck_assert_int_eq(index_parse(texts[i], strlen(texts[i]), NULL, &entries, &count, &err), -1);
		ck_assert_int_eq(err.code, ERR_INVALID);
	}
}
END_TEST

START_TEST(strings_are_escaped_as_go_does)
{
	struct buf out = { 0 };

	go_json_text(&out, "a<b>&\"\\\n\t\x01\xe2\x80\xa8\xc3\xa9");
	ck_assert_str_eq(out.data, "\"a\\u003cb\\u003e\\u0026\\\"\\\\\\n\\t\\u0001\\u2028\xc3\xa9\"");
	buf_clear(&out);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("index");
	TCase *tc = tcase_create("index");
	SRunner *sr;
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_test(tc, the_same_images_are_the_same_bytes_in_any_order);
	tcase_add_test(tc, what_was_built_is_parsed);
	tcase_add_test(tc, attestations_are_told_from_images);
	tcase_add_test(tc, two_images_for_one_platform_are_refused);
	tcase_add_test(tc, what_is_no_index_is_refused);
	tcase_add_test(tc, strings_are_escaped_as_go_does);
	sr = srunner_create(suite);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? 1 : 0;
}
