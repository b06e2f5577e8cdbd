/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cli/args.h"

static int cancel_run(const struct command *command, int argc, char **argv)
{
	struct client *client = NULL;
	struct args args;
	struct error err;
	json_t *root = NULL;
	int64_t build;
	char path[64];
	int rc = args_parse(command, argc, argv, "", &args);

	if (rc != EXIT_OK || (rc = args_build(command, &args, &build)) != EXIT_OK)
		return rc;
	if (client_open(&args.client, &client, &err) < 0)
		return command_fail(command, &err);
	snprintf(path, sizeof(path), "/v1/builds/%lld/cancel", (long long)build);
	rc = client_post(client, path, "{}", &root, &err);
	client_close(client);
	if (rc < 0)
		return command_fail(command, &err);
	json_decref(root);
	printf("build %lld: cancelling\n", (long long)build);
	return EXIT_OK;
}

static const struct command cancel_command = {
	.name = "cancel",
	.usage = "BUILD",
	.summary = "ends a build's jobs; a build that publishes already is not cancelled",
	.help = "",
	.run = cancel_run,
};

const struct command *cmd_cancel(void)
{
	return &cancel_command;
}
