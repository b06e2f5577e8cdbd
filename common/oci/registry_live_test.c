/* SPDX-License-Identifier: Apache-2.0 */
/* The client against Debian's docker-registry, started here on a port the kernel picks: open, and by password. */
#include <check.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/http/http.h"
#include "common/oci/index.h"
#include "common/oci/manifest.h"
#include "common/oci/registry.h"
#include "common/test_fds.h"

/* htpasswd -Bbn -C 4 me secret */
#define HTPASSWD "me:$2y$04$FcJ39PnPYD4oyeFaTdqdP.H2F4Xif2kNc.tT5U3jOqge/0iFrSm16\n"
#define CONFIG_TEXT "{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}"

static char dir[64];
static char host[64];
static pid_t server;
static FILE *server_log;

static void write_file(const char *name, const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

/* The registry says where it listens in its log, which stays open: its next line would end it otherwise. */
static void await_port(int fd)
{
	char line[2048];
	const char *at = NULL;

	server_log = fdopen(fd, "r");
	while (!at && fgets(line, sizeof(line), server_log))
		at = strstr(line, "listening on 127.0.0.1:");
	ck_assert_msg(at != NULL, "docker-registry did not start: %s", line);
	snprintf(host, sizeof(host), "127.0.0.1:%d", (int)strtol(strrchr(at, ':') + 1, NULL, 10));
}

static void start(bool has_password)
{
	char config[1024], path[128];
	int log[2];

	snprintf(dir, sizeof(dir), "/tmp/registry_live_test.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	write_file("htpasswd", HTPASSWD);
	snprintf(config, sizeof(config),
		 "version: 0.1\nlog: {level: info, accesslog: {disabled: true}}\nstorage: {filesystem: {rootdirectory: %s/data}}\n"
		 "http: {addr: \"127.0.0.1:0\"}\n%s%s%s",
		 dir, has_password ? "auth: {htpasswd: {realm: here, path: " : "", has_password ? dir : "",
		 has_password ? "/htpasswd}}\n" : "");
	write_file("config.yml", config);
	snprintf(path, sizeof(path), "%s/config.yml", dir);
	ck_assert_int_eq(pipe(log), 0);
	server = fork();
	if (server == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* a failed test runs no teardown */
		dup2(log[1], 2);
		dup2(log[1], 1);
		close(log[0]);
		close(log[1]);
		execlp("docker-registry", "docker-registry", "serve", path, (char *)NULL);
		_exit(127);
	}
	close(log[1]);
	await_port(log[0]);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void stop(void)
{
	if (server > 0) {
		kill(server, SIGKILL);
		waitpid(server, NULL, 0);
	}
	server = 0;
	fclose(server_log);
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	no_file_left_open();
}

static void start_open(void)
{
	count_files();
	start(false);
}

static void start_closed(void)
{
	count_files();
	start(true);
}

static struct registry *open_it(const char *username, const char *password)
{
	struct registry_options options = { .host = host, .username = username, .password = password, .wait_ms = 1 };
	struct registry *registry = NULL;
	struct error err;

	ck_assert_int_eq(registry_open(&options, &registry, &err), 0);
	return registry;
}

static struct descriptor describe(const char *media_type, const char *text)
{
	struct descriptor made = { .size_bytes = (int64_t)strlen(text) };

	snprintf(made.media_type, sizeof(made.media_type), "%s", media_type);
	digest_of_bytes(text, strlen(text), made.digest);
	return made;
}

static struct descriptor put_text(struct registry *registry, const char *path, const char *type, const char *text)
{
	struct descriptor blob = describe(type, text);
	struct error err = { 0 };

	ck_assert_msg(registry_put_blob_bytes(registry, path, &blob, text, &err) == 0, "%s", err.msg);
	return blob;
}

/* An image whose one layer is `layer`. */
static struct registry_manifest put_image(struct registry *registry, const char *path, const char *layer)
{
	struct descriptor blob = put_text(registry, path, MEDIA_OCI_LAYER, layer);
	struct manifest manifest = { .config = put_text(registry, path, MEDIA_OCI_CONFIG, CONFIG_TEXT), .layers = &blob,
				     .layer_count = 1 };
	struct registry_manifest made = { .descriptor.media_type = MEDIA_OCI_MANIFEST };
	char digest[DIGEST_TEXT_MAX];
	struct error err = { 0 };

	manifest_build(&manifest, &made.body);
	digest_of_bytes(made.body.data, made.body.len, digest);
	ck_assert_msg(registry_put_manifest(registry, path, digest, &made, &err) == 0, "%s", err.msg);
	return made;
}

static int put_index(struct registry *registry, const char *path, const struct descriptor *child,
		     char ret_digest[DIGEST_TEXT_MAX], struct error *err)
{
	struct index_entry entry = { .descriptor = *child, .has_platform = true };
	struct registry_manifest index = { .descriptor.media_type = MEDIA_OCI_INDEX };
	int rc;

	ck_assert_int_eq(platform_parse("linux/amd64", &entry.platform, err), 0);
	ck_assert_int_eq(index_build(&entry, 1, &index.body, err), 0);
	digest_of_bytes(index.body.data, index.body.len, ret_digest);
	rc = registry_put_manifest(registry, path, ret_digest, &index, err);
	if (rc == 0)
		rc = registry_put_manifest(registry, path, "latest", &index, err);
	registry_manifest_clear(&index);
	return rc;
}

START_TEST(blobs_go_in_come_out_and_are_mounted)
{
	struct registry *registry = open_it(NULL, NULL);
	struct descriptor blob = describe(MEDIA_OCI_LAYER, "a layer");
	struct buf text = { 0 };
	struct error err = { 0 };
	int64_t size = 0;

	ck_assert_int_eq(registry_head_blob(registry, "team/app", blob.digest, NULL, &err), 1);
	put_text(registry, "team/app", MEDIA_OCI_LAYER, "a layer");
	ck_assert_int_eq(registry_head_blob(registry, "team/app", blob.digest, &size, &err), 0);
	ck_assert_int_eq(size, blob.size_bytes);
	ck_assert_int_eq(registry_get_blob(registry, "team/app", &blob, &text, &err), 0);
	ck_assert_str_eq(text.data, "a layer");
	ck_assert_int_eq(registry_head_blob(registry, "other", blob.digest, NULL, &err), 1);
	ck_assert_int_eq(registry_mount_blob(registry, "other", "team/app", blob.digest, &err), 0);
	ck_assert_int_eq(registry_head_blob(registry, "other", blob.digest, NULL, &err), 0);
	ck_assert_int_eq(registry_mount_blob(registry, "third", "nowhere", blob.digest, &err), 1);
	buf_clear(&text);
	registry_close(registry);
}
END_TEST

START_TEST(a_large_file_goes_in)
{
	char path[] = "/tmp/registry_live_file.XXXXXX";
	int fd = mkstemp(path);
	struct registry *registry = open_it(NULL, NULL);
	struct descriptor blob = { .media_type = MEDIA_OCI_LAYER };
	struct error err = { 0 };
	int64_t size;

	unlink(path);
	ck_assert_int_eq(ftruncate(fd, 20 * 1024 * 1024 + 7), 0);
	ck_assert_int_eq(digest_of_fd(fd, blob.digest, &blob.size_bytes, &err), 0);
	ck_assert_msg(registry_put_blob_fd(registry, "big", &blob, fd, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(registry_head_blob(registry, "big", blob.digest, &size, &err), 0);
	ck_assert_int_eq(size, blob.size_bytes);
	close(fd);
	registry_close(registry);
}
END_TEST

START_TEST(wrong_bytes_are_refused_by_the_registry)
{
	struct registry *registry = open_it(NULL, NULL);
	struct descriptor blob = describe(MEDIA_OCI_LAYER, "promised");
	struct error err;

	ck_assert_int_eq(registry_put_blob_bytes(registry, "a", &blob, "received", &err), -1);
	ck_assert_int_eq(err.code, ERR_INVALID);
	ck_assert_ptr_nonnull(strstr(err.msg, "DIGEST_INVALID"));
	registry_close(registry);
}
END_TEST

START_TEST(an_index_is_put_tagged_and_read_back)
{
	struct registry *registry = open_it(NULL, NULL);
	struct registry_manifest image = put_image(registry, "team/app", "layer");
	struct registry_manifest got = { 0 };
	char index[DIGEST_TEXT_MAX], tagged[DIGEST_TEXT_MAX];
	struct error err = { 0 };

	ck_assert_int_eq(registry_head_manifest(registry, "team/app", "latest", tagged, &err), 1);
	ck_assert_msg(put_index(registry, "team/app", &image.descriptor, index, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(registry_head_manifest(registry, "team/app", "latest", tagged, &err), 0);
	ck_assert_str_eq(tagged, index);
	ck_assert_int_eq(registry_get_manifest(registry, "team/app", "latest", &got, &err), 0);
	ck_assert_str_eq(got.descriptor.media_type, MEDIA_OCI_INDEX);
	ck_assert_str_eq(got.descriptor.digest, index);
	registry_manifest_clear(&got);
	ck_assert_int_eq(registry_get_manifest(registry, "team/app", image.descriptor.digest, &got, &err), 0);
	ck_assert_str_eq(got.body.data, image.body.data);
	registry_manifest_clear(&got);
	registry_manifest_clear(&image);
	registry_close(registry);
}
END_TEST

START_TEST(a_child_of_another_repository_is_unknown)
{
	struct registry *registry = open_it(NULL, NULL);
	struct registry_manifest image = put_image(registry, "team/app", "layer");
	char index[DIGEST_TEXT_MAX];
	struct error err;

	ck_assert_int_eq(put_index(registry, "other", &image.descriptor, index, &err), -1);
	ck_assert_int_eq(err.code, ERR_INVALID);
	ck_assert_ptr_nonnull(strstr(err.msg, "MANIFEST_BLOB_UNKNOWN"));
	registry_manifest_clear(&image);
	registry_close(registry);
}
END_TEST

START_TEST(a_password_opens_the_registry)
{
	struct registry *registry = open_it("me", "secret");
	struct registry_manifest image = put_image(registry, "team/app", "layer");
	char index[DIGEST_TEXT_MAX];
	struct error err = { 0 };

	ck_assert_msg(put_index(registry, "team/app", &image.descriptor, index, &err) == 0, "%s", err.msg);
	registry_manifest_clear(&image);
	registry_close(registry);
}
END_TEST

START_TEST(no_or_a_wrong_password_does_not)
{
	struct registry *nobody = open_it(NULL, NULL);
	struct registry *wrong = open_it("me", "guess");
	struct descriptor blob = describe(MEDIA_OCI_LAYER, "x");
	struct error err;

	ck_assert_int_eq(registry_put_blob_bytes(nobody, "a", &blob, "x", &err), -1);
	ck_assert_int_eq(err.code, ERR_DENIED);
	ck_assert_int_eq(registry_put_blob_bytes(wrong, "a", &blob, "x", &err), -1);
	ck_assert_int_eq(err.code, ERR_DENIED);
	ck_assert_ptr_null(strstr(err.msg, "guess"));
	registry_close(nobody);
	registry_close(wrong);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("registry live");
	TCase *open = tcase_create("open");
	TCase *closed = tcase_create("by password");
	SRunner *sr;
	int failed;

	http_global_init();
	tcase_add_checked_fixture(open, start_open, stop);
	tcase_add_checked_fixture(closed, start_closed, stop);
	tcase_set_timeout(open, 60);
	tcase_set_timeout(closed, 60);
	suite_add_tcase(suite, open);
	suite_add_tcase(suite, closed);
	tcase_add_test(open, blobs_go_in_come_out_and_are_mounted);
	tcase_add_test(open, a_large_file_goes_in);
	tcase_add_test(open, wrong_bytes_are_refused_by_the_registry);
	tcase_add_test(open, an_index_is_put_tagged_and_read_back);
	tcase_add_test(open, a_child_of_another_repository_is_unknown);
	tcase_add_test(closed, a_password_opens_the_registry);
	tcase_add_test(closed, no_or_a_wrong_password_does_not);
	sr = srunner_create(suite);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? 1 : 0;
}
