/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/job_view.h"

#include <string.h>

#include "cli/table.h"

#define WHAT_MAX 100 /* bytes of a reason in the job table; manifold show has all of it */

const char *view_text(const json_t *obj, const char *key)
{
	const char *text = json_string_value(json_object_get(obj, key));

	return text ? text : "";
}

int64_t view_int(const json_t *obj, const char *key)
{
	return json_integer_value(json_object_get(obj, key));
}

void view_json(const json_t *root)
{
	json_dumpf(root, stdout, JSON_INDENT(2));
	putchar('\n');
}

void view_duration(int64_t ms, char *text, size_t size)
{
	if (ms < 0)
		snprintf(text, size, "-");
	else if (ms < 60000)
		snprintf(text, size, "%lld.%llds", (long long)(ms / 1000), (long long)(ms % 1000 / 100));
	else if (ms < 3600000)
		snprintf(text, size, "%lldm%02llds", (long long)(ms / 60000), (long long)(ms % 60000 / 1000));
	else
		snprintf(text, size, "%lldh%02lldm", (long long)(ms / 3600000), (long long)(ms % 3600000 / 60000));
}

void view_size(int64_t bytes, char *text, size_t size)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 999.95 && unit < 4) {
		value /= 1000;
		unit++;
	}
	snprintf(text, size, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
}

/* What it waits for while it waits, why it failed, else the step it is in. */
static void describe(const json_t *job, char *text, size_t size)
{
	const json_t *step = json_object_get(job, "step");
	const char *state = view_text(job, "state");

	if (*view_text(job, "waiting_for"))
		snprintf(text, size, "%s", view_text(job, "waiting_for"));
	else if (strlen(view_text(job, "reason")) > WHAT_MAX)
		snprintf(text, size, "%.*s...", WHAT_MAX - 3, view_text(job, "reason"));
	else if (*view_text(job, "reason"))
		snprintf(text, size, "%s", view_text(job, "reason"));
	else if (strcmp(state, "succeeded") == 0)
		snprintf(text, size, "%.19s", view_text(job, "digest"));
	else if (json_is_object(step))
		snprintf(text, size, "%lld/%lld %s", (long long)view_int(step, "n"), (long long)view_int(step, "total"),
			 view_text(step, "name"));
	else
		snprintf(text, size, "-");
}

static void view_job(struct table *table, const json_t *job)
{
	const json_t *attempt = json_object_get(job, "attempt");
	char text[600];

	snprintf(text, sizeof(text), "%lld", (long long)view_int(job, "id"));
	table_cell(table, text);
	snprintf(text, sizeof(text), "%lld", (long long)view_int(job, "build"));
	table_cell(table, text);
	table_cell(table, view_text(job, "platform"));
	table_cell(table, view_text(job, "state"));
	snprintf(text, sizeof(text), "%lld", (long long)view_int(attempt, "number"));
	table_cell(table, json_is_object(attempt) ? text : NULL);
	table_cell(table, view_text(job, "worker"));
	snprintf(text, sizeof(text), "%.19s", view_text(job, "started_at"));
	table_cell(table, text);
	if (json_is_integer(json_object_get(job, "duration_ms")))
		view_duration(view_int(job, "duration_ms"), text, sizeof(text));
	else
		snprintf(text, sizeof(text), "-");
	table_cell(table, text);
	table_cell(table, view_text(job, "repository"));
	describe(job, text, sizeof(text));
	table_cell(table, text);
}

void view_jobs(const json_t *jobs, FILE *out)
{
	static const char *const titles[] = { "JOB", "BUILD", "PLATFORM", "STATE", "TRY", "WORKER", "STARTED (UTC)",
					      "TIME", "REPOSITORY", "WHAT", NULL };
	struct table *table = table_new(titles);
	size_t i;
	json_t *job;

	json_array_foreach(jobs, i, job)
		view_job(table, job);
	table_print(table, out);
	table_free(table);
}
