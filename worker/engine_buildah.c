/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/engine_buildah.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/mem.h"
#include "common/oci/layout.h"
#include "worker/files.h"
#include "worker/process.h"
#include "worker/process_cgroup.h"

#define KEPT_TAGS 16
#define LOCK_POLL_MS 50
#define PROBE_LIMIT_MS 20000

/* One run, from its first process to its last. */
struct running {
	const struct buildah *buildah;
	const struct engine_run *run;
	struct buildah_place place;
	struct words env;
	struct cgroup cgroup;
	int64_t deadline_ms;
	struct engine_result *result;
};

static void running_clear(struct running *running)
{
	cgroup_remove(&running->cgroup);
	words_clear(&running->env);
}

static void fd_close(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* Runs the program with these arguments; how it ended is in the result. */
static int buildah_call(struct running *running, const char *path, const struct words *args, struct error *err)
{
	struct process_spec spec = {
		.path = path,
		.argv = (const char *const *)args->list,
		.env = (const char *const *)running->env.list,
		.dir = running->run->scratch_dir,
		.output_fd = running->run->log_fd,
		.cgroup_fds = running->cgroup.procs_fds,
		.cgroup_fd_count = running->cgroup.count,
	};
	struct engine_result *result = running->result;
	struct process process;
	struct process_end end;

	if (process_start(&spec, &process, err) < 0)
		return -1;
	process_wait(&process, running->run->cancel_fd, running->deadline_ms, &end);
	result->exit_code = end.exit_code;
	result->term_signal = end.term_signal;
	result->is_cancelled = end.is_cancelled;
	result->is_timeout = end.is_timeout;
	return 0;
}

static bool is_ended_well(const struct engine_result *result)
{
	return result->exit_code == 0 && result->term_signal == 0 && !result->is_cancelled && !result->is_timeout;
}

static int image_id_read(const struct engine_run *run, struct buf *id, struct error *err)
{
	char path[BUILDAH_PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/iid", run->scratch_dir);
	if (file_read_text(path, 256, id, err) < 0)
		return error_wrap(err, "the image's id");
	while (id->len > 0 && id->data[id->len - 1] == '\n')
		id->data[--id->len] = '\0';
	if (!digest_is_valid(buf_text(id)))
		return error_set(err, ERR_IO, "buildah wrote no image id but \"%.80s\"", buf_text(id));
	return 0;
}

/* Waits for the layout as long as others have it; 1 when we are to stop. */
static int layout_lock(struct running *running, struct layout **ret_layout, struct error *err)
{
	struct pollfd cancel = { .fd = running->run->cancel_fd, .events = POLLIN };
	int rc;

	while ((rc = layout_open(running->place.layout, LOCK_POLL_MS, ret_layout, err)) == 1) {
		running->result->is_cancelled = poll(&cancel, 1, 0) > 0;
		running->result->is_timeout = running->deadline_ms && monotonic_ms() >= running->deadline_ms;
		if (running->result->is_cancelled || running->result->is_timeout)
			return 1;
	}
	return rc;
}

/* The newest tags stay, so that the next build finds its base and layers written. The list is a file beside the layout. */
static int tags_trim(struct running *running, struct layout *layout, struct error *err)
{
	CLEANUP(buf_clear) struct buf tags = { 0 };
	char path[BUILDAH_PATH_MAX + 64];
	const char *rest;
	int count = 0;

	snprintf(path, sizeof(path), "%s/tags", running->place.dir);
	if (file_read_text(path, 64 * 1024, &tags, err) < 0 && err->code != ERR_NOT_FOUND)
		return -1;
	buf_printf(&tags, "%s\n", running->result->layout_tag);
	for (const char *at = buf_text(&tags); *at; at++)
		count += *at == '\n';
	rest = buf_text(&tags);
	for (; count > KEPT_TAGS; count--) {
		char tag[sizeof(running->result->layout_tag)] = { 0 };
		size_t len = strcspn(rest, "\n");

		memcpy(tag, rest, len < sizeof(tag) ? len : sizeof(tag) - 1);
		rest += len + 1;
		if (layout_forget(layout, tag, NULL, 0, err) < 0)
			return -1;
	}
	return file_write_text(path, rest, err);
}

static int layout_write(struct running *running, struct error *err)
{
	CLEANUP(layout_closep) struct layout *layout = NULL;
	CLEANUP(words_clear) struct words args = { 0 };
	CLEANUP(buf_clear) struct buf id = { 0 };
	struct engine_result *result = running->result;
	int rc;

	if (image_id_read(running->run, &id, err) < 0)
		return -1;
	rc = layout_lock(running, &layout, err);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	snprintf(result->layout_tag, sizeof(result->layout_tag), "attempt-%lld", (long long)running->run->attempt);
	/* An attempt's number may come again with a new coordinator: its old image would be found. */
	if (layout_forget(layout, result->layout_tag, NULL, 0, err) < 0)
		return -1;
	buildah_push_args(running->buildah, &running->place, buf_text(&id), result->layout_tag, &args);
	if (buildah_call(running, running->buildah->skopeo[0] ? running->buildah->skopeo : running->buildah->path, &args,
			 err) < 0)
		return -1;
	if (is_ended_well(result) && tags_trim(running, layout, err) < 0)
		return -1;
	text_copy(result->layout_dir, sizeof(result->layout_dir), running->place.layout);
	text_copy(result->storage_dir, sizeof(result->storage_dir), running->place.root);
	return 0;
}

/* Only when nobody else builds for this platform: what is there then is left over. */
static int leftovers_remove(struct running *running, int lock_fd, struct error *err)
{
	CLEANUP(words_clear) struct words args = { 0 };
	struct engine_result kept = *running->result;
	struct engine_run quiet = *running->run;
	const struct engine_run *run = running->run;
	int rc;

	if (flock(lock_fd, LOCK_EX | LOCK_NB) < 0 || !buildah_left_something(&running->place))
		return 0;
	/* Cancelled or not, this is done to its end. */
	quiet.cancel_fd = -1;
	running->run = &quiet;
	running->deadline_ms = monotonic_ms() + 60000;
	buildah_remove_args(running->buildah, &running->place, &args);
	rc = buildah_call(running, running->buildah->path, &args, err);
	buildah_temporary_remove(&running->place);
	running->run = run;
	*running->result = kept;
	return rc;
}

static int64_t wall_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int lock_open(const struct buildah_place *place, struct error *err)
{
	char path[BUILDAH_PATH_MAX + 64];
	int fd;

	snprintf(path, sizeof(path), "%s/lock", place->dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	return fd >= 0 ? fd : error_set(err, ERR_IO, "%s: %s", path, strerror(errno));
}

static int build(struct running *running, struct error *err)
{
	CLEANUP(words_clear) struct words args = { 0 };
	struct engine_result *result = running->result;

	buildah_bud_args(running->buildah, &running->place, running->run, &args);
	result->started_ms = wall_ms();
	if (buildah_call(running, running->buildah->path, &args, err) < 0)
		return -1;
	if (is_ended_well(result) && layout_write(running, err) < 0)
		return -1;
	result->is_out_of_memory = cgroup_oom_kills(&running->cgroup) > 0;
	return 0;
}

static int buildah_run(const struct engine *engine, const struct engine_run *run, struct engine_result *ret_result,
		       struct error *err)
{
	struct engine_result result = { 0 };
	CLEANUP(running_clear) struct running running = {
		.buildah = (const struct buildah *)engine, .run = run, .result = &result };
	CLEANUP(fd_close) int lock_fd = -1;
	struct error ignored;
	int rc;

	if (buildah_place_make(running.buildah, &run->platform, &running.place, err) < 0 ||
	    buildah_inputs_write(run, err) < 0)
		return -1;
	lock_fd = lock_open(&running.place, err);
	if (lock_fd < 0)
		return -1;
	buildah_env(&running.place, run->scratch_dir, &running.env);
	if (leftovers_remove(&running, lock_fd, err) < 0)
		return -1;
	flock(lock_fd, LOCK_SH);
	running.deadline_ms = run->timeout_s > 0 ? monotonic_ms() + (int64_t)run->timeout_s * 1000 : 0;
	cgroup_make(&running.cgroup, engine->settings.state_dir, run->attempt);
	rc = build(&running, err);
	if (rc < 0 || !is_ended_well(&result))
		leftovers_remove(&running, lock_fd, &ignored);
	if (rc == 0)
		*ret_result = result;
	return rc;
}

static int buildah_clean(const struct engine *engine, const struct platform *platform, const char *scratch_dir,
			 struct error *err)
{
	struct engine_result result = { 0 };
	CLEANUP(fd_close) int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	const struct engine_run run = { .platform = *platform, .scratch_dir = scratch_dir, .log_fd = null, .cancel_fd = -1 };
	CLEANUP(running_clear) struct running running = {
		.buildah = (const struct buildah *)engine, .run = &run, .result = &result };
	CLEANUP(fd_close) int lock_fd = -1;

	if (buildah_place_make(running.buildah, platform, &running.place, err) < 0)
		return -1;
	lock_fd = lock_open(&running.place, err);
	if (lock_fd < 0)
		return -1;
	buildah_env(&running.place, scratch_dir, &running.env);
	return leftovers_remove(&running, lock_fd, err);
}

static bool program_find(const char *name, char path[BUILDAH_PATH_MAX])
{
	const char *dirs = getenv("PATH");

	for (const char *at = dirs ? dirs : "/usr/bin:/bin"; *at;) {
		size_t len = strcspn(at, ":");

		if (len > 0 && len < BUILDAH_PATH_MAX - 16 && *at == '/') {
			snprintf(path, BUILDAH_PATH_MAX, "%.*s/%s", (int)len, at, name);
			if (access(path, X_OK) == 0)
				return true;
		}
		at += len + (at[len] == ':');
	}
	path[0] = '\0';
	return false;
}

/* "buildah version 1.28.2 (...)", asked for as every run is: so it shows, too, that we may make namespaces. */
static int version_probe(struct buildah *buildah, struct error *err)
{
	const char *const argv[] = { "buildah", "--version", NULL };
	const char *const env[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/", NULL };
	CLEANUP(fd_close) int out = open(buildah->engine.settings.state_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	struct process_spec spec = { .path = buildah->path, .argv = argv, .env = env, .dir = "/", .output_fd = out };
	struct process process;
	struct process_end end;
	char text[128] = { 0 };

	if (out < 0)
		return error_set(err, ERR_IO, "%.200s: %s", buildah->engine.settings.state_dir, strerror(errno));
	if (process_start(&spec, &process, err) < 0)
		return err->code == ERR_DENIED ? error_wrap(err, "manifold-worker must run as root") : -1;
	process_wait(&process, -1, monotonic_ms() + PROBE_LIMIT_MS, &end);
	if (end.exit_code != 0 || end.term_signal != 0 || pread(out, text, sizeof(text) - 1, 0) <= 0 ||
	    sscanf(text, "buildah version %d.%d", &buildah->major, &buildah->minor) != 2)
		return error_set(err, ERR_UNAVAILABLE, "%s --version: exit status %d, \"%.80s\"", buildah->path, end.exit_code, text);
	if (buildah->major < 1 || (buildah->major == 1 && buildah->minor < 28))
		return error_set(err, ERR_UNAVAILABLE, "buildah %d.%d is too old: 1.28 or later is needed", buildah->major,
				 buildah->minor);
	snprintf(buildah->engine.text, sizeof(buildah->engine.text), "buildah %.40s", text + strlen("buildah version "));
	buildah->engine.text[strcspn(buildah->engine.text + 8, " \n") + 8] = '\0';
	return 0;
}

/* Tried, not guessed: overlay over overlay (a container's own file system) is refused by the kernel. */
static bool is_overlay_possible(const char *state_dir)
{
	static const char *const names[] = { "lower", "upper", "work", "merged" };
	char top[BUILDAH_PATH_MAX], options[3 * BUILDAH_PATH_MAX + 64], path[BUILDAH_PATH_MAX + 16];
	bool is_possible = false;
	struct error ignored;

	if (snprintf(top, sizeof(top), "%s/overlay-test-XXXXXX", state_dir) >= (int)sizeof(top) || !mkdtemp(top))
		return false;
	for (size_t i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/%s", top, names[i]);
		dir_make_all(path, &ignored);
	}
	snprintf(options, sizeof(options), "lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work", top, top, top);
	if (mount("overlay", path, "overlay", 0, options) == 0) {
		is_possible = true;
		umount2(path, MNT_DETACH);
	}
	dir_remove_all(AT_FDCWD, top);
	return is_possible;
}

int engine_buildah_open(const struct engine_settings *settings, struct engine **ret_engine, struct error *err)
{
	struct buildah *buildah = mem_alloc(sizeof(*buildah));
	const char *isolation = settings->isolation ? settings->isolation : "auto";
	int rc;

	buildah->engine.settings = (struct engine_settings){ mem_strdup("buildah"), mem_strdup(isolation),
							     mem_strdup(settings->runtime), mem_strdup(settings->state_dir) };
	buildah->engine.run = buildah_run;
	buildah->engine.clean = buildah_clean;
	buildah->is_chroot = strcmp(isolation, "oci") != 0;
	rc = dir_make_all(settings->state_dir, err);
	if (rc == 0 && buildah->is_chroot && strcmp(isolation, "auto") != 0 && strcmp(isolation, "chroot") != 0)
		rc = error_set(err, ERR_INVALID, "isolation \"%.60s\" is not known: it is auto, chroot or oci", isolation);
	if (rc == 0 && (settings->state_dir[0] != '/' || strpbrk(settings->state_dir, ":,+@[] \t\n\"\\")))
		rc = error_set(err, ERR_INVALID, "the state directory must be an absolute path without blanks and"
			       " : , + @ [ ] \" \\: %.200s", settings->state_dir);
	if (rc == 0 && !program_find("buildah", buildah->path))
		rc = error_set(err, ERR_NOT_FOUND, "no engine: buildah is not in PATH; install it:"
			       " apt-get install buildah runc skopeo");
	program_find("skopeo", buildah->skopeo);
	if (rc == 0)
		rc = version_probe(buildah, err);
	if (rc == 0)
		text_copy(buildah->driver, sizeof(buildah->driver), is_overlay_possible(settings->state_dir) ? "overlay" : "vfs");
	if (rc < 0) {
		engine_close(&buildah->engine);
		return -1;
	}
	*ret_engine = &buildah->engine;
	return 0;
}
