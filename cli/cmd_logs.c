/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/args.h"
#include "cli/follow.h"
#include "cli/job_view.h"

struct lines {
	const char *platform;
	bool is_inside; /* a line is not at its end */
};

static int on_data(const char *data, size_t len, void *arg)
{
	struct lines *lines = arg;

	for (size_t i = 0; i < len; i++) {
		if (!lines->is_inside)
			printf("[%s] ", lines->platform);
		putchar(data[i]);
		lines->is_inside = data[i] != '\n';
	}
	return 0;
}

/* What each job's current attempt has written so far. */
static int print_logs(struct client *client, const json_t *build, const char *platform, struct error *err)
{
	size_t i;
	json_t *job;

	json_array_foreach(json_object_get(build, "jobs"), i, job) {
		struct lines lines = { .platform = view_text(job, "platform") };
		struct client_stream stream = { .on_data = on_data, .arg = &lines };
		char path[64];

		if (platform && strcmp(platform, lines.platform) != 0)
			continue;
		if (!json_is_object(json_object_get(job, "attempt")))
			continue;
		snprintf(path, sizeof(path), "/v1/jobs/%lld/log", (long long)view_int(job, "id"));
		if (client_stream(client, path, &stream, err) < 0)
			return -1;
		if (lines.is_inside)
			putchar('\n');
	}
	return 0;
}

static int logs_of(struct client *client, int64_t build, const struct args *args, struct error *err)
{
	struct follow_options follow = { .out = stdout, .platform = args->platform };
	json_t *root = NULL;
	char path[64];
	int rc;

	snprintf(path, sizeof(path), "/v1/builds/%lld", (long long)build);
	if (args->is_following)
		rc = follow_build(client, build, &follow, &root, err);
	else if ((rc = client_get(client, path, &root, err)) == 0)
		rc = print_logs(client, root, args->platform, err);
	json_decref(root);
	return rc;
}

static int logs_run(const struct command *command, int argc, char **argv)
{
	struct client *client = NULL;
	struct args args;
	struct error err;
	int64_t build;
	int rc = args_parse(command, argc, argv, "fp", &args);

	if (rc != EXIT_OK || (rc = args_build(command, &args, &build)) != EXIT_OK)
		return rc;
	if (client_open(&args.client, &client, &err) < 0)
		return command_fail(command, &err);
	rc = logs_of(client, build, &args, &err);
	client_close(client);
	if (rc < 0)
		return command_fail(command, &err);
	return rc == FOLLOW_INTERRUPTED ? EXIT_INTERRUPTED : EXIT_OK;
}

static const struct command logs_command = {
	.name = "logs",
	.usage = "[-f] [--platform P] BUILD",
	.summary = "what a build's jobs wrote, with the platform in front of each line",
	.help = "  -f, --follow          go on until the build ends\n"
		"      --platform P      only this job\n",
	.run = logs_run,
};

const struct command *cmd_logs(void)
{
	return &logs_command;
}
