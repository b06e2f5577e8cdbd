/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"

#include <stdarg.h>
#include <stdio.h>

int command_exit_status(enum err_code code)
{
	switch (code) {
	case ERR_INVALID:
	case ERR_NOT_FOUND:
		return EXIT_USAGE;
	case ERR_DENIED:
	case ERR_CONFLICT:
		return EXIT_REFUSED;
	case ERR_INTERNAL:
	case ERR_NO_MEMORY:
	case ERR_IO:
	case ERR_DATABASE:
	case ERR_FULL:
	case ERR_UNAVAILABLE:
		break;
	}
	return EXIT_INFRASTRUCTURE;
}

int command_fail(const struct command *command, const struct error *err)
{
	fprintf(stderr, "manifold %s: %s\n", command->name, err->msg);
	return command_exit_status(err->code);
}

int command_usage(const struct command *command, const char *fmt, ...)
{
	va_list args;

	fprintf(stderr, "manifold %s: ", command->name);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "\nUsage: manifold %s %s\nSee manifold %s --help\n", command->name, command->usage,
		command->name);
	return EXIT_USAGE;
}

void command_help(const struct command *command)
{
	printf("Usage: manifold %s %s\n\n%s\n\n%s\n"
	       "Every command:\n"
	       "  --url URL             the coordinator; MANIFOLD_URL\n"
	       "  --token-file FILE     file that holds the token; MANIFOLD_TOKEN_FILE\n"
	       "  --token TOKEN         the token itself (seen by others in ps: prefer MANIFOLD_TOKEN)\n"
	       "  --ca-file FILE        CA certificates to trust; MANIFOLD_CA_FILE\n"
	       "  --config FILE         settings file; default /etc/manifold/manifold.conf\n",
	       command->name, command->usage, command->summary, command->help);
}
