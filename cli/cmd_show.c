/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/args.h"
#include "cli/job_view.h"
#include "cli/table.h"

static void show_line(const char *title, const char *text)
{
	if (*text)
		printf("%-10s %s\n", title, text);
}

static void show_tags(const json_t *build)
{
	size_t i;
	json_t *tag;

	json_array_foreach(json_object_get(build, "tags"), i, tag)
		printf("%-10s %s  %s%s%s\n", "tag", view_text(tag, "reference"), view_text(tag, "state"),
		       *view_text(tag, "reason") ? ": " : "", view_text(tag, "reason"));
}

static void show_events(const json_t *build)
{
	static const char *const titles[] = { "WHEN (UTC)", "EVENT", "JOB", "WHAT", NULL };
	struct table *table = table_new(titles);
	size_t i;
	json_t *event;
	char job[32], at[32];

	json_array_foreach(json_object_get(build, "events"), i, event) {
		snprintf(at, sizeof(at), "%.23s", view_text(event, "at"));
		snprintf(job, sizeof(job), "%lld", (long long)view_int(event, "job"));
		table_cell(table, at);
		table_cell(table, view_text(event, "kind"));
		table_cell(table, view_int(event, "job") ? job : NULL);
		table_cell(table, view_text(event, "text"));
	}
	table_print(table, stdout);
	table_free(table);
}

static void show_build(const json_t *build)
{
	printf("%-10s %lld\n", "build", (long long)view_int(build, "id"));
	show_line("state", view_text(build, "state"));
	show_line("reason", view_text(build, "reason"));
	show_line("created", view_text(build, "created_at"));
	show_line("finished", view_text(build, "finished_at"));
	show_line("index", view_text(build, "index_digest"));
	show_tags(build);
	putchar('\n');
	view_jobs(json_object_get(build, "jobs"), stdout);
	putchar('\n');
	show_events(build);
}

static int show_run(const struct command *command, int argc, char **argv)
{
	struct args args;
	json_t *root = NULL;
	int64_t build;
	char path[64];
	int rc = args_parse(command, argc, argv, "j", &args);

	if (rc != EXIT_OK || (rc = args_build(command, &args, &build)) != EXIT_OK)
		return rc;
	snprintf(path, sizeof(path), "/v1/builds/%lld", (long long)build);
	rc = args_get(command, &args, path, &root);
	if (rc != EXIT_OK)
		return rc;
	if (args.is_json)
		view_json(root);
	else
		show_build(root);
	json_decref(root);
	return EXIT_OK;
}

static const struct command show_command = {
	.name = "show",
	.usage = "[--json] BUILD",
	.summary = "one build: its jobs, tags, and what happened when",
	.help = "      --json            as the API gives it\n",
	.run = show_run,
};

const struct command *cmd_show(void)
{
	return &show_command;
}
