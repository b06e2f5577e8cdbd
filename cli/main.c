/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "common/http/http.h"
#include "common/version.h"

static const struct command *(*const commands[])(void) = {
	cmd_build, cmd_ps, cmd_logs, cmd_show, cmd_cancel, cmd_workers, cmd_inspect,
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static void print_help(FILE *out)
{
	fprintf(out, "Usage: manifold COMMAND [...]\n\n"
		     "Builds one container image for several platforms, each on a machine of that platform,\n"
		     "and publishes them under one tag. No emulation.\n\nCommands:\n");
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		fprintf(out, "  %-9s %s\n", commands[i]()->name, commands[i]()->summary);
	fprintf(out, "\nSettings: MANIFOLD_URL, MANIFOLD_TOKEN (or --url, --token-file, --config FILE)\n"
		     "Exit status: 0 succeeded, 1 build failed, 2 usage, 3 infrastructure, 4 refused, 130 interrupted\n"
		     "See manifold COMMAND --help\n");
}

static int wants_help(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	signal(SIGPIPE, SIG_IGN);
	if (strcmp(name, "--version") == 0) {
		printf("manifold %s (%s)\n", version_text(), version_isa_level());
		return EXIT_OK;
	}
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
		print_help(stdout);
		return EXIT_OK;
	}
	http_global_init();
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		const struct command *command = commands[i]();

		if (strcmp(name, command->name) != 0)
			continue;
		if (wants_help(argc - 1, argv + 1)) {
			command_help(command);
			return EXIT_OK;
		}
		return command->run(command, argc - 1, argv + 1);
	}
	if (*name)
		fprintf(stderr, "manifold: there is no command \"%s\"\n\n", name);
	print_help(stderr);
	return EXIT_USAGE;
}
