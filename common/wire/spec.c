/* SPDX-License-Identifier: Apache-2.0 */
#include "common/wire/spec.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/wire/codec.h"
#include "common/wire/spec_check.h"

static json_t *pairs_to_json(const struct spec_pair *pairs, size_t count)
{
	json_t *obj = json_object();

	for (size_t i = 0; i < count; i++)
		wire_set(obj, pairs[i].name, json_clean_string(pairs[i].value));
	return obj;
}

json_t *spec_to_json(const struct build_spec *spec)
{
	json_t *root = json_object();
	json_t *source = json_object();
	json_t *tags = json_array();

	wire_set(root, "source", source);
	wire_set(source, "context", json_string(spec->context));
	wire_set(root, "dockerfile", json_clean_string(spec->dockerfile));
	if (spec->target)
		wire_set(root, "target", json_clean_string(spec->target));
	wire_platforms_encode(root, "platforms", spec->platforms, spec->platform_count);
	for (size_t i = 0; i < spec->tag_count; i++)
		json_array_append_new(tags, json_clean_string(spec->tags[i]));
	wire_set(root, "tags", tags);
	wire_set(root, "build_args", pairs_to_json(spec->build_args, spec->build_arg_count));
	wire_set(root, "labels", pairs_to_json(spec->labels, spec->label_count));
	return root;
}

char *spec_encode(const struct build_spec *spec)
{
	json_auto_t *root = spec_to_json(spec);

	return json_text(root);
}

static int decode_source(const json_t *root, struct build_spec *spec, struct error *err)
{
	static const char *const known[] = { "context", NULL };
	const json_t *source = json_object_get(root, "source");

	if (!source)
		return error_set(err, ERR_INVALID, "build: \"source\" is missing");
	if (!json_is_object(source))
		return error_set(err, ERR_INVALID, "build: \"source\" must be an object like {\"context\": \"sha256:...\"}");
	if (json_only_members(source, "build: source", known, err) < 0)
		return -1;
	if (json_get_text(source, "build: source", "context", spec->context, sizeof(spec->context), err) < 0)
		return -1;
	if (!wire_digest_is_valid(spec->context))
		return error_set(err, ERR_INVALID, "build: source: \"context\" is \"%s\", must be sha256: and 64 hex digits "
				 "in lower case", spec->context);
	return 0;
}

/* Member as text on the heap, NULL when absent. */
static int get_optional(const json_t *root, const char *key, char **ret, struct error *err)
{
	const json_t *value = json_object_get(root, key);

	if (!value || json_is_null(value))
		return 0;
	return json_get_strdup(root, "build", key, SPEC_TEXT_MAX, ret, err);
}

static int decode_recipe(const json_t *root, struct build_spec *spec, struct error *err)
{
	if (get_optional(root, "dockerfile", &spec->dockerfile, err) < 0)
		return -1;
	if (!spec->dockerfile)
		spec->dockerfile = mem_strdup("Dockerfile");
	if (spec_check_dockerfile(spec->dockerfile, err) < 0)
		return -1;
	if (get_optional(root, "target", &spec->target, err) < 0)
		return -1;
	if (spec->target && !*spec->target) {
		mem_free(spec->target);
		spec->target = NULL;
	}
	return spec->target ? spec_check_target(spec->target, err) : 0;
}

static int decode_platforms(const json_t *root, struct build_spec *spec, struct error *err)
{
	if (wire_platforms_decode(JSON_MEMBER(root, "build", "platforms"), spec->platforms, &spec->platform_count, err) < 0)
		return -1;
	if (spec->platform_count == 0)
		return error_set(err, ERR_INVALID, "build: \"platforms\" is empty, must name at least one, "
				 "for example linux/amd64");
	return 0;
}

static int decode_tags(const json_t *root, struct build_spec *spec, struct error *err)
{
	const json_t *value = json_object_get(root, "tags");
	const json_t *list;

	if (!value || json_is_null(value))
		return 0;
	if (json_member_list(JSON_MEMBER(root, "build", "tags"), SPEC_TAGS_MAX, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *tag = json_string_value(json_array_get(list, i));

		if (!tag)
			return error_set(err, ERR_INVALID, "build: \"tags\" must hold texts");
		if (spec_check_tag(tag, err) < 0)
			return -1;
		for (size_t j = 0; j < i; j++)
			if (strcmp(spec->tags[j], tag) == 0)
				return error_set(err, ERR_INVALID, "build: \"tags\" names %.128s twice", tag);
		spec->tags[spec->tag_count++] = mem_strdup(tag);
	}
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct spec_pair *)a)->name, ((const struct spec_pair *)b)->name);
}

static int decode_pairs(const json_t *root, const char *member, struct spec_pair **ret_pairs, size_t *ret_count,
			struct error *err)
{
	json_t *obj = json_object_get(root, member);
	size_t size = json_object_size(obj);
	json_t *value;
	const char *name;

	if (!obj || json_is_null(obj))
		return 0;
	if (!json_is_object(obj))
		return error_set(err, ERR_INVALID, "build: \"%s\" must be an object of names and texts", member);
	if (size > SPEC_PAIRS_MAX)
		return error_set(err, ERR_INVALID, "build: \"%s\" has %zu members, at most %d are taken", member, size,
				 SPEC_PAIRS_MAX);
	*ret_pairs = mem_alloc(size * sizeof(**ret_pairs));
	json_object_foreach(obj, name, value) {
		struct spec_pair *pair = &(*ret_pairs)[*ret_count];

		if (spec_check_pair_name(member, name, err) < 0)
			return -1;
		if (!json_is_string(value))
			return error_set(err, ERR_INVALID, "build: \"%s\": \"%.64s\" must be text", member, name);
		pair->name = mem_strdup(name);
		pair->value = mem_strdup(json_string_value(value));
		++*ret_count;
	}
	qsort(*ret_pairs, *ret_count, sizeof(**ret_pairs), by_name);
	return 0;
}

static int decode_all(const json_t *root, struct build_spec *spec, struct error *err)
{
	static const char *const known[] = {
		"source", "dockerfile", "target", "platforms", "tags", "build_args", "labels", NULL,
	};

	if (!json_is_object(root))
		return error_set(err, ERR_INVALID, "build: must be a JSON object");
	if (json_only_members(root, "build", known, err) < 0 || decode_source(root, spec, err) < 0 ||
	    decode_recipe(root, spec, err) < 0 || decode_platforms(root, spec, err) < 0 ||
	    decode_tags(root, spec, err) < 0)
		return -1;
	if (decode_pairs(root, "build_args", &spec->build_args, &spec->build_arg_count, err) < 0)
		return -1;
	return decode_pairs(root, "labels", &spec->labels, &spec->label_count, err);
}

int spec_from_json(const json_t *root, struct build_spec *ret_spec, struct error *err)
{
	struct build_spec spec = { 0 };

	if (decode_all(root, &spec, err) < 0) {
		spec_clear(&spec);
		return -1;
	}
	*ret_spec = spec;
	return 0;
}

int spec_decode(const char *text, size_t len, struct build_spec *ret_spec, struct error *err)
{
	if (len > SPEC_TEXT_MAX)
		return error_set(err, ERR_INVALID, "build: %zu bytes, at most %d are taken", len, SPEC_TEXT_MAX);

	json_auto_t *root = json_parse(text, len, err);

	if (!root)
		return error_wrap(err, "build");
	return spec_from_json(root, ret_spec, err);
}

static void free_pairs(struct spec_pair *pairs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		mem_free(pairs[i].name);
		mem_free(pairs[i].value);
	}
	mem_free(pairs);
}

void spec_clear(struct build_spec *spec)
{
	mem_free(spec->dockerfile);
	mem_free(spec->target);
	for (size_t i = 0; i < spec->tag_count; i++)
		mem_free(spec->tags[i]);
	free_pairs(spec->build_args, spec->build_arg_count);
	free_pairs(spec->labels, spec->label_count);
	*spec = (struct build_spec){ 0 };
}
