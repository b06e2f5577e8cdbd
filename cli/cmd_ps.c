/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cli/client.h"
#include "cli/command.h"
#include "cli/job_view.h"
#include "common/mem.h"

struct ps_options {
	struct client_flags client;
	bool is_json, is_all;
	const char *platform, *build;
	int limit;
};

static int parse(const struct command *command, int argc, char **argv, struct ps_options *options)
{
	static const struct option flags[] = {
		{ "all", no_argument, NULL, 'a' }, { "build", required_argument, NULL, 'b' },
		{ "platform", required_argument, NULL, 'p' }, { "last", required_argument, NULL, 'n' },
		{ "json", no_argument, NULL, 'j' }, CLIENT_OPTIONS, { 0 },
	};
	char *end;
	int flag;

	options->limit = 50;
	while ((flag = getopt_long(argc, argv, "an:", flags, NULL)) != -1) {
		if (client_flag(&options->client, flag, optarg))
			continue;
		switch (flag) {
		case 'a': options->is_all = true; break;
		case 'b': options->build = optarg; break;
		case 'p': options->platform = optarg; break;
		case 'j': options->is_json = true; break;
		case 'n':
			options->limit = (int)strtol(optarg, &end, 10);
			if (*end || options->limit < 1 || options->limit > 500)
				return command_usage(command, "--last: \"%s\" is not a number from 1 to 500", optarg);
			break;
		default: return EXIT_USAGE;
		}
	}
	if (optind < argc)
		return command_usage(command, "unexpected word \"%s\"", argv[optind]);
	return EXIT_OK;
}

static int ps_run(const struct command *command, int argc, char **argv)
{
	CLEANUP(buf_clear) struct buf path = { 0 };
	struct ps_options options = { 0 };
	struct client *client = NULL;
	json_t *root = NULL;
	struct error err;
	int rc = parse(command, argc, argv, &options);

	if (rc != EXIT_OK)
		return rc;
	if (client_open(&options.client, &client, &err) < 0)
		return command_fail(command, &err);
	buf_printf(&path, "/v1/jobs?limit=%d", options.limit);
	if (!options.is_all && !options.build)
		buf_puts(&path, "&state=live");
	if (options.build)
		buf_printf(&path, "&build=%s", options.build);
	if (options.platform)
		buf_printf(&path, "&platform=%s", options.platform);
	rc = client_get(client, path.data, &root, &err);
	client_close(client);
	if (rc < 0)
		return command_fail(command, &err);
	if (options.is_json)
		view_json(root);
	else
		view_jobs(json_object_get(root, "jobs"), stdout);
	json_decref(root);
	return EXIT_OK;
}

static const struct command ps_command = {
	.name = "ps",
	.usage = "[-a] [--build ID] [--platform P] [-n COUNT] [--json]",
	.summary = "the job table: what runs, what waits and why",
	.help = "  -a, --all             also jobs that have ended\n"
		"      --build ID        of this build, ended or not\n"
		"      --platform P      of this platform\n"
		"  -n, --last COUNT      so many at most, newest first (50)\n"
		"      --json            as the API gives it\n",
	.run = ps_run,
};

const struct command *cmd_ps(void)
{
	return &ps_command;
}
