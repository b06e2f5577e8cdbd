/* SPDX-License-Identifier: Apache-2.0 */
/* Layouts made by hand in a directory of the test's own. */
#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fault.h"
#include "common/oci/descriptor.h"
#include "common/oci/layout.h"
#include "common/test_fds.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define CONFIG_TYPE MEDIA_OCI_CONFIG
#define MAX (1024 * 1024)

static char dir[64];
static struct buf entries; /* of index.json */

static void at(char path[256], const char *name)
{
	snprintf(path, 256, "%s/%s", dir, name);
}

static void write_file(const char *name, const char *text)
{
	char path[256];
	FILE *file;

	at(path, name);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

static struct descriptor put(const char *media_type, const char *text)
{
	struct descriptor blob = { .size_bytes = (int64_t)strlen(text) };
	char name[128];

	snprintf(blob.media_type, sizeof(blob.media_type), "%s", media_type);
	digest_of_bytes(text, strlen(text), blob.digest);
	snprintf(name, sizeof(name), "blobs/sha256/%s", blob.digest + strlen("sha256:"));
	write_file(name, text);
	return blob;
}

static bool is_there(const struct descriptor *blob)
{
	char name[128], path[256];

	snprintf(name, sizeof(name), "blobs/sha256/%s", blob->digest + strlen("sha256:"));
	at(path, name);
	return access(path, F_OK) == 0;
}

static void write_index(void)
{
	struct buf text = { 0 };

	buf_printf(&text, "{\"schemaVersion\":2,\"kept\":\"yes\",\"manifests\":[%s]}", buf_text(&entries));
	write_file("index.json", text.data);
	buf_clear(&text);
}

/* An image of this config and layer, tagged, as buildah would leave it. Returns its manifest. */
static struct descriptor put_image(const char *tag, const char *config_text, const struct descriptor *layer)
{
	struct descriptor config = put(CONFIG_TYPE, config_text);
	struct buf text = { 0 };
	struct descriptor manifest;

	buf_printf(&text,
		   "{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_MANIFEST "\",\"config\":{\"mediaType\":\"%s\",\"digest\":"
		   "\"%s\",\"size\":%lld},\"layers\":[{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%lld}]}",
		   config.media_type, config.digest, (long long)config.size_bytes, layer->media_type, layer->digest,
		   (long long)layer->size_bytes);
	manifest = put(MEDIA_OCI_MANIFEST, text.data);
	buf_clear(&text);
	buf_printf(&entries,
		   "%s{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%lld,\"annotations\":"
		   "{\"org.opencontainers.image.ref.name\":\"%s\"}}",
		   entries.len ? "," : "", manifest.media_type, manifest.digest, (long long)manifest.size_bytes, tag);
	write_index();
	return manifest;
}

static struct layout *open_it(void)
{
	struct layout *layout = NULL;
	struct error err = { 0 };

	ck_assert_msg(layout_open(dir, 0, &layout, &err) == 0, "%s", err.msg);
	return layout;
}

static void setup(void)
{
	char path[256];

	snprintf(dir, sizeof(dir), "/tmp/layout_test.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	at(path, "blobs");
	ck_assert_int_eq(mkdir(path, 0700), 0);
	at(path, "blobs/sha256");
	ck_assert_int_eq(mkdir(path, 0700), 0);
	count_files();
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void teardown(void)
{
	no_file_left_open();
	buf_clear(&entries);
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

START_TEST(an_image_is_found_by_its_tag_and_read)
{
	struct descriptor layer = put(MEDIA_OCI_LAYER, "layer");
	struct descriptor wanted, found;
	struct layout *layout;
	struct buf text = { 0 };
	struct error err;
	int fd;

	put_image("a1", "config one", &layer);
	wanted = put_image("a2", "config two", &layer);
	layout = open_it();
	ck_assert_int_eq(layout_find(layout, "a2", &found, &err), 0);
	ck_assert_str_eq(found.digest, wanted.digest);
	ck_assert_int_eq(layout_read_blob(layout, &found, MAX, &text, &err), 0);
	ck_assert_int_eq((int64_t)text.len, wanted.size_bytes);
	ck_assert_int_eq(layout_open_blob(layout, &layer, &fd, &err), 0);
	close(fd);
	ck_assert_int_eq(layout_find(layout, "a3", &found, &err), -1);
	ck_assert_int_eq(err.code, ERR_NOT_FOUND);
	ck_assert_ptr_nonnull(strstr(err.msg, "a3"));
	buf_clear(&text);
	layout_close(layout);
}
END_TEST

START_TEST(a_fresh_directory_is_made_and_empty)
{
	struct descriptor found;
	struct layout *layout = NULL;
	char path[256];
	struct error err;

	at(path, "fresh");
	ck_assert_int_eq(layout_open(path, 0, &layout, &err), 0);
	ck_assert_int_eq(layout_find(layout, "t", &found, &err), -1);
	ck_assert_int_eq(err.code, ERR_NOT_FOUND);
	ck_assert_int_eq(layout_forget(layout, "t", NULL, 0, &err), 0);
	layout_close(layout);
	at(path, "no/parent");
	ck_assert_int_eq(layout_open(path, 0, &layout, &err), -1);
	ck_assert_int_eq(err.code, ERR_IO);
}
END_TEST

START_TEST(one_at_a_time_holds_it)
{
	struct layout *first = open_it();
	struct layout *second = NULL;
	struct error err;

	ck_assert_int_eq(layout_open(dir, 0, &second, &err), 1);
	ck_assert_int_eq(layout_open(dir, 60, &second, &err), 1);
	layout_close(first);
	ck_assert_int_eq(layout_open(dir, -1, &second, &err), 0);
	layout_close(second);
}
END_TEST

START_TEST(links_pipes_and_wrong_sizes_are_no_blobs)
{
	struct descriptor blob = put(MEDIA_OCI_LAYER, "layer");
	struct layout *layout = open_it();
	struct descriptor wrong = blob;
	char name[128], path[256];
	struct buf text = { 0 };
	struct error err;
	int fd;

	wrong.size_bytes = 4;
	ck_assert_int_eq(layout_open_blob(layout, &wrong, &fd, &err), -1);
	ck_assert_int_eq(err.code, ERR_INVALID);
	ck_assert_int_eq(layout_read_blob(layout, &blob, 4, &text, &err), -1);
	snprintf(name, sizeof(name), "blobs/sha256/%s", blob.digest + strlen("sha256:"));
	write_file(name, "LAYER");
	ck_assert_int_eq(layout_read_blob(layout, &blob, MAX, &text, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "have the digest"));
	at(path, name);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(symlink("/etc/passwd", path), 0);
	ck_assert_int_eq(layout_open_blob(layout, &blob, &fd, &err), -1);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(layout_open_blob(layout, &blob, &fd, &err), -1);
	ck_assert_int_eq(err.code, ERR_INVALID);
	snprintf(wrong.digest, sizeof(wrong.digest), "sha256:../../index.json");
	ck_assert_int_eq(layout_open_blob(layout, &wrong, &fd, &err), -1);
	ck_assert_ptr_null(text.data);
	layout_close(layout);
}
END_TEST

START_TEST(forgetting_removes_what_no_other_tag_needs)
{
	struct descriptor shared = put(MEDIA_OCI_LAYER, "shared");
	struct descriptor own = put(MEDIA_OCI_LAYER, "own");
	struct descriptor warm = put(MEDIA_OCI_LAYER, "warm");
	struct descriptor stays = put_image("stays", "config 1", &shared);
	struct descriptor goes = put_image("goes", "config 2", &own);
	struct descriptor too = put_image("goes", "config 3", &shared);
	const char *const keep[] = { warm.digest };
	struct layout *layout = open_it();
	struct descriptor found;
	struct error err = { 0 };

	ck_assert_msg(layout_forget(layout, "goes", keep, 1, &err) == 0, "%s", err.msg);
	ck_assert(is_there(&shared));
	ck_assert(is_there(&warm));
	ck_assert(is_there(&stays));
	ck_assert(!is_there(&own));
	ck_assert(!is_there(&goes));
	ck_assert(!is_there(&too));
	ck_assert_int_eq(layout_find(layout, "goes", &found, &err), -1);
	ck_assert_int_eq(layout_find(layout, "stays", &found, &err), 0);
	ck_assert_int_eq(layout_forget(layout, "stays", NULL, 0, &err), 0);
	ck_assert(!is_there(&shared));
	ck_assert(!is_there(&warm));
	layout_close(layout);
}
END_TEST

START_TEST(forgetting_removes_what_no_tag_can_name)
{
	struct descriptor layer = put(MEDIA_OCI_LAYER, "layer");
	struct descriptor one = put_image("one", "config 1", &layer);
	struct descriptor old = put(MEDIA_OCI_MANIFEST, "{}");
	struct layout *layout = open_it();
	char path[256];
	struct error err = { 0 };

	buf_printf(&entries, ",{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":2}", old.media_type, old.digest);
	write_index();
	write_file("oci-put-blob1234", "half a lay");
	ck_assert_msg(layout_forget(layout, "gone", NULL, 0, &err) == 0, "%s", err.msg);
	ck_assert(!is_there(&old));
	ck_assert(is_there(&one));
	at(path, "oci-put-blob1234");
	ck_assert_int_ne(access(path, F_OK), 0);
	ck_assert_int_eq(layout_forget(layout, NULL, NULL, 0, &err), 0);
	ck_assert(!is_there(&one));
	ck_assert(!is_there(&layer));
	layout_close(layout);
}
END_TEST

START_TEST(nothing_is_removed_when_another_image_cannot_be_read)
{
	struct descriptor layer = put(MEDIA_OCI_LAYER, "layer");
	struct descriptor own = put(MEDIA_OCI_LAYER, "own");
	struct descriptor broken = put_image("broken", "config 1", &layer);
	struct layout *layout;
	char name[128];
	struct error err;

	put_image("goes", "config 2", &own);
	snprintf(name, sizeof(name), "blobs/sha256/%s", broken.digest + strlen("sha256:"));
	write_file(name, "x");
	layout = open_it();
	ck_assert_int_eq(layout_forget(layout, "goes", NULL, 0, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "nothing was removed"));
	ck_assert(is_there(&own));
	ck_assert(is_there(&layer));
	layout_close(layout);
}
END_TEST

START_TEST(a_broken_index_is_an_error)
{
	static const char *const texts[] = { "", "[]", "{}", "{\"manifests\":{}}" };
	struct layout *layout = open_it();

	for (size_t i = 0; i < COUNT(texts); i++) {
		struct descriptor found;
		struct error err;

		write_file("index.json", texts[i]);
		ck_assert_int_eq(layout_find(layout, "t", &found, &err), -1);
		ck_assert_int_eq(err.code, ERR_INVALID);
		ck_assert_int_eq(layout_forget(layout, "t", NULL, 0, &err), -1);
	}
	layout_close(layout);
}
END_TEST

static int use(struct error *err)
{
	CLEANUP(layout_closep) struct layout *layout = NULL;
	struct descriptor found;
	struct buf text = { 0 };
	int rc;

	if (layout_open(dir, 0, &layout, err) != 0 || layout_find(layout, "t", &found, err) < 0)
		return -1;
	rc = layout_read_blob(layout, &found, MAX, &text, err);
	buf_clear(&text);
	return rc < 0 ? -1 : layout_forget(layout, "t", NULL, 0, err);
}

START_TEST(every_failure_is_told_and_leaks_nothing)
{
	struct descriptor layer = put(MEDIA_OCI_LAYER, "layer");
	int nth;

	put_image("u", "config u", &layer);
	for (nth = 1;; nth++) {
		struct error err;
		int rc;

		buf_clear(&entries);
		put_image("u", "config u", &layer);
		put_image("t", "config t", &layer);
		fault_arm(nth);
		rc = use(&err);
		if (!fault_fired())
			break;
		ck_assert_int_eq(rc, -1);
	}
	ck_assert_int_gt(nth, 4);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("layout");
	TCase *tc = tcase_create("layout");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	suite_add_tcase(suite, tc);
	tcase_add_test(tc, an_image_is_found_by_its_tag_and_read);
	tcase_add_test(tc, a_fresh_directory_is_made_and_empty);
	tcase_add_test(tc, one_at_a_time_holds_it);
	tcase_add_test(tc, links_pipes_and_wrong_sizes_are_no_blobs);
	tcase_add_test(tc, forgetting_removes_what_no_other_tag_needs);
	tcase_add_test(tc, forgetting_removes_what_no_tag_can_name);
	tcase_add_test(tc, nothing_is_removed_when_another_image_cannot_be_read);
	tcase_add_test(tc, a_broken_index_is_an_error);
	tcase_add_test(tc, every_failure_is_told_and_leaks_nothing);
	sr = srunner_create(suite);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? 1 : 0;
}
