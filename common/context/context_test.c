/* SPDX-License-Identifier: Apache-2.0 */
#include <archive.h>
#include <archive_entry.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/context/context.h"
#include "common/test_fds.h"

static char top[64];

static int on_removed(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static void top_make(void)
{
	snprintf(top, sizeof(top), "/tmp/context-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(top));
	ck_assert_int_eq(chdir(top), 0);
	unsetenv("SOURCE_DATE_EPOCH");
}

static void top_remove(void)
{
	ck_assert_int_eq(chdir("/"), 0);
	nftw(top, on_removed, 16, FTW_DEPTH | FTW_PHYS);
}

static void put(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	ck_assert_int_eq(fchmod(fd, mode), 0);
	close(fd);
}

static void dir(const char *path)
{
	ck_assert_int_eq(mkdir(path, 0755), 0);
}

static void on_warning(const char *text, void *arg)
{
	buf_puts(arg, text);
	buf_puts(arg, "\n");
}

static struct context_summary pack(const char *from, const char *dockerfile, const char *tar)
{
	struct context_options options = { .dir = from, .dockerfile = dockerfile };
	struct context_summary summary;
	int fd = open(tar, O_RDWR | O_CREAT | O_TRUNC, 0600);
	struct stat st;
	struct error err;

	if (context_pack(&options, fd, &summary, &err) < 0)
		ck_abort_msg("%s", err.msg);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(st.st_size, summary.size_bytes);
	close(fd);
	return summary;
}

static int unpack(const char *tar, const char *to, struct error *err)
{
	struct context_limits limits = { .entries_max = 100, .size_max_bytes = 1000000 };
	int fd = open(tar, O_RDONLY), dir_fd, rc;

	ck_assert(mkdir(to, 0700) == 0 || errno == EEXIST);
	dir_fd = open(to, O_RDONLY | O_DIRECTORY);
	rc = context_unpack(fd, dir_fd, &limits, err);
	close(dir_fd);
	close(fd);
	return rc;
}

/* The names in a tar, as libarchive reads them, a line each. */
static void names(const char *tar, struct buf *list)
{
	struct archive *archive = archive_read_new();
	struct archive_entry *entry;

	archive_read_support_format_tar(archive);
	ck_assert_int_eq(archive_read_open_filename(archive, tar, 10240), ARCHIVE_OK);
	while (archive_read_next_header(archive, &entry) >= ARCHIVE_WARN && archive_entry_pathname(entry)) {
		buf_printf(list, "%s\n", archive_entry_pathname(entry));
		ck_assert_int_eq(archive_entry_uid(entry), 0);
		ck_assert(!archive_entry_uname(entry) || !archive_entry_uname(entry)[0]);
	}
	archive_read_free(archive);
}

static void assert_names(const char *tar, const char *expected)
{
	CLEANUP(buf_clear) struct buf list = { 0 };

	names(tar, &list);
	ck_assert_str_eq(buf_text(&list), expected);
}

START_TEST(what_was_packed_is_what_is_unpacked)
{
	char name[300], content[10] = { 0 }, target[20] = { 0 };
	struct stat st;
	struct error err;
	int fd;

	dir("c");
	dir("c/d");
	put("c/Dockerfile", "FROM scratch\n", 0644);
	put("c/d/run", "#!/bin/sh\n", 0755);
	put("c/d/\xc3\xa9\xff", "bytes", 0640);
	snprintf(name, sizeof(name), "c/%0250d", 7);
	put(name, "long", 0644);
	ck_assert_int_eq(symlink("/etc/passwd", "c/link"), 0);
	pack("c", "Dockerfile", "tar");
	if (unpack("tar", "out", &err) < 0)
		ck_abort_msg("%s", err.msg);
	ck_assert_int_eq(stat("out/d/run", &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0755);
	ck_assert_int_eq(stat("out/d/\xc3\xa9\xff", &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0640);
	ck_assert_int_eq(stat("out/d", &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0755);
	ck_assert_int_eq(readlink("out/link", target, sizeof(target) - 1), 11);
	memcpy(name, "out/", 4);
	snprintf(name, sizeof(name), "out/%0250d", 7);
	fd = open(name, O_RDONLY);
	ck_assert_int_eq(read(fd, content, sizeof(content)), 4);
	ck_assert_str_eq(content, "long");
	close(fd);
}
END_TEST

START_TEST(two_folders_with_the_same_files_are_one_context)
{
	struct context_summary a, b;

	setenv("SOURCE_DATE_EPOCH", "1700000000", 1);
	dir("a");
	put("a/Dockerfile", "FROM scratch\n", 0644);
	put("a/x", "1", 0644);
	put("a/\xc3\xa9", "2", 0644);
	dir("b");
	put("b/\xc3\xa9", "2", 0644);
	put("b/x", "1", 0644);
	put("b/Dockerfile", "FROM scratch\n", 0644);
	a = pack("a", "Dockerfile", "a.tar");
	b = pack("b", "Dockerfile", "b.tar");
	ck_assert_str_eq(a.digest, b.digest);
	ck_assert_int_eq(a.entry_count, 3);
	put("b/x", "2", 0644);
	ck_assert_str_ne(pack("b", "Dockerfile", "b.tar").digest, a.digest);
	put("b/x", "1", 0755);
	ck_assert_str_ne(pack("b", "Dockerfile", "b.tar").digest, a.digest);
	/* Told by a digest, so that a change of the format does not pass unseen. */
	ck_assert_str_eq(a.digest, "sha256:a448766af822f0dfd75a39661f5c240739196d38acb6f1c927ebf7a2d412150c");
}
END_TEST

START_TEST(what_is_ignored_is_left_out_but_not_what_the_build_is_read_from)
{
	dir("c");
	dir("c/d");
	dir("c/d/e");
	dir("c/n");
	dir("c/a.d");
	put("c/.dockerignore", "*\n!d/e/keep\nd/e/lost\n!a.d\n", 0644);
	put("c/Dockerfile", "FROM scratch\n", 0644);
	put("c/d/e/keep", "", 0644);
	put("c/d/e/lost", "", 0644);
	put("c/d/lost", "", 0644);
	put("c/n/x", "", 0644);
	put("c/a.d/y", "", 0644);
	put("c/a", "", 0644);
	pack("c", "Dockerfile", "tar");
	assert_names("tar", ".dockerignore\nDockerfile\na.d/\na.d/y\nd/\nd/e/\nd/e/keep\n");
	put("c/n/Other", "FROM scratch\n", 0644);
	pack("c", "n/Other", "tar");
	assert_names("tar", ".dockerignore\na.d/\na.d/y\nd/\nd/e/\nd/e/keep\nn/\nn/Other\n");
}
END_TEST

START_TEST(a_fifo_is_left_out_and_said_so)
{
	CLEANUP(buf_clear) struct buf said = { 0 };
	struct context_options options = { .dir = "c", .dockerfile = "Dockerfile", .on_warning = on_warning, .arg = &said };
	struct context_summary summary;
	struct error err;
	int fd = open("/dev/null", O_WRONLY);

	dir("c");
	put("c/Dockerfile", "FROM scratch\n", 0644);
	ck_assert_int_eq(mkfifo("c/pipe", 0600), 0);
	ck_assert_int_eq(context_pack(&options, fd, &summary, &err), 0);
	ck_assert_int_eq(summary.entry_count, 1);
	ck_assert_ptr_nonnull(strstr(buf_text(&said), "pipe: left out"));
	close(fd);
}
END_TEST

START_TEST(a_missing_dockerfile_and_a_full_disk_are_named)
{
	struct context_options options = { .dir = "c", .dockerfile = "Dockerfile" };
	struct context_summary summary;
	struct error err;
	int full = open("/dev/full", O_WRONLY);

	ck_assert_int_eq(context_pack(&options, full, &summary, &err), -1);
	ck_assert_int_eq(err.code, ERR_NOT_FOUND);
	dir("c");
	ck_assert_int_eq(context_pack(&options, full, &summary, &err), -1);
	ck_assert_int_eq(err.code, ERR_NOT_FOUND);
	ck_assert_ptr_nonnull(strstr(err.msg, "c/Dockerfile"));
	put("c/Dockerfile", "FROM scratch\n", 0644);
	ck_assert_int_eq(context_pack(&options, full, &summary, &err), -1);
	ck_assert_int_eq(err.code, ERR_FULL);
	close(full);
}
END_TEST

static void run(const char *const *argv)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
#define RUN(...) run((const char *const[]){ __VA_ARGS__, NULL })
#define GIT(...) RUN("git", "-c", "user.name=t", "-c", "user.email=t@t", "-c", "init.defaultBranch=m", __VA_ARGS__)

START_TEST(two_clean_checkouts_of_one_commit_are_one_context)
{
	struct context_summary a, b;

	setenv("GIT_CONFIG_GLOBAL", "/dev/null", 1);
	dir("a");
	put("a/Dockerfile", "FROM scratch\n", 0664);
	put("a/run", "", 0775);
	GIT("-C", "a", "init", "-q");
	GIT("-C", "a", "add", ".");
	GIT("-C", "a", "commit", "-q", "-m", "x", "--date=2001-02-03T04:05:06Z");
	umask(022);
	GIT("clone", "-q", "a", "b");
	put("a/.git/info/exclude", "built\n", 0644);
	a = pack("a", "Dockerfile", "a.tar");
	b = pack("b", "Dockerfile", "b.tar");
	ck_assert_str_ne(a.digest, b.digest); /* .git is a folder like others, and each has its own */
	put("a/.git/info/exclude", ".dockerignore\nbuilt\n", 0644);
	put("b/.git/info/exclude", ".dockerignore\n", 0644);
	put("a/.dockerignore", ".git\n", 0644);
	put("b/.dockerignore", ".git\n", 0644);
	a = pack("a", "Dockerfile", "a.tar");
	b = pack("b", "Dockerfile", "b.tar");
	ck_assert_str_eq(a.digest, b.digest);
	put("b/untracked", "", 0644);
	b = pack("b", "Dockerfile", "b.tar");
	put("b/run", "changed", 0755);
	ck_assert_str_ne(a.digest, b.digest);
}
END_TEST

START_TEST(an_ignored_folder_of_a_repository_is_no_checkout)
{
	struct context_options options = { .dir = "a/built", .dockerfile = "Dockerfile" };
	int64_t time_s;
	struct error err;

	setenv("GIT_CONFIG_GLOBAL", "/dev/null", 1);
	dir("a");
	put("a/.gitignore", "built\n", 0644);
	GIT("-C", "a", "init", "-q");
	GIT("-C", "a", "add", ".");
	GIT("-C", "a", "commit", "-q", "-m", "x");
	dir("a/built");
	put("a/built/Dockerfile", "FROM scratch\n", 0644);
	ck_assert_int_eq(context_time(&options, &time_s, &err), 0);
	options.dir = "a";
	options.dockerfile = ".gitignore";
	ck_assert_int_eq(context_time(&options, &time_s, &err), CONTEXT_TIME_COMMIT);
	setenv("SOURCE_DATE_EPOCH", "soon", 1);
	ck_assert_int_eq(context_time(&options, &time_s, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "SOURCE_DATE_EPOCH"));
}
END_TEST

struct hostile {
	const char *path;
	mode_t type;
	const char *link;
	int64_t size;
};

static void tar_write(const struct hostile *entries, size_t count)
{
	struct archive *archive = archive_write_new();

	archive_write_set_format_gnutar(archive);
	ck_assert_int_eq(archive_write_open_filename(archive, "tar"), ARCHIVE_OK);
	for (size_t i = 0; i < count; i++) {
		struct archive_entry *entry = archive_entry_new();

		archive_entry_set_pathname(entry, entries[i].path);
		archive_entry_set_filetype(entry, entries[i].type ? entries[i].type : S_IFREG);
		archive_entry_set_perm(entry, 0755);
		archive_entry_set_size(entry, entries[i].size);
		if (entries[i].type == S_IFLNK)
			archive_entry_set_symlink(entry, entries[i].link);
		else if (entries[i].link)
			archive_entry_set_hardlink(entry, entries[i].link);
		ck_assert_int_eq(archive_write_header(archive, entry), ARCHIVE_OK);
		archive_entry_free(entry);
	}
	archive_write_free(archive);
}

static const struct {
	struct hostile entries[2];
	const char *said;
} hostile[] = {
	{ { { .path = "ok" }, { .path = "/abs" } }, "absolute" },
	{ { { .path = "ok" }, { .path = "a/../../up" } }, ".." },
	{ { { .path = "l", .type = S_IFLNK, .link = ".." }, { .path = "l/up" } }, "no directory" },
	{ { { .path = "l", .type = S_IFLNK, .link = "/tmp/x" }, { .path = "l" } }, "twice" },
	{ { { .path = "ok" }, { .path = "dev", .type = S_IFCHR } }, "device" },
	{ { { .path = "ok" }, { .path = "fifo", .type = S_IFIFO } }, "fifo" },
	{ { { .path = "ok" }, { .path = "h", .link = "../../etc/passwd" } }, "hard link" },
	{ { { .path = "ok" }, { .path = "h", .link = "/etc/passwd" } }, "hard link" },
	{ { { .path = "l", .type = S_IFLNK, .link = "/etc/passwd" }, { .path = "h", .link = "l" } }, "hard link" },
	{ { { .path = "ok" }, { .path = "ok" } }, "twice" },
	{ { { .path = "big", .size = 600000 }, { .path = "bigger", .size = 600000 } }, "larger" },
};

START_TEST(a_hostile_entry_is_refused)
{
	struct error err;

	tar_write(hostile[_i].entries, 2);
	ck_assert_int_eq(unpack("tar", "out", &err), -1);
	ck_assert_int_eq(err.code, ERR_INVALID);
	ck_assert_msg(strstr(err.msg, hostile[_i].said) != NULL, "%s", err.msg);
	ck_assert_int_ne(access("up", F_OK), 0);
}
END_TEST

START_TEST(too_many_entries_and_a_cut_tar_are_refused)
{
	struct hostile many[101];
	char paths[101][8];
	struct error err;

	for (int i = 0; i < 101; i++) {
		snprintf(paths[i], sizeof(paths[i]), "f%d", i);
		many[i] = (struct hostile){ .path = paths[i] };
	}
	tar_write(many, 101);
	ck_assert_int_eq(unpack("tar", "out", &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "100 entries"));
	tar_write(&(struct hostile){ .path = "x", .size = 5000 }, 1);
	ck_assert_int_eq(truncate("tar", 2000), 0);
	ck_assert_int_eq(unpack("tar", "cut", &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "cut short"));
	put("tar", "this is no tar", 0644);
	ck_assert_int_eq(unpack("tar", "none", &err), -1);
	ck_assert_int_eq(err.code, ERR_INVALID);
}
END_TEST

START_TEST(other_peoples_tars_are_understood)
{
	struct error err;

	dir("c");
	dir("c/d");
	put("c/d/x", "", 0600);
	put("c/d/\xc3\xa9", "", 0600);
	ck_assert_int_eq(link("c/d/x", "c/y"), 0);
	ck_assert_int_eq(link("c/d/x", "c/d/z"), 0);
	RUN("tar", "--format=gnu", "-cf", "tar", "-C", "c", ".");
	if (unpack("tar", "gnu", &err) < 0)
		ck_abort_msg("%s", err.msg);
	ck_assert_int_eq(access("gnu/y", F_OK), 0);
	RUN("tar", "--format=posix", "-cf", "tar", "-C", "c", ".");
	if (unpack("tar", "posix", &err) < 0)
		ck_abort_msg("%s", err.msg);
	ck_assert_int_eq(access("posix/d/\xc3\xa9", F_OK), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("context");
	TCase *tc = tcase_create("context");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, top_make, top_remove);
	tcase_add_checked_fixture(tc, count_files, no_file_left_open);
	tcase_add_test(tc, what_was_packed_is_what_is_unpacked);
	tcase_add_test(tc, two_folders_with_the_same_files_are_one_context);
	tcase_add_test(tc, what_is_ignored_is_left_out_but_not_what_the_build_is_read_from);
	tcase_add_test(tc, a_fifo_is_left_out_and_said_so);
	tcase_add_test(tc, a_missing_dockerfile_and_a_full_disk_are_named);
	tcase_add_test(tc, two_clean_checkouts_of_one_commit_are_one_context);
	tcase_add_test(tc, an_ignored_folder_of_a_repository_is_no_checkout);
	tcase_add_loop_test(tc, a_hostile_entry_is_refused, 0, (int)(sizeof(hostile) / sizeof(hostile[0])));
	tcase_add_test(tc, too_many_entries_and_a_cut_tar_are_refused);
	tcase_add_test(tc, other_peoples_tars_are_understood);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
