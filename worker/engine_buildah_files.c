/* SPDX-License-Identifier: Apache-2.0 */
/* The files around buildah: folders of a platform, its configuration, what it reads of a context. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/context/ignore.h"
#include "common/mem.h"
#include "common/oci/reference.h"
#include "worker/engine_buildah.h"
#include "worker/files.h"

#define DOCKERFILE_MAX (1024 * 1024)

static int path_join(char path[BUILDAH_PATH_MAX], const char *dir, const char *name, struct error *err)
{
	int len = snprintf(path, BUILDAH_PATH_MAX, "%s/%s", dir, name);

	if (len < 0 || len >= BUILDAH_PATH_MAX - 64)
		return error_set(err, ERR_INVALID, "the state directory's path is too long: %.100s...", dir);
	return 0;
}

static int place_name(const struct buildah *buildah, const struct platform *platform, struct buildah_place *place,
		      struct error *err)
{
	char name[PLATFORM_TEXT_MAX + 32], text[PLATFORM_TEXT_MAX];

	platform_format(platform, text);
	for (char *slash = strchr(text, '/'); slash; slash = strchr(slash, '/'))
		*slash = '-';
	snprintf(name, sizeof(name), "engines/buildah/%s", text);
	if (path_join(place->dir, buildah->engine.settings.state_dir, name, err) < 0 ||
	    path_join(place->root, place->dir, "root", err) < 0 || path_join(place->run, place->dir, "run", err) < 0 ||
	    path_join(place->tmp, place->dir, "tmp", err) < 0 || path_join(place->layout, place->dir, "layout", err) < 0)
		return -1;
	return 0;
}

static int config_write(const char *dir, const char *name, const char *text, struct error *err)
{
	char path[BUILDAH_PATH_MAX];

	return path_join(path, dir, name, err) < 0 ? -1 : file_write_text(path, text, err);
}

int buildah_place_make(const struct buildah *buildah, const struct platform *platform, struct buildah_place *ret_place,
		       struct error *err)
{
	struct buildah_place place;
	char storage[3 * BUILDAH_PATH_MAX];

	if (place_name(buildah, platform, &place, err) < 0 || dir_make_all(place.root, err) < 0 ||
	    dir_make_all(place.run, err) < 0 || dir_make_all(place.tmp, err) < 0)
		return -1;
	snprintf(storage, sizeof(storage), "[storage]\ndriver = \"%s\"\ngraphroot = \"%s\"\nrunroot = \"%s\"\n", buildah->driver,
		 place.root, place.run);
	if (config_write(place.dir, "policy.json", "{\"default\":[{\"type\":\"insecureAcceptAnything\"}]}\n", err) < 0 ||
	    config_write(place.dir, "containers.conf", "[containers]\n", err) < 0 ||
	    config_write(place.dir, "storage.conf", storage, err) < 0)
		return -1;
	*ret_place = place;
	return 0;
}

/* The Dockerfile as buildah will read it. A link in the context may lead to it, but not out of the context. */
static int dockerfile_read(const struct engine_run *run, struct buf *text, struct error *err)
{
	char path[PATH_MAX], real[PATH_MAX], top[PATH_MAX];
	size_t top_len;

	if (snprintf(path, sizeof(path), "%s/%s", run->context_dir, run->spec->dockerfile) >= (int)sizeof(path) ||
	    !realpath(path, real))
		return error_set(err, ERR_INVALID, "the context has no %.200s: %s", run->spec->dockerfile, strerror(errno));
	if (!realpath(run->context_dir, top))
		return error_set(err, ERR_IO, "%.200s: %s", run->context_dir, strerror(errno));
	top_len = strlen(top);
	if (strncmp(real, top, top_len) != 0 || real[top_len] != '/')
		return error_set(err, ERR_INVALID, "%.200s is a link that leads out of the context", run->spec->dockerfile);
	if (file_read_text(real, DOCKERFILE_MAX, text, err) < 0)
		return error_set(err, ERR_INVALID, "%.200s is no file of at most 1 MiB", run->spec->dockerfile);
	return 0;
}

/* A pattern that matches just this path. */
static void pattern_of(const char *path, struct buf *text)
{
	for (; *path; path++) {
		if (strchr("*?[]\\!#", *path))
			buf_puts(text, "\\");
		buf_append(text, path, 1);
	}
	buf_puts(text, "\n");
}

/*
 * The context came filtered, by BuildKit's rules. Only what is in it in spite of them (the Dockerfile and the ignore
 * file) must still be kept from COPY; buildah's own reading of the ignore file differs and is not asked.
 */
static int ignore_text(const struct engine_run *run, struct buf *text, struct error *err)
{
	CLEANUP(ignore_freep) struct ignore *ignore = NULL;
	char name[IGNORE_NAME_MAX];
	int fd = open(run->context_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

	if (fd < 0)
		return error_set(err, ERR_IO, "%.200s: %s", run->context_dir, strerror(errno));
	rc = ignore_load(fd, run->spec->dockerfile, &ignore, name, err);
	close(fd);
	if (rc < 0)
		return -1;
	if (ignore_matches(ignore, run->spec->dockerfile))
		pattern_of(run->spec->dockerfile, text);
	if (name[0] && ignore_matches(ignore, name))
		pattern_of(name, text);
	return 0;
}

#define HOST_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-:[]"

/* Every word in the text that names a host on this machine's loopback becomes a registry without TLS. */
static void loopbacks_find(const char *text, struct buf *out)
{
	while (*text) {
		size_t len = strspn(text, HOST_CHARACTERS);
		char host[128];

		if (len > 0 && len < sizeof(host) && text[len] == '/') {
			memcpy(host, text, len);
			host[len] = '\0';
			if (registry_host_is_loopback(host))
				buf_printf(out, "[[registry]]\nlocation = \"%s\"\ninsecure = true\n", host);
		}
		text += len ? len : 1;
	}
}

int buildah_inputs_write(const struct engine_run *run, struct error *err)
{
	CLEANUP(buf_clear) struct buf dockerfile = { 0 };
	CLEANUP(buf_clear) struct buf ignore = { 0 };
	CLEANUP(buf_clear) struct buf registries = { 0 };

	if (dockerfile_read(run, &dockerfile, err) < 0 || ignore_text(run, &ignore, err) < 0)
		return -1;
	buf_puts(&registries, "unqualified-search-registries = [\"docker.io\"]\n");
	loopbacks_find(buf_text(&dockerfile), &registries);
	for (size_t i = 0; i < run->spec->build_arg_count; i++) {
		loopbacks_find(run->spec->build_args[i].value ? run->spec->build_args[i].value : "", &registries);
		loopbacks_find("\n", &registries);
	}
	if (config_write(run->scratch_dir, "Dockerfile", buf_text(&dockerfile), err) < 0 ||
	    config_write(run->scratch_dir, "ignore", buf_text(&ignore), err) < 0 ||
	    config_write(run->scratch_dir, "registries.conf", buf_text(&registries), err) < 0)
		return -1;
	return 0;
}

static bool is_temporary(const char *name)
{
	return strncmp(name, "buildah", 7) == 0 && name[7] >= '0' && name[7] <= '9';
}

static void closedirp(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

bool buildah_left_something(const struct buildah_place *place)
{
	CLEANUP(closedirp) DIR *dir = opendir(place->tmp);
	CLEANUP(buf_clear) struct buf text = { 0 };
	char path[2 * BUILDAH_PATH_MAX];
	struct error ignored;
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		if (is_temporary(entry->d_name))
			return true;
	}
	/* "[]" when it holds none; overlay-containers or vfs-containers */
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s-containers/containers.json", place->root, i ? "vfs" : "overlay");
		buf_clear(&text);
		if (file_read_text(path, 64 * 1024 * 1024, &text, &ignored) == 0 && text.len > 2)
			return true;
	}
	return false;
}

void buildah_temporary_remove(const struct buildah_place *place)
{
	CLEANUP(closedirp) DIR *dir = opendir(place->tmp);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		if (is_temporary(entry->d_name))
			dir_remove_all(dirfd(dir), entry->d_name);
	}
}
