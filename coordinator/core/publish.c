/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/core/publish.h"

#include <string.h>

#include "common/mem.h"
#include "coordinator/core/attempt.h"
#include "coordinator/core/build.h"
#include "coordinator/core/order.h"
#include "coordinator/core/pass.h"
#include "coordinator/core/tag.h"
#include "coordinator/core/text.h"

static bool step_is_of_tag(const struct step *step)
{
	return step->row.kind == STEP_TAG || step->row.kind == STEP_READBACK;
}

static void step_skip(struct core *core, struct step *step)
{
	if (step->row.state != STEP_PLANNED)
		return;
	publish_step_move(&step->row.state, STEP_SKIPPED);
	step->row.ended_ms = core->now.wall_ms;
	pass_touch_step(core, step);
}

static struct publish *publish_new(struct core *core, struct build *build, const struct publish_row *row)
{
	struct publish *publish = mem_alloc(sizeof(*publish));

	publish->row = *row;
	publish->build = build;
	publish->node.owner = publish;
	build->publish = publish;
	map_put(&core->publishes, row->id, publish);
	return publish;
}

static struct step *publish_add_step(struct publish *publish, enum publish_step_kind kind)
{
	struct step *step = &publish->steps[publish->step_count++];

	*step = (struct step){ .publish = publish, .row = {
		.publish = publish->row.id, .n = (int)publish->step_count, .kind = kind, .state = STEP_PLANNED } };
	return step;
}

static void plan_repositories(struct publish *publish)
{
	const struct build *build = publish->build;
	char list[SPEC_TAGS_MAX][REPOSITORY_MAX];
	size_t count = tag_repositories(build, list);

	publish->steps = mem_alloc((count * (build->job_count + 1) + build->tag_count * 2) * sizeof(struct step));
	for (size_t i = 0; i < count * build->job_count; i++) {
		struct step *step = publish_add_step(publish, STEP_VERIFY);

		step->row.job = build->jobs[i % build->job_count]->row.id;
		text_format(step->row.repository, sizeof(step->row.repository), "%s", list[i / build->job_count]);
	}
	for (size_t i = 0; i < count; i++)
		text_format(publish_add_step(publish, STEP_INDEX)->row.repository, REPOSITORY_MAX, "%s", list[i]);
}

/* An older build goes first, whichever came to its publish first. */
static void publish_wait(struct core *core, struct publish *publish)
{
	size_t at = core->waiting.count;

	while (at > 0 && ((struct publish *)core->waiting.items[at - 1])->build->row.id > publish->build->row.id)
		at--;
	list_insert(&core->waiting, at, publish);
	core->is_released = true;
}

void publish_plan(struct core *core, struct build *build)
{
	struct publish_row row = {
		.id = ++core->last_publish, .build = build->row.id, .number = 1, .state = PUBLISH_RUNNING,
		.started_ms = core->now.wall_ms,
	};
	struct publish *publish = publish_new(core, build, &row);

	build_move(&build->row.state, BUILD_PUBLISHING);
	plan_repositories(publish);
	for (size_t i = 0; i < build->tag_count; i++) {
		publish_add_step(publish, STEP_TAG)->row.tag = build->tags[i]->row.id;
		publish_add_step(publish, STEP_READBACK)->row.tag = build->tags[i]->row.id;
	}
	pass_touch_build(core, build);
	pass_touch_publish(core, publish);
	for (size_t i = 0; i < publish->step_count; i++)
		pass_touch_step(core, &publish->steps[i]);
	pass_note(core, subject_build(build), "publish.started", "publish %d: %zu steps", row.number, publish->step_count);
	publish_wait(core, publish);
}

static void publish_hold(struct publish *publish, bool is_holding)
{
	const struct build *build = publish->build;

	publish->is_holding = is_holding;
	for (size_t i = 0; i < build->tag_count; i++)
		build->tags[i]->head->holder = is_holding ? publish : NULL;
}

static bool tag_is_good(const struct tag *tag)
{
	return tag->row.state == TAG_MOVED || tag->row.state == TAG_SUPERSEDED;
}

static void publish_end(struct core *core, struct publish *publish, const char *reason)
{
	struct build *build = publish->build;

	publish_move(&publish->row.state, reason[0] ? PUBLISH_FAILED : PUBLISH_DONE);
	publish->row.ended_ms = core->now.wall_ms;
	text_format(publish->row.reason, sizeof(publish->row.reason), "%s", reason);
	pass_touch_publish(core, publish);
	publish_hold(publish, false);
	core->is_released = true;
	text_format(build->row.index_digest, sizeof(build->row.index_digest), "%s", publish->row.index_digest);
	build_end(core, build, reason[0] ? BUILD_FAILED : BUILD_SUCCEEDED, reason);
}

static void publish_end_by_tags(struct core *core, struct publish *publish)
{
	const struct build *build = publish->build;
	char reason[REASON_MAX] = "";

	for (size_t i = 0; i < build->tag_count && !reason[0]; i++)
		if (!tag_is_good(build->tags[i]))
			text_format(reason, sizeof(reason), "tag %s failed: %s", build->tags[i]->row.reference,
				    build->tags[i]->row.reason);
	publish_end(core, publish, reason);
}

static void publish_skip_tag(struct core *core, struct publish *publish, int64_t tag)
{
	for (size_t i = 0; i < publish->step_count; i++)
		if (step_is_of_tag(&publish->steps[i]) && publish->steps[i].row.tag == tag)
			step_skip(core, &publish->steps[i]);
}

static struct step *publish_next_step(struct publish *publish)
{
	for (size_t i = 0; i < publish->step_count; i++)
		if (publish->steps[i].row.state == STEP_PLANNED || publish->steps[i].row.state == STEP_STARTED)
			return &publish->steps[i];
	return NULL;
}

/* A newer build's same tag has moved: putting it back would be wrong, whatever else this build does. */
static bool step_is_superseded(const struct step *step)
{
	return step->row.kind == STEP_TAG && order_tag(step)->head->build > step->publish->build->row.id;
}

static void publish_advance(struct core *core, struct publish *publish)
{
	struct step *step;

	while ((step = publish_next_step(publish)) && step->row.state == STEP_PLANNED && step_is_superseded(step)) {
		tag_superseded(core, order_tag(step));
		publish_skip_tag(core, publish, step->row.tag);
	}
	if (!step) {
		publish_end_by_tags(core, publish);
	} else if (step->row.state == STEP_STARTED) {
		return;
	} else if (step->row.not_before_ms > core->now.wall_ms) {
		heap_push(&core->backing_off, &publish->node, step->row.not_before_ms);
	} else {
		publish_step_move(&step->row.state, STEP_STARTED);
		step->row.tries++;
		step->row.not_before_ms = 0;
		step->row.started_ms = core->now.wall_ms;
		pass_touch_step(core, step);
		order_tell(core, step);
	}
}

static void publish_fail_step(struct core *core, struct step *step, const char *reason)
{
	struct publish *publish = step->publish;
	char sentence[REASON_MAX];

	publish_step_move(&step->row.state, STEP_FAILED);
	step->row.ended_ms = core->now.wall_ms;
	text_format(step->row.reason, sizeof(step->row.reason), "%s", reason);
	pass_touch_step(core, step);
	text_format(sentence, sizeof(sentence), "%s: %s", publish_step_kind_name(step->row.kind), reason);
	if (step_is_of_tag(step)) {
		tag_failed(core, order_tag(step), sentence);
		publish_skip_tag(core, publish, step->row.tag);
		publish_advance(core, publish);
		return;
	}
	for (size_t i = 0; i < publish->step_count; i++)
		step_skip(core, &publish->steps[i]);
	publish_end(core, publish, sentence);
}

static void publish_retry_step(struct core *core, struct step *step, const char *reason)
{
	uint64_t salt = core->config.seed ^ mix64((uint64_t)step->row.publish) ^ (uint64_t)(step->row.n * 64 + step->row.tries);

	publish_step_move(&step->row.state, STEP_PLANNED);
	text_format(step->row.reason, sizeof(step->row.reason), "%s", reason);
	step->row.not_before_ms = core->now.wall_ms +
				  backoff_ms(salt, core->config.publish_backoff_ms, step->row.tries - 1);
	pass_touch_step(core, step);
	publish_advance(core, step->publish);
}

static void publish_step_done(struct core *core, struct step *step, const char *digest)
{
	struct publish *publish = step->publish;

	if (step->row.kind == STEP_INDEX && !publish->row.index_digest[0]) {
		text_format(publish->row.index_digest, sizeof(publish->row.index_digest), "%s", digest);
		pass_touch_publish(core, publish);
	}
	publish_step_move(&step->row.state, STEP_DONE);
	step->row.ended_ms = core->now.wall_ms;
	step->row.reason[0] = '\0';
	pass_touch_step(core, step);
	if (step->row.kind == STEP_READBACK)
		tag_moved(core, order_tag(step), publish->row.index_digest);
	publish_advance(core, publish);
}

/* The same parts give the same bytes, in every repository; a digest that is none is nobody's. */
static bool index_digest_is_sound(const struct publish *publish, const char *digest)
{
	return digest_is_sound(digest) &&
	       (!publish->row.index_digest[0] || strcmp(publish->row.index_digest, digest) == 0);
}

void publish_on_outcome(struct core *core, const struct publish_outcome *outcome)
{
	struct publish *publish = map_get(&core->publishes, outcome->publish);
	struct step *step;

	if (!publish || outcome->n < 1 || (size_t)outcome->n > publish->step_count)
		return;
	step = &publish->steps[outcome->n - 1];
	if (step->row.state != STEP_STARTED)
		return;
	if (!outcome->is_ok && outcome->is_retryable && step->row.tries < core->config.publish_tries_max)
		publish_retry_step(core, step, outcome->reason);
	else if (!outcome->is_ok)
		publish_fail_step(core, step, outcome->reason);
	else if (step->row.kind == STEP_INDEX && !index_digest_is_sound(publish, outcome->digest))
		publish_fail_step(core, step, "the index put is not the one put before, or has no digest");
	else
		publish_step_done(core, step, outcome->digest);
}

/* All references or none; what an older one waits for is not taken from under it. */
static bool publish_try_hold(struct core *core, struct publish *publish)
{
	const struct build *build = publish->build;
	bool is_free = true;

	for (size_t i = 0; i < build->tag_count; i++) {
		struct head *head = build->tags[i]->head;

		if (head->holder || head->reserved_round == core->round)
			is_free = false;
		head->reserved_round = core->round;
	}
	if (is_free)
		publish_hold(publish, true);
	return is_free;
}

static void publish_admit(struct core *core)
{
	struct list waiting = core->waiting;

	core->is_released = false;
	core->waiting = (struct list){ 0 };
	core->round++;
	for (size_t i = 0; i < waiting.count; i++) {
		if (publish_try_hold(core, waiting.items[i]))
			publish_advance(core, waiting.items[i]);
		else
			list_push(&core->waiting, waiting.items[i]);
	}
	list_clear(&waiting);
}

void publish_pass(struct core *core)
{
	struct publish *publish;

	while ((publish = heap_first(&core->backing_off)) && publish->node.key <= core->now.wall_ms) {
		heap_take_out(&publish->node);
		publish_advance(core, publish);
	}
	while (core->is_released)
		publish_admit(core);
}

int64_t publish_next_due_ms(const struct core *core)
{
	const struct publish *publish = heap_first(&core->backing_off);

	return publish ? publish->node.key : INT64_MAX;
}

struct publish *publish_load(struct core *core, struct build *build, const struct publish_row *row)
{
	if (build->publish)
		publish_forget(core, build->publish);
	return publish_new(core, build, row);
}

void publish_load_step(struct publish *publish, const struct publish_step_row *row)
{
	publish->steps = mem_realloc(publish->steps, (publish->step_count + 1) * sizeof(struct step));
	publish->steps[publish->step_count++] = (struct step){ .publish = publish, .row = *row };
}

void publish_resume(struct core *core, struct publish *publish)
{
	const struct step *next = publish_next_step(publish);
	bool has_begun = !next || next->row.tries > 0 || next != publish->steps;

	if (publish->row.state != PUBLISH_RUNNING)
		return;
	if (!has_begun) {
		publish_wait(core, publish);
		return;
	}
	publish_hold(publish, true);
	if (next && next->row.state == STEP_STARTED)
		order_tell(core, next);
	else
		publish_advance(core, publish);
}

void publish_forget(struct core *core, struct publish *publish)
{
	for (size_t i = 0; publish->is_holding && i < publish->build->tag_count; i++)
		publish->build->tags[i]->head->holder = NULL;
	heap_take_out(&publish->node);
	list_remove(&core->waiting, publish);
	map_remove(&core->publishes, publish->row.id);
	mem_free(publish->steps);
	mem_free(publish);
}
