/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/oci/image_config.h"
#include "common/oci/manifest.h"

#define D1 "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define D2 "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define CONFIG "\"config\":{\"mediaType\":\"" MEDIA_OCI_CONFIG "\",\"digest\":\"" D1 "\",\"size\":7}"
#define LAYERS "\"layers\":[{\"mediaType\":\"" MEDIA_OCI_LAYER "\",\"digest\":\"" D2 "\",\"size\":0}]"
#define OCI "{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_MANIFEST "\"," CONFIG "," LAYERS "}"
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

START_TEST(a_manifest_built_is_the_manifest_parsed)
{
	struct manifest manifest;
	struct buf out = { 0 };
	struct error err = { 0 };

	ck_assert_msg(manifest_parse(OCI, strlen(OCI), MEDIA_OCI_MANIFEST "; charset=utf-8", &manifest, &err) == 0, "%s",
		      err.msg);
	ck_assert_str_eq(manifest.media_type, MEDIA_OCI_MANIFEST);
	ck_assert_str_eq(manifest.config.digest, D1);
	ck_assert_int_eq(manifest.config.size_bytes, 7);
	ck_assert_uint_eq(manifest.layer_count, 1);
	ck_assert_str_eq(manifest.layers[0].digest, D2);
	manifest_build(&manifest, &out);
	ck_assert_str_eq(out.data, OCI);
	buf_clear(&out);
	manifest_clear(&manifest);
}
END_TEST

START_TEST(docker_s_schema_2_is_taken_too)
{
	static const char text[] = "{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_DOCKER_MANIFEST "\"," CONFIG ",\"layers\":[]}";
	struct manifest manifest;
	struct error err;

	ck_assert_int_eq(manifest_parse(text, strlen(text), NULL, &manifest, &err), 0);
	ck_assert_uint_eq(manifest.layer_count, 0);
	manifest_clear(&manifest);
}
END_TEST

START_TEST(what_is_no_image_manifest_is_refused_by_name)
{
	static const char *const cases[][3] = {
		{ "[]", NULL, "not an object" },
		{ "{}", NULL, "schemaVersion" },
		{ "{\"schemaVersion\":1}", NULL, "too old" },
		{ "{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_INDEX "\",\"manifests\":[]}", NULL, "index" },
		{ "{\"schemaVersion\":2,\"manifests\":[]}", MEDIA_OCI_MANIFEST, "index" },
		{ "{\"schemaVersion\":2," CONFIG "," LAYERS "}", NULL, "mediaType" },
		{ OCI, MEDIA_DOCKER_MANIFEST, "was sent as" },
		{ "{\"schemaVersion\":2," CONFIG "," LAYERS "}", "application/vnd.x", "not that of an image" },
		{ "{\"schemaVersion\":2," LAYERS "}", MEDIA_OCI_MANIFEST, "config" },
		{ "{\"schemaVersion\":2," CONFIG "}", MEDIA_OCI_MANIFEST, "layers" },
		{ "{\"schemaVersion\":2," CONFIG ",\"layers\":[{}]}", MEDIA_OCI_MANIFEST, "layer 0" },
		{ "{\"schemaVersion\":2," CONFIG ",\"layers\":[{\"mediaType\":\"x\",\"digest\":\"sha256:../x\",\"size\":1}]}",
		  MEDIA_OCI_MANIFEST, "layer 0" },
		{ "{\"schemaVersion\":2," CONFIG ",\"layers\":[{\"mediaType\":\"x\",\"digest\":\"" D1 "\",\"size\":-1}]}",
		  MEDIA_OCI_MANIFEST, "negative" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct manifest manifest;
		struct error err = { 0 };

		ck_assert_msg(manifest_parse(cases[i][0], strlen(cases[i][0]), cases[i][1], &manifest, &err) == -1, "%zu", i);
		ck_assert_int_eq(err.code, ERR_INVALID);
		ck_assert_msg(strstr(err.msg, cases[i][2]) != NULL, "%s", err.msg);
	}
}
END_TEST

START_TEST(too_many_layers_are_refused)
{
	struct buf text = { 0 };
	struct manifest manifest;
	struct error err;

	buf_puts(&text, "{\"schemaVersion\":2," CONFIG ",\"layers\":[");
	for (int i = 0; i <= MANIFEST_LAYERS_MAX; i++)
		buf_printf(&text, "%s{}", i ? "," : "");
	buf_puts(&text, "]}");
	ck_assert_int_eq(manifest_parse(text.data, text.len, MEDIA_OCI_MANIFEST, &manifest, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "1025 layers"));
	buf_clear(&text);
}
END_TEST

START_TEST(a_config_says_what_it_runs_and_where)
{
	static const char text[] = "{\"os\":\"linux\",\"architecture\":\"arm64\",\"variant\":\"v8\",\"config\":{"
				   "\"Entrypoint\":[\"/bin/app\",\"-v\"],\"Cmd\":null,\"Env\":[\"PATH=/bin\"]},"
				   "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" D1 "\",\"" D2 "\"]}}";
	struct image_config config;
	struct error err = { 0 };
	char platform[PLATFORM_TEXT_MAX];

	ck_assert_msg(image_config_parse(text, strlen(text), &config, &err) == 0, "%s", err.msg);
	platform_format(&config.platform, platform);
	ck_assert_str_eq(platform, "linux/arm64");
	ck_assert_uint_eq(config.diff_id_count, 2);
	ck_assert_str_eq(config.diff_ids[1], D2);
	ck_assert_str_eq(config.entrypoint[1], "-v");
	ck_assert_ptr_null(config.entrypoint[2]);
	ck_assert_ptr_null(config.cmd[0]);
	ck_assert_str_eq(config.env[0], "PATH=/bin");
	ck_assert_str_eq(config.working_dir, "/");
	image_config_clear(&config);
}
END_TEST

START_TEST(a_config_without_platform_is_refused)
{
	static const char *const texts[] = {
		"[]", "{}", "{\"os\":\"linux\"}", "{\"os\":\"\",\"architecture\":\"amd64\"}",
		"{\"os\":\"linux\",\"architecture\":\"amd64\",\"config\":{\"Cmd\":\"sh\"}}",
		"{\"os\":\"linux\",\"architecture\":\"amd64\",\"config\":{\"Cmd\":[1]}}",
		"{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{\"diff_ids\":[\"x\"]}}",
	};

	for (size_t i = 0; i < COUNT(texts); i++) {
		struct image_config config;
		struct error err = { 0 };

		ck_assert_msg(image_config_parse(texts[i], strlen(texts[i]), &config, &err) == -1, "%zu", i);
		ck_assert_int_eq(err.code, ERR_INVALID);
		ck_assert_ptr_nonnull(strstr(err.msg, "image config"));
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("manifest");
	TCase *tc = tcase_create("manifest");
	SRunner *sr;
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_test(tc, a_manifest_built_is_the_manifest_parsed);
	tcase_add_test(tc, docker_s_schema_2_is_taken_too);
	tcase_add_test(tc, what_is_no_image_manifest_is_refused_by_name);
	tcase_add_test(tc, too_many_layers_are_refused);
	tcase_add_test(tc, a_config_says_what_it_runs_and_where);
	tcase_add_test(tc, a_config_without_platform_is_refused);
	sr = srunner_create(suite);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? 1 : 0;
}
