/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What buildah is told. Whatever a user gave stands behind "--flag=" or is an absolute path of ours,
 * so that it is never taken for a flag; no shell ever sees it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "common/buf.h"
#include "common/mem.h"
#include "worker/engine_buildah.h"

void words_clear(struct words *words)
{
	for (size_t i = 0; i < words->count; i++)
		mem_free(words->list[i]);
	mem_free(words->list);
	*words = (struct words){ 0 };
}

/* Takes word. */
static void add_owned(struct words *words, char *word)
{
	words->list = mem_realloc(words->list, (words->count + 2) * sizeof(*words->list));
	words->list[words->count++] = word;
	words->list[words->count] = NULL;
}

static void add(struct words *words, const char *word)
{
	add_owned(words, mem_strdup(word));
}

/* The pieces in one word. */
static void join(struct words *words, const char *flag, const char *value, const char *rest)
{
	struct buf word = { 0 };

	buf_puts(&word, flag);
	buf_puts(&word, value);
	buf_puts(&word, rest);
	add_owned(words, buf_take(&word));
}

static void pairs(struct words *words, const char *flag, const struct spec_pair *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct buf word = { 0 };

		/* Always with "=": without one buildah takes the value from its environment. */
		buf_printf(&word, "%s%s=%s", flag, list[i].name, list[i].value ? list[i].value : "");
		add_owned(words, buf_take(&word));
	}
}

static void common_args(const struct buildah *buildah, const struct buildah_place *place, struct words *ret)
{
	*ret = (struct words){ 0 };
	add(ret, "buildah");
	join(ret, "--root=", place->root, "");
	join(ret, "--runroot=", place->run, "");
	join(ret, "--storage-driver=", buildah->driver, "");
}

/* 1.39 asks for more than a host without CAP_SYS_RESOURCE may give: the hard limits we have. */
static void limits(const struct buildah *buildah, struct words *ret)
{
	static const struct {
		const char *flag;
		__rlimit_resource_t resource;
	} list[] = { { "--ulimit=nofile=", RLIMIT_NOFILE }, { "--ulimit=nproc=", RLIMIT_NPROC } };

	if (buildah->major == 1 && buildah->minor < 39)
		return;
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		struct buf word = { 0 };
		struct rlimit limit;

		if (getrlimit(list[i].resource, &limit) < 0 || limit.rlim_max == RLIM_INFINITY)
			continue;
		buf_printf(&word, "%s%llu:%llu", list[i].flag, (unsigned long long)limit.rlim_max,
			   (unsigned long long)limit.rlim_max);
		add_owned(ret, buf_take(&word));
	}
}

static void isolation(const struct buildah *buildah, struct words *ret)
{
	const char *runtime = buildah->engine.settings.runtime;

	if (buildah->is_chroot) {
		add(ret, "--isolation=chroot");
		return;
	}
	add(ret, "--isolation=oci");
	join(ret, "--runtime=", runtime && runtime[0] ? runtime : "runc", "");
	add(ret, "--network=host"); /* as chroot has it: no network plugins to install */
}

void buildah_bud_args(const struct buildah *buildah, const struct buildah_place *place, const struct engine_run *run,
		      struct words *ret)
{
	char platform[PLATFORM_TEXT_MAX];

	platform_format(&run->platform, platform);
	common_args(buildah, place, ret);
	add(ret, "bud");
	add(ret, "--layers");
	add(ret, "--format=oci");
	isolation(buildah, ret);
	limits(buildah, ret);
	join(ret, "--signature-policy=", place->dir, "/policy.json");
	join(ret, "--platform=", platform, "");
	join(ret, "--iidfile=", run->scratch_dir, "/iid");
	join(ret, "--file=", run->scratch_dir, "/Dockerfile");
	join(ret, "--ignorefile=", run->scratch_dir, "/ignore");
	if (run->auth_path)
		join(ret, "--authfile=", run->auth_path, "");
	if (run->spec->target)
		join(ret, "--target=", run->spec->target, "");
	pairs(ret, "--build-arg=", run->spec->build_args, run->spec->build_arg_count);
	pairs(ret, "--label=", run->spec->labels, run->spec->label_count);
	add(ret, "--");
	add(ret, run->context_dir);
}

/*
 * Uncompressed: the base's own blobs are found by their diff ids, ours are compressed once, by us. buildah's own
 * push cannot (it ignores --disable-compression for a layout), and is slower.
 */
static void skopeo_args(const struct buildah *buildah, const struct buildah_place *place, const char *image,
			struct words *ret)
{
	struct buf source = { 0 };

	*ret = (struct words){ 0 };
	add(ret, "skopeo");
	join(ret, "--policy=", place->dir, "/policy.json");
	add(ret, "copy");
	add(ret, "--quiet");
	add(ret, "--dest-oci-accept-uncompressed-layers");
	add(ret, "--");
	buf_printf(&source, "containers-storage:[%s@%s+%s]@%s", buildah->driver, place->root, place->run,
		   image + strlen("sha256:"));
	add_owned(ret, buf_take(&source));
}

void buildah_push_args(const struct buildah *buildah, const struct buildah_place *place, const char *image,
		       const char *tag, struct words *ret)
{
	struct buf destination = { 0 };

	if (buildah->skopeo[0]) {
		skopeo_args(buildah, place, image, ret);
	} else {
		common_args(buildah, place, ret);
		add(ret, "push");
		add(ret, "--quiet");
		add(ret, "--format=oci");
		join(ret, "--signature-policy=", place->dir, "/policy.json");
		add(ret, "--");
		add(ret, image);
	}
	buf_printf(&destination, "oci:%s:%s", place->layout, tag);
	add_owned(ret, buf_take(&destination));
}

void buildah_remove_args(const struct buildah *buildah, const struct buildah_place *place, struct words *ret)
{
	common_args(buildah, place, ret);
	add(ret, "rm");
	add(ret, "--all");
}

void buildah_env(const struct buildah_place *place, const char *scratch_dir, struct words *ret)
{
	static const char *const passed[] = { "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY",
					      "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR" };

	*ret = (struct words){ 0 };
	add(ret, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	add(ret, "LANG=C.UTF-8");
	join(ret, "HOME=", scratch_dir, "");
	join(ret, "TMPDIR=", place->tmp, "");
	join(ret, "CONTAINERS_CONF=", place->dir, "/containers.conf");
	join(ret, "CONTAINERS_STORAGE_CONF=", place->dir, "/storage.conf");
	join(ret, "CONTAINERS_REGISTRIES_CONF=", scratch_dir, "/registries.conf");
	for (size_t i = 0; i < sizeof(passed) / sizeof(passed[0]); i++) {
		const char *value = getenv(passed[i]);

		if (value) {
			struct buf word = { 0 };

			buf_printf(&word, "%s=%s", passed[i], value);
			add_owned(ret, buf_take(&word));
		}
	}
}
