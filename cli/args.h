/* SPDX-License-Identifier: Apache-2.0 */
/* Small commands: the flags all share, --json, and at most one word. */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include "cli/client.h"
#include "cli/command.h"

struct args {
	struct client_flags client;
	bool is_json, is_raw, is_following;
	const char *platform;
	const char *word;  /* NULL when none was given */
};

/* EXIT_OK, or the status to leave with (said on stderr). extra: which of "j", "r", "f", "p" are allowed. */
int args_parse(const struct command *command, int argc, char **argv, const char *extra, struct args *ret_args);

/* What a path of the API answers (json_decref); EXIT_OK, or the status of the error (said). */
int args_get(const struct command *command, struct args *args, const char *path, json_t **ret_root);

/* The word as a build id above 0; EXIT_OK or EXIT_USAGE (said). */
int args_build(const struct command *command, const struct args *args, int64_t *ret_build);

#endif
