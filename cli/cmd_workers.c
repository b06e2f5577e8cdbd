/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/args.h"
#include "cli/job_view.h"
#include "cli/table.h"

static void join_platforms(const json_t *worker, struct buf *out)
{
	size_t i;
	json_t *platform;

	json_array_foreach(json_object_get(worker, "platforms"), i, platform)
		buf_printf(out, "%s%s", i ? "," : "", json_string_value(platform));
}

static const char *worker_state(const json_t *worker)
{
	if (*view_text(worker, "refused_because"))
		return "refused";
	return json_is_true(json_object_get(worker, "connected")) ? "connected" : "away";
}

static void view_worker(struct table *table, const json_t *worker)
{
	CLEANUP(buf_clear) struct buf platforms = { 0 };
	CLEANUP(buf_clear) struct buf what = { 0 };
	char slots[32];

	join_platforms(worker, &platforms);
	snprintf(slots, sizeof(slots), "%lld/%lld", (long long)view_int(worker, "live_attempts"),
		 (long long)view_int(worker, "slots"));
	table_cell(table, view_text(worker, "name"));
	table_cell(table, worker_state(worker));
	table_cell(table, slots);
	table_cell(table, buf_text(&platforms));
	table_cell(table, view_text(worker, "engine"));
	if (*view_text(worker, "refused_because"))
		buf_printf(&what, "%s; to mend: %s", view_text(worker, "refused_because"), view_text(worker, "remedy"));
	else
		buf_puts(&what, view_text(worker, "cpu"));
	table_cell(table, buf_text(&what));
}

static void view_workers(const json_t *workers)
{
	static const char *const titles[] = { "WORKER", "STATE", "JOBS", "PLATFORMS", "ENGINE", "CPU", NULL };
	struct table *table = table_new(titles);
	json_t *worker;
	size_t i;

	json_array_foreach(workers, i, worker)
		view_worker(table, worker);
	table_print(table, stdout);
	table_free(table);
}

static int workers_run(const struct command *command, int argc, char **argv)
{
	struct args args;
	json_t *root = NULL;
	int rc = args_parse(command, argc, argv, "j", &args);

	if (rc != EXIT_OK)
		return rc;
	if (args.word)
		return command_usage(command, "unexpected word \"%s\"", args.word);
	rc = args_get(command, &args, "/v1/workers", &root);
	if (rc != EXIT_OK)
		return rc;
	if (args.is_json)
		view_json(root);
	else
		view_workers(json_object_get(root, "workers"));
	json_decref(root);
	return EXIT_OK;
}

static const struct command workers_command = {
	.name = "workers",
	.usage = "[--json]",
	.summary = "the workers: platforms, jobs and slots, and why one is refused",
	.help = "      --json            as the API gives it\n",
	.run = workers_run,
};

const struct command *cmd_workers(void)
{
	return &workers_command;
}
