/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/core/core.h"

#include "common/mem.h"
#include "coordinator/core/build.h"
#include "coordinator/core/lease.h"
#include "coordinator/core/load.h"
#include "coordinator/core/pass.h"
#include "coordinator/core/publish.h"
#include "coordinator/core/queue.h"
#include "coordinator/core/schedule.h"
#include "coordinator/core/session.h"

/* A wake so late means that we, not the workers, stood still. */
#define STALL_MS 5000

struct core *core_new(const struct core_config *config)
{
	struct core *core = mem_alloc(sizeof(*core));

	core->config = *config;
	return core;
}

static void core_free_maps(struct core *core)
{
	struct map *const maps[] = { &core->builds, &core->jobs, &core->attempts, &core->publishes, &core->sessions,
				     &core->worker_by_hash, &core->head_by_hash, &core->project_by_id, &core->warm };

	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++)
		map_clear(maps[i]);
}

static void core_free_things(struct core *core)
{
	struct build *build;
	size_t at = 0;

	while ((build = map_next(&core->builds, &at))) {
		build_free(core, build);
		at--; /* another may have moved into its slot */
	}
	for (at = 0; at < core->project_by_id.cap; at++)
		mem_free(core->project_by_id.slots[at].value);
	for (size_t i = 0; i < core->workers.count; i++) {
		list_clear(&((struct worker *)core->workers.items[i])->live);
		mem_free(core->workers.items[i]);
	}
	for (size_t i = 0; i < core->queues.count; i++)
		queue_free(core->queues.items[i]);
}

void core_free(struct core *core)
{
	if (!core)
		return;
	core_free_things(core);
	core_free_maps(core);
	list_clear(&core->workers);
	list_clear(&core->queues);
	list_clear(&core->waiting);
	list_clear(&core->finished);
	heap_clear(&core->backing_off);
	for (size_t i = 0; i < DIRTY_COUNT; i++)
		list_clear(&core->dirty[i]);
	effects_clear(&core->history);
	effects_clear(&core->told);
	mem_free(core->warm_keys);
	mem_free(core->reported);
	mem_free(core->reasons);
	mem_free(core);
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* An early wake is harmless, so one already set stays unless something is due before it. */
static void core_set_wake(struct core *core)
{
	int64_t wall_ms = earlier(queue_next_due_ms(core), publish_next_due_ms(core));
	int64_t mono_ms = lease_next_mono_ms(core);

	if (wall_ms != INT64_MAX)
		mono_ms = earlier(mono_ms, core->now.mono_ms + wall_ms - core->now.wall_ms);
	if (mono_ms == INT64_MAX || (core->wake_mono_ms && core->wake_mono_ms <= mono_ms))
		return;
	core->wake_mono_ms = mono_ms;
	pass_tell(core, (struct effect){ .type = EFFECT_WAKE, .wake = { mono_ms } });
}

static void core_end_pass(struct core *core, struct effects *effects)
{
	queue_wake_due(core);
	publish_pass(core);
	if (core->is_changed) {
		schedule_pass(core);
		reasons_pass(core);
		core->is_changed = false;
	}
	core_set_wake(core);
	pass_flush(core, effects);
	for (size_t i = 0; i < core->finished.count; i++)
		build_free(core, core->finished.items[i]);
	core->finished.count = 0;
}

void core_load(struct core *core, struct rows *rows, struct core_time now, struct effects *effects)
{
	core->now = now;
	load_rows(core, rows);
	core_end_pass(core, effects);
}

void core_handle(struct core *core, struct core_event *event, struct core_time now, struct effects *effects)
{
	core->now = now;
	if (core->wake_mono_ms && now.mono_ms > core->wake_mono_ms + STALL_MS)
		lease_freshen_all(core);
	switch (event->type) {
	case EVENT_TICK:
		core->wake_mono_ms = 0;
		lease_end_due(core);
		break;
	case EVENT_LISTENING:
		core->is_listening = true;
		lease_freshen_all(core);
		break;
	case EVENT_SUBMIT:
		build_submit(core, event);
		break;
	case EVENT_CANCEL:
		build_cancel(core, event->cancel.request, event->cancel.build);
		break;
	case EVENT_MESSAGE:
		session_message(core, event->message.session, &event->message.msg);
		break;
	case EVENT_LEFT:
		session_left(core, event->left.session);
		break;
	case EVENT_PUBLISH_STEP:
		publish_on_outcome(core, &event->publish_step);
		break;
	}
	core_end_pass(core, effects);
	core_event_clear(event);
}
