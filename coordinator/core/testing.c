/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/core/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "coordinator/core/text.h"

_Noreturn static void rig_die(const char *what, const char *detail)
{
	fputs(what, stderr);
	fputs(detail, stderr);
	fputs("\n", stderr);
	abort();
}

struct rig *rig_new(void)
{
	struct rig *rig = mem_alloc(sizeof(*rig));

	rig->config = (struct core_config){
		.attempts_max = 3, .lease_ms = 30000, .restart_lease_ms = 60000, .offer_timeout_ms = 10000,
		.backoff_ms = 2000, .publish_backoff_ms = 1000, .publish_tries_max = 3, .run_timeout_s = 7200, .seed = 42,
		.welcome = { .front_url = "http://front", .beat_interval_s = 10, .lease_s = 30, .log_window_bytes = 1 << 20 },
	};
	rig->now = (struct core_time){ .mono_ms = 1000, .wall_ms = 1700000000000 };
	rig_load(rig);
	rig_listen(rig);
	return rig;
}

void rig_free(struct rig *rig)
{
	for (size_t kind = 0; kind <= ROW_EVENT; kind++) {
		for (size_t i = 0; i < rig->tables[kind].count; i++) {
			row_clear(rig->tables[kind].rows[i]);
			mem_free(rig->tables[kind].rows[i]);
		}
		mem_free(rig->tables[kind].rows);
	}
	effects_clear(&rig->told);
	core_free(rig->core);
	mem_free(rig);
}

static int64_t row_id(const struct row *row)
{
	switch (row->kind) {
	case ROW_BUILD:
		return row->build.id;
	case ROW_JOB:
		return row->job.id;
	case ROW_ATTEMPT:
		return row->attempt.id;
	case ROW_STEP:
		return row->step.attempt * 1000 + row->step.n;
	case ROW_TAG:
		return row->tag.id;
	case ROW_PUBLISH:
		return row->publish.id;
	case ROW_PUBLISH_STEP:
		return row->publish_step.publish * 1000 + row->publish_step.n;
	default:
		return 0;
	}
}

static bool row_is_same(const struct row *a, const struct row *b)
{
	if (a->kind == ROW_WORKER)
		return strcmp(a->worker.name, b->worker.name) == 0;
	return a->kind != ROW_EVENT && row_id(a) == row_id(b);
}

/* Takes row. */
static void rig_save(struct rig *rig, struct row *row)
{
	struct rig_table *table = &rig->tables[row->kind];

	for (size_t i = table->count; row->kind != ROW_EVENT && i-- > 0;) {
		if (!row_is_same(table->rows[i], row))
			continue;
		row_clear(table->rows[i]);
		mem_free(table->rows[i]);
		table->rows[i] = row;
		return;
	}
	if (table->count == table->cap) {
		table->cap = table->cap ? table->cap * 2 : 16;
		table->rows = mem_realloc(table->rows, table->cap * sizeof(struct row *));
	}
	table->rows[table->count++] = row;
}

static void rig_take(struct rig *rig, struct effects *effects)
{
	size_t kept = 0;

	effects_clear(&rig->told);
	rig->event_rows_before = rig->tables[ROW_EVENT].count;
	for (size_t i = 0; i < effects->count; i++) {
		struct effect *effect = &effects->list[i];

		if (effect->type == EFFECT_SAVE) {
			if (kept)
				rig_die("a row is saved after something was told", "");
			rig_save(rig, effect->save);
			continue;
		}
		if (effect->type == EFFECT_WAKE)
			rig->wake_ms = effect->wake.mono_ms;
		if (effect->type == EFFECT_REASONS) {
			rig->reason_count = effect->reasons.count;
			memcpy(rig->reasons, effect->reasons.list, effect->reasons.count * sizeof(struct wait_reason));
		}
		effects->list[kept++] = *effect;
	}
	effects->count = kept;
	rig->told = *effects;
	*effects = (struct effects){ 0 };
}

static bool rig_has_live_build(const struct rig *rig, int64_t id)
{
	return !build_state_is_final(rig_build(rig, id)->state);
}

/* Copies the rows of a table that WANTED names into an array of the rows struct. */
#define COPY_ROWS(rig, table_kind, noun, list, length, wanted)                                           \
	do {                                                                                             \
		size_t room_ = 0;                                                                        \
		for (size_t i_ = 0; i_ < (rig)->tables[table_kind].count; i_++) {                        \
			const struct row *row = (rig)->tables[table_kind].rows[i_];                      \
			if (!(wanted))                                                                   \
				continue;                                                                \
			if ((length) == room_)                                                           \
				(list) = mem_realloc((list), (room_ = room_ * 2 + 4) * sizeof(*(list))); \
			(list)[(length)++] = row->noun;                                                  \
		}                                                                                        \
	} while (0)

static const struct publish_row *rig_publish(const struct rig *rig, int64_t id)
{
	const struct row *row = (size_t)id <= rig->tables[ROW_PUBLISH].count ? rig->tables[ROW_PUBLISH].rows[id - 1] : NULL;

	if (!row || row->publish.id != id)
		rig_die("no such publish", "");
	return &row->publish;
}

static void rig_copy_heads(const struct rig *rig, struct rows *rows)
{
	rows->heads = mem_alloc(64 * sizeof(*rows->heads));
	for (size_t i = 0; i < rig->tables[ROW_TAG].count; i++) {
		const struct tag_row *tag = &rig->tables[ROW_TAG].rows[i]->tag;
		size_t at = 0;

		if (tag->state != TAG_MOVED)
			continue;
		while (at < rows->head_count && strcmp(rows->heads[at].reference, tag->reference) != 0)
			at++;
		if (at == 64)
			rig_die("more references than a test may move", "");
		if (at == rows->head_count || rows->heads[at].build < tag->build)
			rows->heads[at] = *tag;
		rows->head_count += at == rows->head_count;
	}
}

static int64_t rig_last_id(const struct rig *rig, enum row_kind kind)
{
	int64_t last = 0;

	for (size_t i = 0; i < rig->tables[kind].count; i++)
		if (row_id(rig->tables[kind].rows[i]) > last)
			last = row_id(rig->tables[kind].rows[i]);
	return last;
}

struct rows rig_rows(const struct rig *rig)
{
	struct rows rows = {
		.last_build = rig_last_id(rig, ROW_BUILD), .last_job = rig_last_id(rig, ROW_JOB),
		.last_attempt = rig_last_id(rig, ROW_ATTEMPT), .last_tag = rig_last_id(rig, ROW_TAG),
		.last_publish = rig_last_id(rig, ROW_PUBLISH),
	};

	COPY_ROWS(rig, ROW_BUILD, build, rows.builds, rows.build_count, !build_state_is_final(row->build.state));
	for (size_t i = 0; i < rows.build_count; i++)
		rows.builds[i].spec = mem_strdup(rows.builds[i].spec);
	COPY_ROWS(rig, ROW_JOB, job, rows.jobs, rows.job_count, rig_has_live_build(rig, row->job.build));
	COPY_ROWS(rig, ROW_ATTEMPT, attempt, rows.attempts, rows.attempt_count,
		  rig_has_live_build(rig, rig_job(rig, row->attempt.job)->build));
	COPY_ROWS(rig, ROW_TAG, tag, rows.tags, rows.tag_count, rig_has_live_build(rig, row->tag.build));
	COPY_ROWS(rig, ROW_PUBLISH, publish, rows.publishes, rows.publish_count, rig_has_live_build(rig, row->publish.build));
	COPY_ROWS(rig, ROW_PUBLISH_STEP, publish_step, rows.publish_steps, rows.publish_step_count,
		  rig_has_live_build(rig, rig_publish(rig, row->publish_step.publish)->build));
	COPY_ROWS(rig, ROW_WORKER, worker, rows.workers, rows.worker_count, true);
	rig_copy_heads(rig, &rows);
	return rows;
}

char *rig_dump(const struct core *core)
{
	struct buf buf = { 0 };

	core_dump(core, &buf);
	return buf_take(&buf);
}

static void rig_compare(const char *live, const char *rebuilt)
{
	char detail[4096];
	size_t at = 0;

	if (strcmp(live, rebuilt) == 0)
		return;
	while (live[at] == rebuilt[at])
		at++;
	at -= at > 300 ? 300 : at;
	text_format(detail, sizeof(detail), "\n--- lived on\n%.1500s\n--- rebuilt\n%.1500s", live + at, rebuilt + at);
	rig_die("rebuilding is not living on", detail);
}

static void rig_check(const struct rig *rig)
{
	CLEANUP(mem_freep) char *live = rig_dump(rig->core);
	CLEANUP(mem_freep) char *rebuilt = NULL;
	struct core *other = core_new(&rig->config);
	struct rows rows = rig_rows(rig);
	struct effects effects = { 0 };

	core_load(other, &rows, rig->now, &effects);
	rebuilt = rig_dump(other);
	effects_clear(&effects);
	core_free(other);
	rig_compare(live, rebuilt);
}

void rig_load(struct rig *rig)
{
	struct rows rows = rig_rows(rig);
	struct effects effects = { 0 };

	core_free(rig->core);
	rig->core = core_new(&rig->config);
	rig->wake_ms = 0;
	rig->reason_count = 0;
	core_load(rig->core, &rows, rig->now, &effects);
	rig_take(rig, &effects);
}

void rig_handle(struct rig *rig, struct core_event *event)
{
	struct effects effects = { 0 };

	if (event->type == EVENT_TICK)
		rig->wake_ms = 0;
	core_handle(rig->core, event, rig->now, &effects);
	rig_take(rig, &effects);
	if (!rig->is_unchecked)
		rig_check(rig);
}

void rig_listen(struct rig *rig)
{
	rig_handle(rig, &(struct core_event){ .type = EVENT_LISTENING });
}

/* What each tick told is kept together, as if it were one event. */
static void rig_tick(struct rig *rig, struct effects *all)
{
	rig_handle(rig, &(struct core_event){ .type = EVENT_TICK });
	all->list = mem_realloc(all->list, (all->count + rig->told.count + 1) * sizeof(struct effect));
	for (size_t i = 0; i < rig->told.count; i++)
		all->list[all->count++] = rig->told.list[i];
	rig->told.count = 0;
}

void rig_pass_time(struct rig *rig, int64_t ms)
{
	int64_t end_ms = rig->now.mono_ms + ms;
	size_t before = rig->tables[ROW_EVENT].count;
	struct effects all = { 0 };

	while (rig->wake_ms && rig->wake_ms < end_ms) {
		int64_t step_ms = rig->wake_ms > rig->now.mono_ms ? rig->wake_ms - rig->now.mono_ms : 0;

		rig->now.mono_ms += step_ms;
		rig->now.wall_ms += step_ms;
		rig_tick(rig, &all);
	}
	rig->now.wall_ms += end_ms - rig->now.mono_ms;
	rig->now.mono_ms = end_ms;
	rig_tick(rig, &all);
	effects_clear(&rig->told);
	all.cap = all.count;
	rig->told = all;
	rig->event_rows_before = before;
}
