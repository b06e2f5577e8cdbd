/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buildah (1.28 and later), and skopeo, as an engine: two processes per build, each in a pid and mount namespace of
 * its own. STATE/engines/buildah/<os-arch-variant>/ holds what belongs to one platform alone, because
 * buildah's cache crosses platforms: root, run, tmp, layout. Only for engine*.c and their tests.
 */
#ifndef WORKER_ENGINE_BUILDAH_H
#define WORKER_ENGINE_BUILDAH_H

#include "worker/engine.h"

#define BUILDAH_PATH_MAX 512

struct buildah {
	struct engine engine; /* first: they are freed as one */
	char path[BUILDAH_PATH_MAX];
	char skopeo[BUILDAH_PATH_MAX]; /* "" when there is none */
	char driver[8];       /* overlay or vfs */
	int major, minor;
	bool is_chroot;       /* isolation */
};

/* Where one platform's things are. */
struct buildah_place {
	char dir[BUILDAH_PATH_MAX];
	char root[BUILDAH_PATH_MAX], run[BUILDAH_PATH_MAX], tmp[BUILDAH_PATH_MAX], layout[BUILDAH_PATH_MAX];
};

/* A list of words, for argv and env. */
struct words {
	char **list; /* NULL-ended */
	size_t count;
};

int engine_buildah_open(const struct engine_settings *settings, struct engine **ret_engine, struct error *err);

/* engine_buildah_files.c */
/* Makes the folders, and our own configuration in them so that the host's does not matter. */
int buildah_place_make(const struct buildah *buildah, const struct platform *platform, struct buildah_place *ret_place,
		       struct error *err);
/* scratch_dir/{Dockerfile,ignore,registries.conf}. ERR_INVALID says what is wrong with the context. */
int buildah_inputs_write(const struct engine_run *run, struct error *err);
/* Did a run leave containers or temporary folders? Told from files, without a process. */
bool buildah_left_something(const struct buildah_place *place);
void buildah_temporary_remove(const struct buildah_place *place);

/* engine_buildah_args.c. The caller clears. */
void buildah_bud_args(const struct buildah *buildah, const struct buildah_place *place, const struct engine_run *run,
		      struct words *ret);
/* How the image gets into the layout: by skopeo, as it is; without it by buildah, which compresses every layer. */
void buildah_push_args(const struct buildah *buildah, const struct buildah_place *place, const char *image,
		       const char *tag, struct words *ret);
void buildah_remove_args(const struct buildah *buildah, const struct buildah_place *place, struct words *ret);
void buildah_env(const struct buildah_place *place, const char *scratch_dir, struct words *ret);
void words_clear(struct words *words);

#endif
