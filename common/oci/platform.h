/* SPDX-License-Identifier: Apache-2.0 */
/*
 * os/architecture[/variant], normalised as containerd does (registry facts 2.2): aarch64 -> arm64,
 * x86_64 -> amd64, amd64/v1 -> amd64, arm64/v8 -> arm64, arm -> arm/v7. Pure text, no I/O.
 */
#ifndef COMMON_OCI_PLATFORM_H
#define COMMON_OCI_PLATFORM_H

#include <stdbool.h>

#include "common/error.h"

#define PLATFORM_TEXT_MAX 48

struct platform {
	char os[16];
	char architecture[16];
	char variant[8]; /* "" for none */
};

/* Parses "linux/arm64" and normalises. ERR_INVALID says what is wrong and shows a right one. */
int platform_parse(const char *text, struct platform *ret_platform, struct error *err);

/* From the three members as a config or index carries them; any may be NULL. */
int platform_from_parts(const char *os, const char *architecture, const char *variant,
			struct platform *ret_platform, struct error *err);

/* "os/architecture[/variant]". */
void platform_format(const struct platform *platform, char text[PLATFORM_TEXT_MAX]);
bool platform_equal(const struct platform *a, const struct platform *b);

/* Order inside an index: os, architecture, baseline before variants, v2 before v3. <0, 0, >0. */
int platform_compare(const struct platform *a, const struct platform *b);

#endif
