/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/core/order.h"

#include "common/mem.h"
#include "coordinator/core/pass.h"
#include "coordinator/core/tag.h"
#include "coordinator/core/text.h"

struct tag *order_tag(const struct step *step)
{
	const struct build *build = step->publish->build;

	for (size_t i = 0; i < build->tag_count; i++)
		if (build->tags[i]->row.id == step->row.tag)
			return build->tags[i];
	return NULL;
}

static void order_add_part(struct publish_order *order, const struct job *job)
{
	struct index_part *part = &order->parts[order->part_count++];

	part->platform = job->row.platform;
	part->size_bytes = job->row.size_bytes;
	text_format(part->media_type, sizeof(part->media_type), "%s", job->row.media_type);
	text_format(part->digest, sizeof(part->digest), "%s", job->row.digest);
}

static void order_set_tag(struct publish_order *order, const struct step *step)
{
	const struct tag *tag = order_tag(step);

	if (!tag)
		return;
	tag_repository(tag->row.reference, order->repository);
	text_format(order->tag, sizeof(order->tag), "%s", tag_name(tag->row.reference));
	text_format(order->expected_digest, sizeof(order->expected_digest), "%s", step->publish->row.index_digest);
}

void order_tell(struct core *core, const struct step *step)
{
	const struct build *build = step->publish->build;
	struct publish_order *order = mem_alloc(sizeof(*order));

	order->publish = step->row.publish;
	order->n = step->row.n;
	order->kind = step->row.kind;
	text_format(order->repository, sizeof(order->repository), "%s", step->row.repository);
	if (step->row.kind == STEP_TAG || step->row.kind == STEP_READBACK)
		order_set_tag(order, step);
	for (size_t i = 0; i < build->job_count; i++)
		if (step->row.kind != STEP_VERIFY || build->jobs[i]->row.id == step->row.job)
			order_add_part(order, build->jobs[i]);
	pass_tell(core, (struct effect){ .type = EFFECT_PUBLISH, .publish = order });
}
