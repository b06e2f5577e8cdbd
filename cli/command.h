/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of `manifold`, one file each (cmd_NAME.c), and what they share: flags and exit statuses. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>

#include "common/error.h"

enum exit_status {
	EXIT_OK = 0,
	EXIT_BUILD_FAILED = 1,   /* the Dockerfile's own fault */
	EXIT_USAGE = 2,
	EXIT_INFRASTRUCTURE = 3, /* coordinator, workers, network, registry: the same call may do later */
	EXIT_REFUSED = 4,        /* not allowed, or against a rule of Manifold */
	EXIT_INTERRUPTED = 130,
};

struct command {
	const char *name;
	const char *usage;       /* after the name: "[-f FILE] -t TAG CONTEXT" */
	const char *summary;     /* one line */
	const char *help;        /* the flags, a line each */
	/* argv[0] is the command's name. Prints its own errors; returns an exit status. */
	int (*run)(const struct command *command, int argc, char **argv);
};

const struct command *cmd_build(void);
const struct command *cmd_cancel(void);
const struct command *cmd_ps(void);
const struct command *cmd_logs(void);
const struct command *cmd_show(void);
const struct command *cmd_workers(void);
const struct command *cmd_inspect(void);

/* Says the error on stderr and gives the status that belongs to its code. */
int command_fail(const struct command *command, const struct error *err);

/* Says what is wrong with the words and how it should be; EXIT_USAGE. */
int command_usage(const struct command *command, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void command_help(const struct command *command);

/* The exit status for an error; one table for all commands. */
int command_exit_status(enum err_code code);

#endif
