/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "common/mem.h"
#include "coordinator/core/core.h"
#include "coordinator/core/state.h"

#define I(x) ((long long)(x))

static void dump_publish(const struct publish *publish, struct buf *out)
{
	const struct publish_row *row = &publish->row;

	buf_printf(out, "\tpublish %lld number %d %s index %s reason %s from %lld to %lld%s\n", I(row->id), row->number,
		   publish_state_name(row->state), row->index_digest, row->reason, I(row->started_ms), I(row->ended_ms),
		   publish->is_holding ? " holding" : "");
	for (size_t i = 0; i < publish->step_count; i++) {
		const struct publish_step_row *step = &publish->steps[i].row;

		buf_printf(out, "\t\tstep %d %s %s repository %s job %lld tag %lld tries %d not before %lld reason %s from %lld to %lld\n",
			   step->n, publish_step_kind_name(step->kind), publish_step_state_name(step->state), step->repository,
			   I(step->job), I(step->tag), step->tries, I(step->not_before_ms), step->reason, I(step->started_ms),
			   I(step->ended_ms));
	}
}

static void dump_attempt(const struct attempt *attempt, struct buf *out)
{
	const struct attempt_row *row = &attempt->row;

	buf_printf(out, "\t\tattempt %lld number %d on %s %s class %d reason %s step %s exit %d seq %lld log %lld%s\n", I(row->id),
		   row->number, row->worker, attempt_state_name(row->state), (int)row->failure, row->reason, row->failed_step,
		   row->exit_code, I(row->last_seq), I(row->log_bytes), row->is_confirmed ? " confirmed" : "");
	buf_printf(out, "\t\t\tproof %s offered %lld from %lld to %lld engine %lld %lld pushed %lld\n", row->proof,
		   I(row->offered_ms), I(row->started_ms), I(row->ended_ms), I(row->engine_started_ms),
		   I(row->engine_ended_ms), I(row->pushed_ms));
}

static void dump_job(const struct job *job, struct buf *out)
{
	const struct job_row *row = &job->row;

	buf_printf(out, "\tjob %lld %s %s attempt %lld count %d not before %lld class %d reason %s result %s %s %lld\n", I(row->id),
		   job->queue->text, job_state_name(row->state), I(row->attempt), row->attempt_count, I(row->not_before_ms),
		   (int)row->failure, row->reason, row->media_type, row->digest, I(row->size_bytes));
	buf_printf(out, "\t\tqueued %lld from %lld to %lld %s excluded", I(row->queued_ms), I(row->started_ms),
		   I(row->finished_ms),
		   !job->node.heap ? "not waiting" : job->node.heap == &job->queue->delayed ? "delayed" : "ready");
	for (size_t i = 0; i < job->excluded.count; i++)
		buf_printf(out, " %s", ((const struct worker *)job->excluded.items[i])->row.name);
	buf_puts(out, "\n");
	for (const struct attempt *attempt = job->newest; attempt; attempt = attempt->older)
		dump_attempt(attempt, out);
}

static void dump_build(const struct build *build, struct buf *out)
{
	const struct build_row *row = &build->row;

	buf_printf(out, "build %lld project %lld live %d %s reason %s index %s%s created %lld finished %lld spec %s\n", I(row->id),
		   I(row->project), build->project->live_count, build_state_name(row->state), row->reason, row->index_digest,
		   row->is_cancelling ? " cancelling" : "", I(row->created_ms), I(row->finished_ms), row->spec);
	for (size_t i = 0; i < build->job_count; i++)
		dump_job(build->jobs[i], out);
	for (size_t i = 0; i < build->tag_count; i++) {
		const struct tag_row *tag = &build->tags[i]->row;
		int64_t mover = build->tags[i]->head->build;

		buf_printf(out, "\ttag %lld %s %s reason %s digest %s moved %lld newer %lld\n", I(tag->id), tag->reference,
			   tag_state_name(tag->state), tag->reason, tag->digest, I(tag->moved_ms),
			   I(mover > row->id ? mover : 0));
	}
	if (build->publish)
		dump_publish(build->publish, out);
}

static void dump_workers(const struct core *core, struct buf *out)
{
	for (size_t i = 0; i < core->workers.count; i++) {
		const struct worker *worker = core->workers.items[i];
		const struct worker_row *row = &worker->row;

		buf_printf(out, "worker %s %s %s %s %s proof %s platforms %s (%zu) slots %d live %zu\n", row->name, row->version,
			   row->engine, row->kernel_arch, row->cpu, row->proof, row->platforms, worker->platform_count,
			   row->slots, worker->live.count);
		buf_printf(out, "\trefused %s remedy %s seen %lld to %lld\n", row->refused_because, row->remedy,
			   I(row->first_seen_ms), I(row->last_seen_ms));
	}
}

static int compare_builds(const void *a, const void *b)
{
	int64_t x = (*(struct build *const *)a)->row.id, y = (*(struct build *const *)b)->row.id;

	return (x > y) - (x < y);
}

static void dump_builds(const struct core *core, struct buf *out)
{
	struct list list = { 0 };
	struct build *build;

	for (size_t at = 0; (build = map_next(&core->builds, &at));)
		list_push(&list, build);
	if (list.count)
		qsort(list.items, list.count, sizeof(void *), compare_builds);
	for (size_t i = 0; i < list.count; i++)
		dump_build(list.items[i], out);
	list_clear(&list);
}

void core_dump(const struct core *core, struct buf *out)
{
	buf_printf(out, "last build %lld job %lld attempt %lld tag %lld publish %lld\n", I(core->last_build), I(core->last_job),
		   I(core->last_attempt), I(core->last_tag), I(core->last_publish));
	dump_builds(core, out);
	dump_workers(core, out);
}
