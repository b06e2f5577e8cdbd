/* SPDX-License-Identifier: Apache-2.0 */
/* A core from its rows. Rows that name one that is not there are left alone. */
#include <stdlib.h>

#include "common/mem.h"
#include "coordinator/core/attempt.h"
#include "coordinator/core/build.h"
#include "coordinator/core/job.h"
#include "coordinator/core/load.h"
#include "coordinator/core/publish.h"
#include "coordinator/core/queue.h"
#include "coordinator/core/tag.h"
#include "coordinator/core/warm.h"
#include "coordinator/core/worker.h"

#define DEFINE_COMPARE(noun, member)                                                       \
	static int compare_##noun(const void *a, const void *b)                            \
	{                                                                                  \
		int64_t x = ((const struct noun *)a)->member, y = ((const struct noun *)b)->member; \
		return (x > y) - (x < y);                                                  \
	}
DEFINE_COMPARE(build_row, id)
DEFINE_COMPARE(job_row, id)
DEFINE_COMPARE(attempt_row, id)
DEFINE_COMPARE(tag_row, id)
DEFINE_COMPARE(publish_row, id)
DEFINE_COMPARE(publish_step_row, n)

#define SORT(list, count, noun)                                                            \
	do {                                                                               \
		if ((count) > 1)                                                           \
			qsort((list), (count), sizeof(struct noun), compare_##noun);       \
	} while (0)

static void load_builds(struct core *core, struct rows *rows)
{
	SORT(rows->builds, rows->build_count, build_row);
	for (size_t i = 0; i < rows->build_count; i++) {
		build_new(core, &rows->builds[i]);
		rows->builds[i].spec = NULL;
	}
	SORT(rows->jobs, rows->job_count, job_row);
	for (size_t i = 0; i < rows->job_count; i++) {
		struct build *build = map_get(&core->builds, rows->jobs[i].build);

		if (build && build->job_count < SPEC_PLATFORMS_MAX)
			job_new(core, build, &rows->jobs[i]);
	}
	SORT(rows->tags, rows->tag_count, tag_row);
	for (size_t i = 0; i < rows->tag_count; i++) {
		struct build *build = map_get(&core->builds, rows->tags[i].build);

		if (build && build->tag_count < SPEC_TAGS_MAX)
			tag_new(core, build, &rows->tags[i]);
	}
}

static void load_attempts(struct core *core, struct rows *rows)
{
	SORT(rows->attempts, rows->attempt_count, attempt_row);
	for (size_t i = 0; i < rows->attempt_count; i++) {
		const struct attempt_row *row = &rows->attempts[i];
		struct job *job = map_get(&core->jobs, row->job);

		if (job)
			attempt_new(core, job, worker_of(core, row->worker), row);
	}
	for (size_t i = 0; i < rows->job_count; i++) {
		struct job *job = map_get(&core->jobs, rows->jobs[i].id);

		if (job && job->row.state == JOB_QUEUED)
			queue_add(core, job);
		else if (job && job->row.state == JOB_SUCCEEDED && job->newest)
			warm_remember(core, job, job->newest->worker);
	}
}

static void load_publishes(struct core *core, struct rows *rows)
{
	SORT(rows->publishes, rows->publish_count, publish_row);
	for (size_t i = 0; i < rows->publish_count; i++) {
		struct build *build = map_get(&core->builds, rows->publishes[i].build);

		if (build)
			publish_load(core, build, &rows->publishes[i]);
	}
	SORT(rows->publish_steps, rows->publish_step_count, publish_step_row);
	for (size_t i = 0; i < rows->publish_step_count; i++) {
		struct publish *publish = map_get(&core->publishes, rows->publish_steps[i].publish);

		if (publish)
			publish_load_step(publish, &rows->publish_steps[i]);
	}
	for (size_t i = 0; i < rows->build_count; i++) {
		struct build *build = map_get(&core->builds, rows->builds[i].id);

		if (build->publish)
			publish_resume(core, build->publish);
	}
}

void load_rows(struct core *core, struct rows *rows)
{
	core->last_build = rows->last_build;
	core->last_job = rows->last_job;
	core->last_attempt = rows->last_attempt;
	core->last_tag = rows->last_tag;
	core->last_publish = rows->last_publish;
	for (size_t i = 0; i < rows->worker_count; i++)
		worker_load(core, &rows->workers[i]);
	load_builds(core, rows);
	for (size_t i = 0; i < rows->head_count; i++)
		tag_learn_head(core, &rows->heads[i]);
	load_attempts(core, rows);
	load_publishes(core, rows);
	rows_clear(rows);
}
