/* SPDX-License-Identifier: Apache-2.0 */
/* With the real buildah, as root; where either is missing there is nothing to test. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/mem.h"
#include "common/oci/image_config.h"
#include "common/oci/layout.h"
#include "common/oci/manifest.h"
#include "common/test_fds.h"
#include "worker/engine.h"
#include "worker/files.h"
#include "worker/process.h"
#include "worker/test_world.h"

static char top[64], context_dir[96], scratch_dir[96];
static struct engine *engine;
static struct build_spec spec;

static void put(const char *name, const char *text)
{
	char path[256];
	struct error err;

	snprintf(path, sizeof(path), "%s/%s", context_dir, name);
	ck_assert_int_eq(file_write_text(path, text, &err), 0);
}

static void setup(void)
{
	struct engine_settings settings = { .name = "auto", .isolation = "auto", .state_dir = top };
	struct error err;

	snprintf(context_dir, sizeof(context_dir), "%s/context", top);
	snprintf(scratch_dir, sizeof(scratch_dir), "%s/scratch", top);
	ck_assert_int_eq(mkdir(context_dir, 0700), 0);
	ck_assert_int_eq(mkdir(scratch_dir, 0700), 0);
	test_copy_busybox(context_dir);
	if (engine_open(&settings, &engine, &err) < 0)
		ck_abort_msg("%s", err.msg);
	spec = (struct build_spec){ .dockerfile = (char *)(uintptr_t)"Dockerfile" };
}

static void teardown(void)
{
	engine_close(engine);
	dir_remove_all(AT_FDCWD, context_dir);
	dir_remove_all(AT_FDCWD, scratch_dir);
}

struct outcome {
	int rc;
	struct engine_result result;
	struct error err;
	struct buf log;
};

static void outcome_clear(struct outcome *outcome)
{
	buf_clear(&outcome->log);
}

static struct engine_run run_of(const char *platform, int log_fd)
{
	struct engine_run run = { .attempt = 7, .spec = &spec, .context_dir = context_dir, .scratch_dir = scratch_dir,
				  .log_fd = log_fd, .cancel_fd = -1, .timeout_s = 120 };
	struct error err;

	ck_assert_int_eq(platform_parse(platform, &run.platform, &err), 0);
	return run;
}

static void build_with(struct engine_run *run, struct outcome *ret)
{
	char path[128];
	struct error err;

	snprintf(path, sizeof(path), "%s/log", top);
	run->log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_TRUNC | O_CLOEXEC, 0600);
	ret->rc = engine->run(engine, run, &ret->result, &ret->err);
	close(run->log_fd);
	buf_clear(&ret->log);
	ck_assert_int_eq(file_read_text(path, 1000000, &ret->log, &err), 0);
}

static void build(const char *dockerfile, struct outcome *ret)
{
	struct engine_run run = run_of("linux/amd64", -1);

	put("Dockerfile", dockerfile);
	build_with(&run, ret);
}

#define BASE "FROM scratch\nCOPY busybox /bin/sh\n"

static void assert_built(const struct outcome *outcome)
{
	if (outcome->rc < 0)
		ck_abort_msg("%s", outcome->err.msg);
	ck_assert_msg(outcome->result.exit_code == 0 && outcome->result.term_signal == 0, "exit %d signal %d: %s",
		      outcome->result.exit_code, outcome->result.term_signal, buf_text(&outcome->log));
}

/* How many layers the image in the layout has, and of which platform its config is. */
static size_t image_read(const struct outcome *outcome, char platform[PLATFORM_TEXT_MAX], char digest[DIGEST_TEXT_MAX])
{
	CLEANUP(layout_closep) struct layout *layout = NULL;
	CLEANUP(manifest_clear) struct manifest manifest = { .layers = NULL };
	struct image_config config;
	struct buf text = { 0 };
	struct descriptor descriptor;
	struct error err;
	size_t count;

	ck_assert_int_eq(layout_open(outcome->result.layout_dir, 0, &layout, &err), 0);
	ck_assert_int_eq(layout_find(layout, outcome->result.layout_tag, &descriptor, &err), 0);
	ck_assert_int_eq(layout_read_blob(layout, &descriptor, 1000000, &text, &err), 0);
	ck_assert_int_eq(manifest_parse(buf_text(&text), text.len, NULL, &manifest, &err), 0);
	for (size_t i = 0; i < manifest.layer_count; i++)
		ck_assert_str_eq(manifest.layers[i].media_type, MEDIA_OCI_LAYER);
	buf_clear(&text);
	ck_assert_int_eq(layout_read_blob(layout, &manifest.config, 1000000, &text, &err), 0);
	ck_assert_int_eq(image_config_parse(buf_text(&text), text.len, &config, &err), 0);
	platform_format(&config.platform, platform);
	memcpy(digest, manifest.config.digest, DIGEST_TEXT_MAX);
	count = config.diff_id_count;
	image_config_clear(&config);
	buf_clear(&text);
	return count;
}

START_TEST(an_image_ends_in_the_layout_and_is_the_same_when_nothing_changed)
{
	CLEANUP(outcome_clear) struct outcome outcome = { 0 };
	char platform[PLATFORM_TEXT_MAX], first[DIGEST_TEXT_MAX], second[DIGEST_TEXT_MAX];

	build(BASE "RUN echo made > /made\nRUN echo said\n", &outcome);
	assert_built(&outcome);
	ck_assert_uint_eq(image_read(&outcome, platform, first), 3);
	ck_assert_str_eq(platform, "linux/amd64");
	ck_assert_ptr_nonnull(strstr(buf_text(&outcome.log), "STEP 4/4: RUN echo said\nsaid\n"));
	ck_assert_int_gt(outcome.result.started_ms, 0);
	build(BASE "RUN echo made > /made\nRUN echo said\n", &outcome);
	assert_built(&outcome);
	ck_assert_ptr_nonnull(strstr(buf_text(&outcome.log), "Using cache"));
	image_read(&outcome, platform, second);
	ck_assert_str_eq(first, second);
}
END_TEST

START_TEST(each_platform_has_its_own_cache_and_variant)
{
	CLEANUP(outcome_clear) struct outcome outcome = { 0 };
	char platform[PLATFORM_TEXT_MAX], digest[DIGEST_TEXT_MAX];
	struct engine_run run = run_of("linux/amd64/v2", -1);

	build(BASE "RUN echo one\n", &outcome);
	assert_built(&outcome);
	build_with(&run, &outcome);
	assert_built(&outcome);
	ck_assert_ptr_null(strstr(buf_text(&outcome.log), "Using cache"));
	image_read(&outcome, platform, digest);
	ck_assert_str_eq(platform, "linux/amd64/v2");
}
END_TEST

START_TEST(arguments_of_users_are_never_flags)
{
	CLEANUP(outcome_clear) struct outcome outcome = { 0 };
	struct spec_pair args[] = { { (char *)(uintptr_t)"A", (char *)(uintptr_t)"--help; $(exit 1) \"'" } };
	struct spec_pair labels[] = { { (char *)(uintptr_t)"--l", (char *)(uintptr_t)"v=w" } };
	char dockerfile[] = "-f", target[] = "last";
	struct engine_run run = run_of("linux/amd64", -1);

	spec.dockerfile = dockerfile;
	spec.target = target;
	spec.build_args = args;
	spec.build_arg_count = 1;
	spec.labels = labels;
	spec.label_count = 1;
	put("-f", BASE "ARG A\nRUN [ \"$A\" = \"--help; \\$(exit 1) \\\"'\" ]\nFROM 0 AS last\nFROM scratch\nRUN not reached\n");
	build_with(&run, &outcome);
	assert_built(&outcome);
	ck_assert_ptr_null(strstr(buf_text(&outcome.log), "not reached"));
}
END_TEST

START_TEST(a_failing_run_gives_its_exit_status_and_step)
{
	CLEANUP(outcome_clear) struct outcome outcome = { 0 };

	build(BASE "RUN echo before; exit 3\n", &outcome);
	ck_assert_int_eq(outcome.rc, 0);
	ck_assert_int_eq(outcome.result.exit_code, 3);
	ck_assert_msg(strstr(buf_text(&outcome.log), "Error: building at STEP \"RUN echo before; exit 3\"") != NULL, "%s",
		      buf_text(&outcome.log));
}
END_TEST

START_TEST(a_run_cannot_reach_the_hosts_processes)
{
	CLEANUP(outcome_clear) struct outcome outcome = { 0 };
	char dockerfile[256];
	int status;
	pid_t victim = fork();

	if (victim == 0) {
		pause();
		_exit(0);
	}
	snprintf(dockerfile, sizeof(dockerfile), BASE "RUN echo %d; kill -9 %d && echo killed\n", (int)victim, (int)victim);
	build(dockerfile, &outcome);
	ck_assert_int_eq(outcome.rc, 0);
	ck_assert_int_ne(outcome.result.exit_code, 0);
	ck_assert_ptr_null(strstr(buf_text(&outcome.log), "\nkilled"));
	ck_assert_int_eq(waitpid(victim, &status, WNOHANG), 0);
	kill(victim, SIGKILL);
	waitpid(victim, &status, 0);
}
END_TEST

/* Counts processes of the whole host with this in their command line. */
static int processes_with(const char *text)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	int count = 0;

	while ((entry = readdir(dir))) {
		char path[300], line[4096];
		ssize_t got;
		int fd;

		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%s/cmdline", entry->d_name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		got = fd < 0 ? 0 : read(fd, line, sizeof(line) - 1);
		if (fd >= 0)
			close(fd);
		for (ssize_t i = 0; i < got; i++)
			line[i] = line[i] ? line[i] : ' ';
		line[got > 0 ? got : 0] = '\0';
		count += strstr(line, text) != NULL;
	}
	closedir(dir);
	return count;
}

/* A daemon that ignores SIGTERM, then a marker line, then a long wait; told by the log when it is there. */
#define NAUGHTY BASE "RUN ln -s sh /bin/sleep; ln -s sh /bin/setsid; trap '' TERM; setsid sleep 98761 & echo r''eady; sleep 98762\n"

/* Before a build whose log is waited for: an earlier test's says the same. */
static void log_forget(void)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/log", top);
	unlink(path);
}

/* Waits until the log holds the text. */
static void log_wait(const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/log", top);
	for (int tries = 0; tries < 600; tries++) {
		CLEANUP(buf_clear) struct buf log = { 0 };
		struct error err;

		if (file_read_text(path, 1000000, &log, &err) == 0 && strstr(buf_text(&log), text))
			return;
		poll(NULL, 0, 50);
	}
	ck_abort_msg("no \"%s\" in the log", text);
}

static bool is_clean(void)
{
	char path[256];
	struct error err;
	CLEANUP(buf_clear) struct buf mounts = { 0 };
	CLEANUP(buf_clear) struct buf containers = { 0 };

	snprintf(path, sizeof(path), "%s/engines/buildah/linux-amd64/root/overlay-containers/containers.json", top);
	/* /proc files say no size */
	FILE *file = fopen("/proc/self/mounts", "re");
	char line[4096];

	while (file && fgets(line, sizeof(line), file))
		buf_puts(&mounts, line);
	if (file)
		fclose(file);
	return strstr(buf_text(&mounts), top) == NULL &&
	       (file_read_text(path, 1000000, &containers, &err) < 0 || containers.len <= 2);
}

START_TEST(a_cancelled_build_leaves_nothing_and_the_next_one_works)
{
	CLEANUP(outcome_clear) struct outcome outcome = { 0 };
	struct engine_run run = run_of("linux/amd64", -1);
	int pipe_fds[2], status;
	int64_t begun;
	pid_t child;

	put("Dockerfile", NAUGHTY);
	ck_assert_int_eq(pipe2(pipe_fds, O_CLOEXEC), 0);
	run.cancel_fd = pipe_fds[0];
	log_forget();
	child = fork();
	if (child == 0) {
		log_wait("ready");
		if (processes_with("sleep 98761") == 0)
			_exit(1);
		_exit(write(pipe_fds[1], "c", 1) == 1 ? 0 : 1);
	}
	begun = monotonic_ms();
	build_with(&run, &outcome);
	ck_assert_int_eq(outcome.rc, 0);
	ck_assert(outcome.result.is_cancelled);
	ck_assert_int_lt(monotonic_ms() - begun, 30000);
	ck_assert_int_eq(processes_with("sleep 9876"), 0);
	ck_assert(is_clean());
	waitpid(child, &status, 0);
	ck_assert_int_eq(status, 0);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	build(BASE "RUN echo again\n", &outcome);
	assert_built(&outcome);
}
END_TEST

START_TEST(a_build_that_takes_too_long_is_ended)
{
	CLEANUP(outcome_clear) struct outcome outcome = { 0 };
	struct engine_run run = run_of("linux/amd64", -1);

	put("Dockerfile", NAUGHTY);
	run.timeout_s = 3;
	build_with(&run, &outcome);
	ck_assert_int_eq(outcome.rc, 0);
	ck_assert(outcome.result.is_timeout && !outcome.result.is_cancelled);
	ck_assert_int_eq(processes_with("sleep 9876"), 0);
}
END_TEST

START_TEST(killing_the_worker_ends_everything_and_the_next_life_cleans_up)
{
	CLEANUP(outcome_clear) struct outcome outcome = { 0 };
	struct engine_run run = run_of("linux/amd64", -1);
	struct error err;
	pid_t worker;

	put("Dockerfile", NAUGHTY);
	log_forget();
	worker = fork();
	if (worker == 0) {
		build_with(&run, &outcome);
		_exit(0);
	}
	log_wait("ready");
	kill(worker, SIGKILL);
	waitpid(worker, NULL, 0);
	for (int tries = 0; tries < 100 && processes_with("sleep 9876") > 0; tries++)
		poll(NULL, 0, 50);
	ck_assert_int_eq(processes_with("sleep 9876"), 0);
	ck_assert(!is_clean());
	if (engine->clean(engine, &run.platform, scratch_dir, &err) < 0)
		ck_abort_msg("%s", err.msg);
	ck_assert(is_clean());
	build(BASE "RUN echo again\n", &outcome);
	assert_built(&outcome);
}
END_TEST

START_TEST(what_is_only_sent_to_be_read_is_not_copied)
{
	CLEANUP(outcome_clear) struct outcome outcome = { 0 };

	put(".dockerignore", "Dockerfile\n.dockerignore\n");
	put("kept", "");
	build(BASE "COPY . /all\nRUN [ -e /all/kept ] && [ ! -e /all/Dockerfile ] && [ ! -e /all/.dockerignore ]\n", &outcome);
	assert_built(&outcome);
}
END_TEST

START_TEST(a_dockerfile_that_leads_out_of_the_context_is_refused)
{
	CLEANUP(outcome_clear) struct outcome outcome = { 0 };
	struct engine_run run = run_of("linux/amd64", -1);
	char path[128];

	snprintf(path, sizeof(path), "%s/Dockerfile", context_dir);
	ck_assert_int_eq(symlink("/etc/passwd", path), 0);
	build_with(&run, &outcome);
	ck_assert_int_eq(outcome.rc, -1);
	ck_assert_int_eq(outcome.err.code, ERR_INVALID);
	ck_assert_ptr_nonnull(strstr(outcome.err.msg, "out of the context"));
}
END_TEST

START_TEST(an_unknown_engine_or_place_is_refused)
{
	struct engine_settings settings = { .name = "magic", .state_dir = top };
	struct engine *other;
	struct error err;

	ck_assert_int_eq(engine_open(&settings, &other, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "buildah"));
	settings.name = "buildah";
	settings.isolation = "none";
	ck_assert_int_eq(engine_open(&settings, &other, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "isolation"));
	settings.isolation = "auto";
	settings.state_dir = "relative";
	ck_assert_int_eq(engine_open(&settings, &other, &err), -1);
	rmdir("relative");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("engine");
	TCase *tc = tcase_create("buildah");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, count_files, no_file_left_open);
	tcase_add_checked_fixture(tc, setup, teardown);
	if (geteuid() == 0 && access(TEST_BUSYBOX, X_OK) == 0 && access("/usr/bin/buildah", X_OK) == 0) {
		tcase_add_test(tc, an_image_ends_in_the_layout_and_is_the_same_when_nothing_changed);
		tcase_add_test(tc, each_platform_has_its_own_cache_and_variant);
		tcase_add_test(tc, arguments_of_users_are_never_flags);
		tcase_add_test(tc, a_failing_run_gives_its_exit_status_and_step);
		tcase_add_test(tc, a_run_cannot_reach_the_hosts_processes);
		tcase_add_test(tc, a_cancelled_build_leaves_nothing_and_the_next_one_works);
		tcase_add_test(tc, a_build_that_takes_too_long_is_ended);
		tcase_add_test(tc, killing_the_worker_ends_everything_and_the_next_life_cleans_up);
		tcase_add_test(tc, what_is_only_sent_to_be_read_is_not_copied);
		tcase_add_test(tc, a_dockerfile_that_leads_out_of_the_context_is_refused);
		tcase_add_test(tc, an_unknown_engine_or_place_is_refused);
	}
	/* The state is kept from test to test, as a worker keeps it. */
	test_folder(top, sizeof(top), "engine-test");
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	dir_remove_all(AT_FDCWD, top);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
