/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "coordinator/front/view_json.h"

#define JOBS_OF_BUILD_MAX SPEC_PLATFORMS_MAX

json_t *build_json(const struct build_row *build)
{
	struct error ignored; /* what was saved was made by spec_encode */
	json_auto_t *spec = json_parse(build->spec, strlen(build->spec), &ignored);
	json_t *root = json_object();
	json_t *platforms = json_incref(json_object_get(spec, "platforms"));

	json_put(root, "id", json_integer(build->id));
	json_put(root, "project", json_integer(build->project));
	json_put(root, "state", json_string(build_state_name(build->state)));
	json_put(root, "cancelling", json_boolean(build->is_cancelling && !build_state_is_final(build->state)));
	json_put(root, "reason", json_words(build->reason));
	json_put(root, "index_digest", json_words(build->index_digest));
	json_put(root, "platforms", platforms ? platforms : json_null());
	json_put(root, "created_at", json_time(build->created_ms));
	json_put(root, "finished_at", json_time(build->finished_ms));
	return root;
}

static void add_tag(const struct tag_row *row, void *arg)
{
	json_t *tag = json_object();

	json_put(tag, "id", json_integer(row->id));
	json_put(tag, "reference", json_words(row->reference));
	json_put(tag, "state", json_string(tag_state_name(row->state)));
	json_put(tag, "reason", json_words(row->reason));
	json_put(tag, "digest", json_words(row->digest));
	json_put(tag, "moved_at", json_time(row->moved_ms));
	json_array_append_new(arg, tag);
}

int tags_json(struct front *front, int64_t build, json_t **ret_tags, struct error *err)
{
	json_auto_t *tags = json_array();

	if (reader_tags(front->reader, build, add_tag, tags, err) < 0)
		return -1;
	*ret_tags = TAKE(tags);
	return 0;
}

struct publish_steps {
	json_t *list;
	const json_t *tags;
};

/* The reference of a tag by its id: what a person reads. */
static json_t *tag_reference(const json_t *tags, int64_t id)
{
	const json_t *tag;
	size_t i;

	json_array_foreach(tags, i, tag) {
		if (json_integer_value(json_object_get(tag, "id")) == id)
			return json_incref(json_object_get(tag, "reference"));
	}
	return json_null();
}

static void add_publish_step(const struct publish_step_row *row, void *arg)
{
	struct publish_steps *steps = arg;
	json_t *step = json_object();

	json_put(step, "n", json_integer(row->n));
	json_put(step, "kind", json_string(publish_step_kind_name(row->kind)));
	json_put(step, "state", json_string(publish_step_state_name(row->state)));
	json_put(step, "repository", json_words(row->repository));
	json_put(step, "job", row->job ? json_integer(row->job) : json_null());
	json_put(step, "tag", tag_reference(steps->tags, row->tag));
	json_put(step, "tries", json_integer(row->tries));
	json_put(step, "not_before", json_time(row->not_before_ms));
	json_put(step, "reason", json_words(row->reason));
	json_put(step, "started_at", json_time(row->started_ms));
	json_put(step, "ended_at", json_time(row->ended_ms));
	json_array_append_new(steps->list, step);
}

static void add_publish(const struct publish_row *row, void *arg)
{
	json_t *publish = json_object();

	json_put(publish, "id", json_integer(row->id));
	json_put(publish, "number", json_integer(row->number));
	json_put(publish, "state", json_string(publish_state_name(row->state)));
	json_put(publish, "index_digest", json_words(row->index_digest));
	json_put(publish, "reason", json_words(row->reason));
	json_put(publish, "started_at", json_time(row->started_ms));
	json_put(publish, "ended_at", json_time(row->ended_ms));
	json_array_append_new(arg, publish);
}

static int publishes_json(struct front *front, int64_t build, const json_t *tags, json_t **ret, struct error *err)
{
	json_auto_t *publishes = json_array();
	json_t *publish;
	size_t i;

	if (reader_publishes(front->reader, build, add_publish, publishes, err) < 0)
		return -1;
	json_array_foreach(publishes, i, publish) {
		struct publish_steps steps = { json_array(), tags };
		int64_t id = json_integer_value(json_object_get(publish, "id"));

		json_put(publish, "steps", steps.list);
		if (reader_publish_steps(front->reader, id, add_publish_step, &steps, err) < 0)
			return -1;
	}
	*ret = TAKE(publishes);
	return 0;
}

static void add_event(const struct event_row *row, void *arg)
{
	json_t *event = json_object();

	json_put(event, "at", json_time(row->at_ms));
	json_put(event, "kind", json_words(row->kind));
	json_put(event, "text", json_words(row->text));
	json_put(event, "job", row->job ? json_integer(row->job) : json_null());
	json_put(event, "attempt", row->attempt ? json_integer(row->attempt) : json_null());
	json_array_append_new(arg, event);
}

/* Takes list. The job table has the newest first; the jobs of a build go as its platforms do. */
static json_t *reversed(json_t *list)
{
	json_t *turned = json_array();

	for (size_t i = json_array_size(list); i > 0; i--)
		json_array_append(turned, json_array_get(list, i - 1));
	json_decref(list);
	return turned;
}

int build_json_full(struct front *front, const struct build_row *build, json_t **ret_build, struct error *err)
{
	struct job_filter filter = { .build = build->id, .state = -1, .limit = JOBS_OF_BUILD_MAX };
	json_auto_t *root = build_json(build);
	json_auto_t *events = json_array();
	json_t *spec, *tags, *jobs, *publishes;

	spec = json_parse(build->spec, strlen(build->spec), err);
	if (!spec)
		return error_wrap(err, "spec of build %lld", (long long)build->id);
	json_put(root, "spec", spec);
	if (tags_json(front, build->id, &tags, err) < 0)
		return -1;
	json_put(root, "tags", tags);
	if (jobs_json(front, &filter, &jobs, err) < 0)
		return -1;
	json_put(root, "jobs", reversed(jobs));
	if (publishes_json(front, build->id, tags, &publishes, err) < 0)
		return -1;
	json_put(root, "publishes", publishes);
	if (reader_events(front->reader, build->id, add_event, events, err) < 0)
		return -1;
	json_put(root, "events", TAKE(events));
	*ret_build = TAKE(root);
	return 0;
}
