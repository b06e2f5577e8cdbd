/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/core/schedule.h"

#include "coordinator/core/attempt.h"
#include "coordinator/core/queue.h"
#include "coordinator/core/warm.h"

bool worker_has_slot(const struct worker *worker)
{
	return !worker->is_draining && worker->live.count < (size_t)worker->row.slots;
}

static bool queue_has_slot(const struct queue *queue)
{
	for (size_t i = 0; i < queue->workers.count; i++)
		if (worker_has_slot(queue->workers.items[i]))
			return true;
	return false;
}

/* Fair share: whose project runs least; then age. */
static bool lane_is_before(const struct lane *a, const struct lane *b)
{
	const struct job *job_a = heap_first(&a->jobs), *job_b = heap_first(&b->jobs);

	if (a->project->live_count != b->project->live_count)
		return a->project->live_count < b->project->live_count;
	return job_a->row.id < job_b->row.id;
}

static struct lane *queue_next_lane(const struct queue *queue)
{
	struct lane *next = NULL;

	for (size_t i = 0; i < queue->lanes.count; i++) {
		struct lane *lane = queue->lanes.items[i];

		if (!lane->is_stuck && lane->jobs.count && (!next || lane_is_before(lane, next)))
			next = lane;
	}
	return next;
}

static bool worker_is_less_loaded(const struct worker *a, const struct worker *b)
{
	return a->live.count * (size_t)b->row.slots < b->live.count * (size_t)a->row.slots;
}

/* Kept away from a job are those who failed it before, unless nobody else is left. */
static bool lane_has_others(const struct queue *queue, const struct lane *lane)
{
	for (size_t i = 0; i < queue->workers.count; i++) {
		const struct worker *worker = queue->workers.items[i];

		if (!worker->is_draining && worker->row.slots > 0 && !lane_excludes(lane, worker))
			return true;
	}
	return false;
}

static struct worker *lane_pick_worker(struct core *core, const struct queue *queue, const struct lane *lane)
{
	bool has_others = lane->excluded.count && lane_has_others(queue, lane);
	const struct worker *warm = warm_worker(core, heap_first(&lane->jobs));
	struct worker *best = NULL;

	for (size_t i = 0; i < queue->workers.count; i++) {
		struct worker *worker = queue->workers.items[i];

		if (!worker_has_slot(worker) || (has_others && lane_excludes(lane, worker)))
			continue;
		if (worker == warm)
			return worker;
		if (!best || worker_is_less_loaded(worker, best))
			best = worker;
	}
	return best;
}

static void queue_place(struct core *core, struct queue *queue)
{
	struct lane *lane;

	queue_tidy(queue);
	while (queue->ready_count && queue_has_slot(queue) && (lane = queue_next_lane(queue))) {
		struct worker *worker = lane_pick_worker(core, queue, lane);

		if (worker)
			attempt_offer(core, heap_first(&lane->jobs), worker);
		else
			lane->is_stuck = true;
	}
}

void schedule_pass(struct core *core)
{
	for (size_t i = 0; i < core->queues.count; i++)
		queue_place(core, core->queues.items[i]);
}
