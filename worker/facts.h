/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this host is, proven: which platforms its own CPU executes, and that nothing here emulates
 * another (design 3.1). Taken at start, at every hello and before each job.
 */
#ifndef WORKER_FACTS_H
#define WORKER_FACTS_H

#include <stdbool.h>

#include "common/wire/spec.h"

struct facts {
	char kernel_arch[32];     /* /proc/sys/kernel/arch, else uname */
	char cpu[128];
	struct platform platforms[SPEC_PLATFORMS_MAX]; /* executed natively, baseline first */
	size_t platform_count;
	bool is_native;
	char refused_because[512]; /* "an enabled binfmt_misc handler (qemu-aarch64) emulates aarch64" */
	char remedy[512];          /* the exact command that mends it */
	char proof[512];
};

/* 0, also when not native (see is_native); -1 only when the host cannot be examined at all. */
int facts_take(const char *scratch_dir, struct facts *ret_facts, struct error *err);

/* Keeps only the platforms in the comma-separated list. ERR_INVALID when one of them is not native here. */
int facts_narrow(struct facts *facts, const char *platforms, struct error *err);

/* facts_take again: 0 when it is still native and still executes the platform; ERR_CONFLICT says what changed. */
int facts_prove(const char *scratch_dir, const struct platform *platform, char ret_proof[512], struct error *err);

#endif
