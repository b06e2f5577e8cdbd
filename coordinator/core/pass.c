/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/core/pass.h"

#include "common/mem.h"
#include "coordinator/core/text.h"

struct subject subject_build(const struct build *build)
{
	return (struct subject){ .build = build->row.id };
}

struct subject subject_attempt(const struct attempt *attempt)
{
	return (struct subject){ attempt->job->build->row.id, attempt->job->row.id, attempt->row.id };
}

static void pass_touch(struct core *core, enum dirty_kind kind, void *item, bool *is_dirty)
{
	if (*is_dirty)
		return;
	*is_dirty = true;
	list_push(&core->dirty[kind], item);
	core->is_changed = true;
}

void pass_touch_worker(struct core *core, struct worker *worker)
{
	pass_touch(core, DIRTY_WORKER, worker, &worker->is_dirty);
}

void pass_touch_build(struct core *core, struct build *build)
{
	pass_touch(core, DIRTY_BUILD, build, &build->is_dirty);
}

void pass_touch_job(struct core *core, struct job *job)
{
	pass_touch(core, DIRTY_JOB, job, &job->is_dirty);
}

void pass_touch_attempt(struct core *core, struct attempt *attempt)
{
	pass_touch(core, DIRTY_ATTEMPT, attempt, &attempt->is_dirty);
}

void pass_touch_tag(struct core *core, struct tag *tag)
{
	pass_touch(core, DIRTY_TAG, tag, &tag->is_dirty);
}

void pass_touch_publish(struct core *core, struct publish *publish)
{
	pass_touch(core, DIRTY_PUBLISH, publish, &publish->is_dirty);
}

void pass_touch_step(struct core *core, struct step *step)
{
	pass_touch(core, DIRTY_STEP, step, &step->is_dirty);
}

static void effects_append(struct effects *effects, struct effect effect)
{
	if (effects->count == effects->cap) {
		effects->cap = effects->cap ? effects->cap * 2 : 16;
		effects->list = mem_realloc(effects->list, effects->cap * sizeof(struct effect));
	}
	effects->list[effects->count++] = effect;
}

static void effects_move(struct effects *to, struct effects *from)
{
	for (size_t i = 0; i < from->count; i++)
		effects_append(to, from->list[i]);
	from->count = 0;
}

static struct row *effects_save(struct effects *effects, enum row_kind kind)
{
	struct effect effect = { .type = EFFECT_SAVE, .save = mem_alloc(sizeof(struct row)) };

	effect.save->kind = kind;
	effects_append(effects, effect);
	return effect.save;
}

void pass_tell(struct core *core, struct effect effect)
{
	effects_append(&core->told, effect);
}

void pass_save_step(struct core *core, const struct attempt *attempt, const struct wire_step *step)
{
	struct step_row *row = &effects_save(&core->history, ROW_STEP)->step;

	row->attempt = attempt->row.id;
	row->n = step->n;
	row->total = step->total;
	text_format(row->name, sizeof(row->name), "%s", step->name);
	row->is_cached = step->is_cached;
	row->started_ms = step->started_ms;
	row->ended_ms = step->ended_ms;
	pass_tell(core, (struct effect){ .type = EFFECT_ANNOUNCE, .announce = {
		attempt->job->build->row.id, attempt->job->row.id, attempt->row.id } });
}

void pass_note(struct core *core, struct subject about, const char *kind, const char *fmt, ...)
{
	struct event_row *row = &effects_save(&core->history, ROW_EVENT)->event;
	va_list args;

	row->build = about.build;
	row->job = about.job;
	row->attempt = about.attempt;
	row->at_ms = core->now.wall_ms;
	text_format(row->kind, sizeof(row->kind), "%s", kind);
	va_start(args, fmt);
	text_vformat(row->text, sizeof(row->text), fmt, args);
	va_end(args);
}

static void announce(struct core *core, struct build *build, int64_t job, int64_t attempt)
{
	if (!job && build->is_announced)
		return;
	build->is_announced = true;
	pass_tell(core, (struct effect){ .type = EFFECT_ANNOUNCE, .announce = { build->row.id, job, attempt } });
}

/* Before the flags are cleared: an attempt is announced with its job when both changed. */
static void pass_announce(struct core *core)
{
	for (size_t i = 0; i < core->dirty[DIRTY_JOB].count; i++) {
		struct job *job = core->dirty[DIRTY_JOB].items[i];

		announce(core, job->build, job->row.id, job->row.attempt);
	}
	for (size_t i = 0; i < core->dirty[DIRTY_ATTEMPT].count; i++) {
		struct attempt *attempt = core->dirty[DIRTY_ATTEMPT].items[i];

		if (!attempt->job->is_dirty)
			announce(core, attempt->job->build, attempt->job->row.id, attempt->row.id);
	}
	for (size_t i = 0; i < core->dirty[DIRTY_BUILD].count; i++)
		announce(core, core->dirty[DIRTY_BUILD].items[i], 0, 0);
	for (size_t i = 0; i < core->dirty[DIRTY_TAG].count; i++)
		announce(core, ((struct tag *)core->dirty[DIRTY_TAG].items[i])->build, 0, 0);
	for (size_t i = 0; i < core->dirty[DIRTY_PUBLISH].count; i++)
		announce(core, ((struct publish *)core->dirty[DIRTY_PUBLISH].items[i])->build, 0, 0);
	for (size_t i = 0; i < core->dirty[DIRTY_STEP].count; i++)
		announce(core, ((struct step *)core->dirty[DIRTY_STEP].items[i])->publish->build, 0, 0);
}

/* One kind of row: copied out, no longer dirty. */
#define FLUSH(core, effects, dirty_kind, row_kind, noun)                                        \
	do {                                                                                    \
		for (size_t i_ = 0; i_ < (core)->dirty[dirty_kind].count; i_++) {               \
			struct noun *item_ = (core)->dirty[dirty_kind].items[i_];               \
			item_->is_dirty = false;                                                \
			effects_save((effects), row_kind)->FLUSH_##noun = item_->row;           \
		}                                                                               \
		(core)->dirty[dirty_kind].count = 0;                                            \
	} while (0)
#define FLUSH_worker worker
#define FLUSH_job job
#define FLUSH_attempt attempt
#define FLUSH_tag tag
#define FLUSH_publish publish
#define FLUSH_step publish_step

static void flush_builds(struct core *core, struct effects *effects)
{
	struct list *dirty = &core->dirty[DIRTY_BUILD];

	for (size_t i = 0; i < dirty->count; i++) {
		struct build *build = dirty->items[i];
		struct row *row = effects_save(effects, ROW_BUILD);

		row->build = build->row;
		row->build.spec = mem_strdup(build->row.spec);
		build->is_dirty = false;
	}
	dirty->count = 0;
}

void pass_flush(struct core *core, struct effects *effects)
{
	pass_announce(core);
	for (size_t i = 0; i < core->told.count; i++) {
		const struct effect *told = &core->told.list[i];
		struct build *build = told->type == EFFECT_ANNOUNCE ? map_get(&core->builds, told->announce.build) : NULL;

		if (build)
			build->is_announced = false;
	}
	/* A row comes after those it names. */
	FLUSH(core, effects, DIRTY_WORKER, ROW_WORKER, worker);
	flush_builds(core, effects);
	FLUSH(core, effects, DIRTY_JOB, ROW_JOB, job);
	FLUSH(core, effects, DIRTY_ATTEMPT, ROW_ATTEMPT, attempt);
	FLUSH(core, effects, DIRTY_TAG, ROW_TAG, tag);
	FLUSH(core, effects, DIRTY_PUBLISH, ROW_PUBLISH, publish);
	FLUSH(core, effects, DIRTY_STEP, ROW_PUBLISH_STEP, step);
	effects_move(effects, &core->history);
	effects_move(effects, &core->told);
}
