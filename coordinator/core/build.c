/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/core/build.h"

#include <string.h>

#include "common/mem.h"
#include "coordinator/core/job.h"
#include "coordinator/core/pass.h"
#include "coordinator/core/publish.h"
#include "coordinator/core/queue.h"
#include "coordinator/core/tag.h"
#include "coordinator/core/text.h"

static struct project *project_of(struct core *core, int64_t id)
{
	struct project *project = map_get(&core->project_by_id, id);

	if (!project) {
		project = mem_alloc(sizeof(*project));
		project->id = id;
		map_put(&core->project_by_id, id, project);
	}
	return project;
}

struct build *build_new(struct core *core, const struct build_row *row)
{
	struct build *build = mem_alloc(sizeof(*build));

	build->row = *row;
	build->project = project_of(core, row->project);
	map_put(&core->builds, row->id, build);
	return build;
}

void build_free(struct core *core, struct build *build)
{
	for (size_t i = 0; i < build->job_count; i++)
		job_free(core, build->jobs[i]);
	if (build->publish)
		publish_forget(core, build->publish);
	for (size_t i = 0; i < build->tag_count; i++)
		tag_forget(core, build->tags[i]);
	map_remove(&core->builds, build->row.id);
	mem_free(build->row.spec);
	mem_free(build->dockerfile);
	mem_free(build);
}

static void reply(struct core *core, int64_t request, int64_t build, enum err_code code, const char *message)
{
	struct effect effect = { .type = EFFECT_REPLY, .reply = { .request = request, .build = build, .code = code } };

	text_format(effect.reply.message, sizeof(effect.reply.message), "%s", message);
	pass_tell(core, effect);
}

/* The front has checked the spec; what would break us is checked again. False: refused and replied. */
static bool submit_is_sound(struct core *core, int64_t request, const struct build_spec *spec)
{
	char message[REASON_MAX], repository[REPOSITORY_MAX];

	if (spec->platform_count == 0 || spec->platform_count > SPEC_PLATFORMS_MAX || spec->tag_count > SPEC_TAGS_MAX) {
		reply(core, request, 0, ERR_INVALID, "a build has 1 to 16 platforms and at most 32 tags");
		return false;
	}
	for (size_t i = 0; i < spec->tag_count; i++) {
		if (strlen(spec->tags[i]) < REFERENCE_TEXT_MAX && tag_repository(spec->tags[i], repository))
			continue;
		text_format(message, sizeof(message), "tags: %s is not host/path:tag", spec->tags[i]);
		reply(core, request, 0, ERR_INVALID, message);
		return false;
	}
	return true;
}

static void submit_jobs(struct core *core, struct build *build, const struct build_spec *spec)
{
	for (size_t i = 0; i < spec->platform_count; i++) {
		struct job_row row = {
			.id = ++core->last_job, .build = build->row.id, .platform = spec->platforms[i],
			.state = JOB_QUEUED, .queued_ms = core->now.wall_ms,
		};
		struct job *job = job_new(core, build, &row);

		pass_touch_job(core, job);
		queue_add(core, job);
	}
}

static void submit_tags(struct core *core, struct build *build, const struct build_spec *spec)
{
	for (size_t i = 0; i < spec->tag_count; i++) {
		struct tag_row row = { .build = build->row.id, .state = TAG_PENDING };
		size_t known = 0;

		while (known < build->tag_count && strcmp(build->tags[known]->row.reference, spec->tags[i]) != 0)
			known++;
		if (known < build->tag_count)
			continue;
		row.id = ++core->last_tag;
		text_format(row.reference, sizeof(row.reference), "%s", spec->tags[i]);
		pass_touch_tag(core, tag_new(core, build, &row));
	}
}

void build_submit(struct core *core, const struct core_event *event)
{
	const struct build_spec *spec = &event->submit.spec;
	struct build_row row = {
		.project = event->submit.project, .state = BUILD_OPEN, .created_ms = core->now.wall_ms,
	};
	struct build *build;

	if (!submit_is_sound(core, event->submit.request, spec))
		return;
	row.id = ++core->last_build;
	row.spec = spec_encode(spec);
	build = build_new(core, &row);
	build->dockerfile = mem_strdup(spec->dockerfile);
	pass_touch_build(core, build);
	submit_jobs(core, build, spec);
	submit_tags(core, build, spec);
	pass_note(core, subject_build(build), "build.accepted", "accepted: %zu platform%s, %zu tag%s", build->job_count,
		  build->job_count == 1 ? "" : "s", build->tag_count, build->tag_count == 1 ? "" : "s");
	reply(core, event->submit.request, row.id, 0, "");
}

void build_cancel(struct core *core, int64_t request, int64_t id)
{
	struct build *build = map_get(&core->builds, id);
	char message[REASON_MAX] = "";
	enum err_code code = 0;

	if (!build && id > 0 && id <= core->last_build) {
		code = ERR_CONFLICT;
		text_format(message, sizeof(message), "build %lld has ended already", (long long)id);
	} else if (!build) {
		code = ERR_NOT_FOUND;
		text_format(message, sizeof(message), "there is no build %lld", (long long)id);
	} else if (build->row.state == BUILD_PUBLISHING) {
		code = ERR_CONFLICT;
		text_format(message, sizeof(message), "build %lld is publishing: its tags may have moved, it cannot be cancelled",
			    (long long)id);
	} else if (!build->row.is_cancelling) {
		build->row.is_cancelling = true;
		pass_touch_build(core, build);
		for (size_t i = 0; i < build->job_count; i++)
			job_cancel(core, build->jobs[i]);
	}
	reply(core, request, id, code, message);
}

static const struct job *build_find_job(const struct build *build, enum job_state state)
{
	for (size_t i = 0; i < build->job_count; i++)
		if (build->jobs[i]->row.state == state)
			return build->jobs[i];
	return NULL;
}

void build_settle(struct core *core, struct build *build)
{
	const struct job *failed = build_find_job(build, JOB_FAILED);
	char reason[REASON_MAX];

	for (size_t i = 0; i < build->job_count; i++)
		if (!job_state_is_final(build->jobs[i]->row.state))
			return;
	if (build_find_job(build, JOB_CANCELLED)) {
		build_end(core, build, BUILD_CANCELLED, "cancelled on request");
	} else if (failed) {
		text_format(reason, sizeof(reason), "%s failed: %s", failed->queue->text, failed->row.reason);
		build_end(core, build, BUILD_FAILED, reason);
	} else if (build->tag_count) {
		publish_plan(core, build);
	} else {
		build_end(core, build, BUILD_SUCCEEDED, "");
	}
}

void build_end(struct core *core, struct build *build, enum build_state state, const char *reason)
{
	static const char *const kinds[BUILD_STATE_COUNT] = {
		[BUILD_SUCCEEDED] = "build.succeeded", [BUILD_FAILED] = "build.failed", [BUILD_CANCELLED] = "build.cancelled",
	};

	build_move(&build->row.state, state);
	text_format(build->row.reason, sizeof(build->row.reason), "%s", reason);
	build->row.finished_ms = core->now.wall_ms;
	pass_touch_build(core, build);
	for (size_t i = 0; i < build->tag_count; i++)
		if (build->tags[i]->row.state == TAG_PENDING)
			tag_failed(core, build->tags[i], reason);
	pass_note(core, subject_build(build), kinds[state], "%s%s%s", build_state_name(state), reason[0] ? ": " : "", reason);
	list_push(&core->finished, build);
}
