/* SPDX-License-Identifier: Apache-2.0 */
/* The lists that messages carry: attempts still held, platforms offered. */
#include <inttypes.h>
#include <stdlib.h>

#include "common/wire/codec.h"

static void append(json_t *list, json_t *value)
{
	if (json_array_append_new(list, value) < 0)
		abort(); /* out of memory */
}

void wire_ids_encode(json_t *obj, const char *key, const int64_t *ids, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		append(list, json_integer(ids[i]));
	wire_set(obj, key, list);
}

int wire_ids_decode(struct json_member member, int64_t ids[WIRE_HELD_MAX], size_t *ret_count, struct error *err)
{
	const json_t *list;
	size_t count;

	if (json_member_list(member, WIRE_HELD_MAX, &list, err) < 0)
		return -1;
	count = json_array_size(list);
	for (size_t i = 0; i < count; i++) {
		const json_t *value = json_array_get(list, i);

		if (!json_is_integer(value) || json_integer_value(value) < 1)
			return error_set(err, ERR_INVALID, "%s: \"%s\" must hold numbers from 1 up", member.where,
					 member.key);
		ids[i] = json_integer_value(value);
		for (size_t j = 0; j < i; j++)
			if (ids[j] == ids[i])
				return error_set(err, ERR_INVALID, "%s: \"%s\" names %" PRId64 " twice", member.where,
						 member.key, ids[i]);
	}
	*ret_count = count;
	return 0;
}

void wire_platforms_encode(json_t *obj, const char *key, const struct platform *platforms, size_t count)
{
	char text[PLATFORM_TEXT_MAX];
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++) {
		platform_format(&platforms[i], text);
		append(list, json_string(text));
	}
	wire_set(obj, key, list);
}

int wire_platforms_decode(struct json_member member, struct platform platforms[SPEC_PLATFORMS_MAX], size_t *ret_count,
			  struct error *err)
{
	char text[PLATFORM_TEXT_MAX];
	const json_t *list;
	size_t count;

	if (json_member_list(member, SPEC_PLATFORMS_MAX, &list, err) < 0)
		return -1;
	count = json_array_size(list);
	for (size_t i = 0; i < count; i++) {
		const json_t *value = json_array_get(list, i);

		if (!json_is_string(value))
			return error_set(err, ERR_INVALID, "%s: \"%s\" must hold texts like linux/arm64", member.where,
					 member.key);
		if (platform_parse(json_string_value(value), &platforms[i], err) < 0)
			return error_wrap(err, "%s: \"%s\"", member.where, member.key);
		platform_format(&platforms[i], text);
		for (size_t j = 0; j < i; j++)
			if (platform_equal(&platforms[j], &platforms[i]))
				return error_set(err, ERR_INVALID, "%s: \"%s\" names %s twice", member.where,
						 member.key, text);
	}
	*ret_count = count;
	return 0;
}
