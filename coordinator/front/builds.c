/* SPDX-License-Identifier: Apache-2.0 */
#include <event2/buffer.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "common/oci/reference.h"
#include "coordinator/front/context_store.h"
#include "coordinator/front/handlers.h"
#include "coordinator/front/query.h"
#include "coordinator/front/reply.h"
#include "coordinator/front/view_json.h"

#define LIST_DEFAULT 50
#define LIST_MAX 200

static void build_row_clear(struct build_row *build)
{
	mem_free(build->spec);
}

/* A full reference, so that equal tags are equal texts. */
static int normalise_tag(char **tag, struct error *err)
{
	struct reference reference;
	char text[REFERENCE_TEXT_MAX];

	if (reference_parse(*tag, &reference, err) < 0)
		return -1;
	if (reference.digest[0])
		return error_set(err, ERR_INVALID, "tag %.200s: a tag to move cannot have a digest", *tag);
	reference_format(&reference, text);
	mem_free(*tag);
	*tag = mem_strdup(text);
	return 0;
}

static int normalise_tags(struct build_spec *spec, struct error *err)
{
	for (size_t i = 0; i < spec->tag_count; i++) {
		if (normalise_tag(&spec->tags[i], err) < 0)
			return -1;
		for (size_t j = 0; j < i; j++) {
			if (!strcmp(spec->tags[i], spec->tags[j]))
				return error_set(err, ERR_INVALID, "tag %.200s is given twice", spec->tags[i]);
		}
	}
	return 0;
}

static int check_context(struct front *front, const char *digest, struct error *err)
{
	int64_t bytes;

	if (context_store_open(front->contexts, digest, NULL, &bytes, err) == 0)
		return 0;
	if (err->code == ERR_NOT_FOUND)
		err->code = ERR_INVALID; /* it is the body that is wrong, not the path */
	return -1;
}

static int read_spec(struct exchange *ex, struct build_spec *ret_spec, struct error *err)
{
	struct evbuffer *body = evhttp_request_get_input_buffer(ex->req);
	size_t len = evbuffer_get_length(body);
	const unsigned char *text = evbuffer_pullup(body, -1);

	if (!len)
		return error_set(err, ERR_INVALID, "the body must be JSON that says what to build");
	if (spec_decode((const char *)text, len, ret_spec, err) < 0)
		return -1;
	if (normalise_tags(ret_spec, err) < 0 || check_context(ex->front, ret_spec->context, err) < 0) {
		spec_clear(ret_spec);
		return -1;
	}
	return 0;
}

/* The committed build, as ex may see it. */
static int find_build(struct exchange *ex, int64_t id, struct build_row *ret_build, struct error *err)
{
	struct build_row build = { 0 };
	int rc = reader_build(ex->front->reader, id, &build, err);

	if (rc < 0)
		return -1;
	if (rc == 0 && (!ex->project || build.project == ex->project)) {
		*ret_build = build;
		return 0;
	}
	build_row_clear(&build);
	return error_set(err, ERR_NOT_FOUND, "no build %" PRId64, id);
}

static void reply_build(struct exchange *ex, int status, int64_t id)
{
	CLEANUP(build_row_clear) struct build_row build = { 0 };
	struct error err;
	json_t *root;

	if (find_build(ex, id, &build, &err) < 0 || build_json_full(ex->front, &build, &root, &err) < 0)
		reply_error(ex, &err);
	else
		reply_json(ex, status, root);
}

static void on_accepted(struct exchange *ex, int64_t build)
{
	char location[64];

	snprintf(location, sizeof(location), "/v1/builds/%" PRId64, build);
	reply_header(ex, "Location", location);
	reply_build(ex, 202, build);
}

static void ask_core(struct exchange *ex, struct core_event *event)
{
	ex->on_core_reply = on_accepted;
	ex->front->config.on_event(event, ex->front->config.arg);
}

void builds_submit(struct exchange *ex)
{
	struct core_event *event = mem_alloc(sizeof(*event));
	struct error err;

	event->type = EVENT_SUBMIT;
	event->submit.request = ex->number;
	event->submit.project = ex->token.project;
	if (read_spec(ex, &event->submit.spec, &err) < 0) {
		mem_free(event);
		reply_error(ex, &err);
		return;
	}
	ask_core(ex, event);
}

void builds_cancel(struct exchange *ex)
{
	CLEANUP(build_row_clear) struct build_row build = { 0 };
	struct core_event *event;
	struct error err;
	int64_t id;

	if (path_id(ex, "build", &id, &err) < 0 || find_build(ex, id, &build, &err) < 0) {
		reply_error(ex, &err);
		return;
	}
	event = mem_alloc(sizeof(*event));
	event->type = EVENT_CANCEL;
	event->cancel.request = ex->number;
	event->cancel.build = id;
	ask_core(ex, event);
}

void builds_show(struct exchange *ex)
{
	struct error err;
	int64_t id;

	if (path_id(ex, "build", &id, &err) < 0)
		reply_error(ex, &err);
	else
		reply_build(ex, 200, id);
}

static void add_build(const struct build_row *build, void *arg)
{
	json_array_append_new(arg, build_json(build));
}

static int parse_state(const char *text, int *ret_state, struct error *err)
{
	for (int state = 0; state < BUILD_STATE_COUNT; state++) {
		if (!strcmp(text, build_state_name((enum build_state)state))) {
			*ret_state = state;
			return 0;
		}
	}
	return error_set(err, ERR_INVALID, "state=%.32s: must be open, publishing, succeeded, failed or cancelled", text);
}

static int list_builds(struct exchange *ex, const struct query *query, json_t *builds, struct error *err)
{
	const char *state_text = query_text(query, "state");
	struct build_filter filter = { .state = -1, .project = ex->project };
	int64_t limit;
	json_t *build;
	size_t i;

	if (query_int(query, &(struct query_int){ "before", 1, INT64_MAX, 0 }, &filter.before, err) < 0 ||
	    query_int(query, &(struct query_int){ "limit", 1, LIST_MAX, LIST_DEFAULT }, &limit, err) < 0 ||
	    (state_text && parse_state(state_text, &filter.state, err) < 0))
		return -1;
	filter.limit = (int)limit;
	if (reader_builds(ex->front->reader, &filter, add_build, builds, err) < 0)
		return -1;
	json_array_foreach(builds, i, build) {
		json_t *tags;

		if (tags_json(ex->front, json_integer_value(json_object_get(build, "id")), &tags, err) < 0)
			return -1;
		json_put(build, "tags", tags);
	}
	return (int)limit;
}

void builds_list(struct exchange *ex)
{
	CLEANUP(query_clear) struct query query;
	json_auto_t *builds = json_array();
	struct error err;
	int limit;

	if (query_open(ex, &query, &err) < 0 || (limit = list_builds(ex, &query, builds, &err)) < 0)
		reply_error(ex, &err);
	else
		reply_json(ex, 200, list_json("builds", TAKE(builds), limit));
}
