/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/core/queue.h"

#include <string.h>

#include "common/mem.h"

struct queue *queue_of(struct core *core, const struct platform *platform)
{
	struct queue *queue;

	for (size_t i = 0; i < core->queues.count; i++) {
		queue = core->queues.items[i];
		if (platform_equal(&queue->platform, platform))
			return queue;
	}
	queue = mem_alloc(sizeof(*queue));
	queue->platform = *platform;
	platform_format(platform, queue->text);
	list_push(&core->queues, queue);
	return queue;
}

static void lane_free(struct lane *lane)
{
	list_clear(&lane->excluded);
	heap_clear(&lane->jobs);
	mem_free(lane);
}

void queue_free(struct queue *queue)
{
	for (size_t i = 0; i < queue->lanes.count; i++)
		lane_free(queue->lanes.items[i]);
	list_clear(&queue->lanes);
	map_clear(&queue->lane_by_key);
	heap_clear(&queue->delayed);
	list_clear(&queue->workers);
	mem_free(queue);
}

bool lane_excludes(const struct lane *lane, const struct worker *worker)
{
	for (size_t i = 0; i < lane->excluded.count; i++)
		if (lane->excluded.items[i] == worker)
			return true;
	return false;
}

static bool lane_is_of(const struct lane *lane, const struct job *job)
{
	return lane->project == job->build->project && lane->excluded.count == job->excluded.count &&
	       (lane->excluded.count == 0 ||
		memcmp(lane->excluded.items, job->excluded.items, job->excluded.count * sizeof(void *)) == 0);
}

static int64_t lane_key(const struct job *job)
{
	int64_t key = job->build->project->id;

	for (size_t i = 0; i < job->excluded.count; i++)
		key = hash_text(key, ((const struct worker *)job->excluded.items[i])->row.name);
	return key;
}

static struct lane *lane_of(struct queue *queue, const struct job *job)
{
	int64_t key = lane_key(job);
	struct lane *lane = map_get(&queue->lane_by_key, key);

	if (lane && lane_is_of(lane, job))
		return lane;
	for (size_t i = 0; lane && i < queue->lanes.count; i++)
		if (lane_is_of(queue->lanes.items[i], job))
			return queue->lanes.items[i];
	lane = mem_alloc(sizeof(*lane));
	lane->project = job->build->project;
	lane->key = key;
	for (size_t i = 0; i < job->excluded.count; i++)
		list_push(&lane->excluded, job->excluded.items[i]);
	list_push(&queue->lanes, lane);
	map_put(&queue->lane_by_key, key, lane);
	return lane;
}

void queue_add(struct core *core, struct job *job)
{
	struct queue *queue = job->queue;

	core->is_changed = true;
	job->node.owner = job;
	if (job->row.not_before_ms > core->now.wall_ms) {
		heap_push(&queue->delayed, &job->node, job->row.not_before_ms);
		return;
	}
	heap_push(&lane_of(queue, job)->jobs, &job->node, job->row.id);
	queue->ready_count++;
}

void queue_take_out(struct job *job)
{
	if (!job->node.heap)
		return;
	if (job->node.heap != &job->queue->delayed)
		job->queue->ready_count--;
	heap_take_out(&job->node);
}

size_t queue_job_count(const struct queue *queue)
{
	return queue->ready_count + queue->delayed.count;
}

void queue_wake_due(struct core *core)
{
	for (size_t i = 0; i < core->queues.count; i++) {
		struct queue *queue = core->queues.items[i];
		struct job *job;

		while ((job = heap_first(&queue->delayed)) && job->row.not_before_ms <= core->now.wall_ms) {
			heap_take_out(&job->node);
			queue_add(core, job);
		}
	}
}

int64_t queue_next_due_ms(const struct core *core)
{
	int64_t next_ms = INT64_MAX;

	for (size_t i = 0; i < core->queues.count; i++) {
		const struct job *job = heap_first(&((const struct queue *)core->queues.items[i])->delayed);

		if (job && job->row.not_before_ms < next_ms)
			next_ms = job->row.not_before_ms;
	}
	return next_ms;
}

void queue_join(struct core *core, struct worker *worker)
{
	core->is_changed = true;
	for (size_t i = 0; i < worker->platform_count; i++) {
		struct queue *queue = queue_of(core, &worker->platforms[i]);
		size_t at = 0;

		while (at < queue->workers.count &&
		       strcmp(((struct worker *)queue->workers.items[at])->row.name, worker->row.name) < 0)
			at++;
		if (at == queue->workers.count || queue->workers.items[at] != worker)
			list_insert(&queue->workers, at, worker);
	}
}

void queue_leave(struct core *core, struct worker *worker)
{
	core->is_changed = true;
	for (size_t i = 0; i < worker->platform_count; i++)
		list_remove(&queue_of(core, &worker->platforms[i])->workers, worker);
}

void queue_tidy(struct queue *queue)
{
	size_t kept = 0;

	for (size_t i = 0; i < queue->lanes.count; i++) {
		struct lane *lane = queue->lanes.items[i];

		lane->is_stuck = false;
		if (lane->jobs.count) {
			queue->lanes.items[kept++] = lane;
			continue;
		}
		if (map_get(&queue->lane_by_key, lane->key) == lane)
			map_remove(&queue->lane_by_key, lane->key);
		lane_free(lane);
	}
	queue->lanes.count = kept;
}
