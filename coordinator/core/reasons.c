/* SPDX-License-Identifier: Apache-2.0 */
/* Why queued jobs wait, in facts; once per platform, not per job. */
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "coordinator/core/pass.h"
#include "coordinator/core/queue.h"
#include "coordinator/core/schedule.h"
#include "coordinator/core/text.h"
#include "coordinator/core/worker.h"

/* A host that is not native claims no platform at all, so it may be the one that was meant. */
static const struct worker *refused_worker(const struct core *core, const struct queue *queue)
{
	for (size_t i = 0; i < core->workers.count; i++) {
		const struct worker *worker = core->workers.items[i];

		if (worker->row.refused_because[0] &&
		    (!worker->row.platforms[0] || worker_offers(worker, &queue->platform)))
			return worker;
	}
	return NULL;
}

static void reason_of_nobody(const struct core *core, const struct queue *queue, struct wait_reason *reason)
{
	const struct worker *refused = refused_worker(core, queue);

	if (refused)
		text_format(reason->text, sizeof(reason->text), "no connected worker offers %s; worker %s is refused: %s",
			    queue->text, refused->row.name, refused->row.refused_because);
	else
		text_format(reason->text, sizeof(reason->text), "no connected worker offers %s", queue->text);
}

static void reason_of_somebody(const struct queue *queue, struct wait_reason *reason)
{
	const struct job *delayed = heap_first(&queue->delayed);
	size_t slots = 0, busy = 0, draining = 0;
	char clock[TEXT_CLOCK_MAX];

	for (size_t i = 0; i < queue->workers.count; i++) {
		const struct worker *worker = queue->workers.items[i];

		draining += worker->is_draining;
		slots += worker->is_draining ? 0 : (size_t)worker->row.slots;
		busy += worker->is_draining ? 0 : worker->live.count;
	}
	if (draining == queue->workers.count) {
		text_format(reason->text, sizeof(reason->text), "every connected worker that offers %s drains", queue->text);
	} else if (!queue->ready_count && delayed) {
		text_clock(clock, delayed->row.not_before_ms);
		text_format(reason->text, sizeof(reason->text), "not before %s: the last try did not end well", clock);
	} else if (busy >= slots) {
		text_format(reason->text, sizeof(reason->text), "%zu of %zu slots busy on workers that offer %s", busy, slots,
			    queue->text);
	} else {
		text_format(reason->text, sizeof(reason->text),
			    "the free workers that offer %s lost, failed or refused it before; the others are busy", queue->text);
	}
}

static int reason_compare(const void *a, const void *b)
{
	return strcmp(((const struct wait_reason *)a)->platform, ((const struct wait_reason *)b)->platform);
}

void reasons_pass(struct core *core)
{
	struct wait_reason *list = mem_alloc(core->queues.count * sizeof(*list)), *told;
	size_t count = 0;

	for (size_t i = 0; i < core->queues.count; i++) {
		const struct queue *queue = core->queues.items[i];

		if (queue_job_count(queue) == 0)
			continue;
		text_format(list[count].platform, sizeof(list[count].platform), "%s", queue->text);
		if (queue->workers.count)
			reason_of_somebody(queue, &list[count++]);
		else
			reason_of_nobody(core, queue, &list[count++]);
	}
	qsort(list, count, sizeof(*list), reason_compare);
	if (count == core->reason_count && (count == 0 || memcmp(list, core->reasons, count * sizeof(*list)) == 0)) {
		mem_free(list);
		return;
	}
	told = mem_alloc(count * sizeof(*told));
	if (count)
		memcpy(told, list, count * sizeof(*told));
	mem_free(core->reasons);
	core->reasons = list;
	core->reason_count = count;
	pass_tell(core, (struct effect){ .type = EFFECT_REASONS, .reasons = { told, count } });
}
