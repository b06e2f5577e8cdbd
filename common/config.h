/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings of a program: one table, three ways to give each: flag --like-this, environment
 * MANIFOLD_LIKE_THIS, config file line like_this = value (inih; sections are not needed).
 * Flag beats environment beats file beats default. --help, --version and --config come for free.
 */
#ifndef COMMON_CONFIG_H
#define COMMON_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

enum setting_kind {
	SETTING_TEXT,     /* char * on the heap, NULL when neither given nor defaulted */
	SETTING_INT,      /* int64_t, between min and max */
	SETTING_SECONDS,  /* int64_t; 90, 90s, 15m, 2h */
	SETTING_BYTES,    /* int64_t; 4096, 64KiB, 8MiB, 1GiB */
	SETTING_BOOL,     /* bool; a flag without value is true */
};

struct setting {
	const char *name;      /* "worker-listen" */
	enum setting_kind kind;
	size_t offset;         /* into the program's own struct, offsetof() */
	const char *fallback;  /* as written in a file; NULL: unset, 0, false */
	int64_t min, max;      /* of INT, SECONDS, BYTES; both 0: any that is not negative */
	const char *help;      /* one line; the default is appended by --help */
};

struct config_program {
	const char *name;      /* "manifold-worker" */
	const char *usage;     /* "manifold-worker --coordinator URL --token-file FILE [...]" */
	const char *summary;   /* a sentence or two */
	const char *default_file; /* read when it exists and no --config is given; or NULL */
	const struct setting *settings;
	size_t count;
	bool has_arguments;    /* words that are no flags are allowed (else an error) */
};

#define CONFIG_DONE 1 /* --help or --version was printed: exit 0 */

/*
 * Fills target. Words that are no flags are moved to argv[1...], *ret_rest counts them.
 * ERR_INVALID names the setting, where it was given (flag, variable, FILE:line) and what it should be;
 * an unknown flag or file line is refused with the nearest known name.
 */
int config_load(const struct config_program *program, void *target, int argc, char **argv, int *ret_rest,
		struct error *err);
void config_clear(const struct config_program *program, void *target);

#endif
