/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What runs the Dockerfile: a small table of functions. An engine's run ends in a kept OCI layout
 * (uncompressed layers); the push is not its business. Probed once at start.
 */
#ifndef WORKER_ENGINE_H
#define WORKER_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/wire/spec.h"

struct engine_settings {
	const char *name;        /* "auto", "buildah" */
	const char *isolation;   /* "auto", "chroot", "oci" */
	const char *runtime;     /* "runc"; with oci */
	const char *state_dir;
};

struct engine_run {
	int64_t attempt;
	const struct build_spec *spec;
	struct platform platform;
	const char *context_dir; /* unpacked */
	const char *scratch_dir; /* the attempt's own, exists */
	int log_fd;              /* the engine's stdout and stderr: the write end of the job's pipe */
	const char *auth_path;   /* pull credentials, readable during the run; NULL: none */
	int cancel_fd;           /* readable: stop */
	int timeout_s;
};

struct engine_result {
	bool is_cancelled, is_timeout;
	bool is_out_of_memory;   /* the kernel killed something of it */
	int64_t started_ms;      /* wall clock, when its first process began */
	int exit_code;           /* 0: the layout holds the image */
	int term_signal;
	char layout_dir[512];    /* kept layout of (engine, platform) */
	char layout_tag[64];     /* names this attempt's manifest in it */
	char storage_dir[512];   /* where the engine knows its base layers (diff_id -> blob); "" when it cannot say */
};

struct engine {
	char text[64];           /* "buildah 1.28.2" */
	struct engine_settings settings;
	/* Blocks. 0: the engine ended (result says how); -1: it could not be run (ERR_IO, ERR_UNAVAILABLE). */
	int (*run)(const struct engine *engine, const struct engine_run *run, struct engine_result *ret_result,
		   struct error *err);
	/* Removes what a run left; also called for runs of an earlier life. Never fails for "nothing there". */
	int (*clean)(const struct engine *engine, const struct platform *platform, const char *scratch_dir,
		     struct error *err);
};

/* Finds and probes an engine. ERR_NOT_FOUND says which package to install. Texts are copied. */
int engine_open(const struct engine_settings *settings, struct engine **ret_engine, struct error *err);
void engine_close(struct engine *engine);

#endif
