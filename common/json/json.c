/* SPDX-License-Identifier: Apache-2.0 */
#include "common/json/json.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/nearest.h"

/*
 * jansson's own limit is 2048 levels, and it recurses for each. Counting brackets first is
 * cheaper than its stack: what is not JSON is left for the parser to name.
 */
static int check_depth(const char *text, size_t len, struct error *err)
{
	int depth = 0;
	bool in_string = false;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (in_string && c == '\\')
			i++;
		else if (c == '"')
			in_string = !in_string;
		else if (in_string)
			continue;
		else if (c == '}' || c == ']')
			depth--;
		else if ((c == '{' || c == '[') && ++depth > JSON_DEPTH_MAX)
			return error_set(err, ERR_INVALID, "JSON: nested deeper than %d levels at byte %zu",
					 JSON_DEPTH_MAX, i + 1);
	}
	return 0;
}

json_t *json_parse(const char *text, size_t len, struct error *err)
{
	json_error_t where;
	json_t *root;

	if (len > JSON_TEXT_MAX) {
		error_set(err, ERR_INVALID, "JSON: %zu bytes, at most %d are taken", len, JSON_TEXT_MAX);
		return NULL;
	}
	if (check_depth(text, len, err) < 0)
		return NULL;
	root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &where);
	if (!root)
		error_set(err, ERR_INVALID, "JSON: line %d column %d: %s", where.line, where.column, where.text);
	return root;
}

char *json_text(const json_t *root)
{
	char *text = json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);

	if (!text)
		abort(); /* out of memory: what is encoded here is small and ours */
	return text;
}

/* How many bytes the UTF-8 sequence at s has; 0 when it is none (RFC 3629: no surrogates, nothing overlong). */
static size_t sequence_len(const unsigned char *s)
{
	size_t len = s[0] < 0x80 ? 1 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : (s[0] & 0xf0) == 0xe0 ? 3 :
		     s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : 0;

	for (size_t i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if (len == 3 && ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] >= 0xa0)))
		return 0;
	if (len == 4 && ((s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] >= 0x90)))
		return 0;
	return len;
}

json_t *json_clean_string(const char *text)
{
	json_t *value = json_string(text);
	char *copy, *end;

	if (value)
		return value;
	copy = end = mem_strdup(text);
	while (*end) {
		size_t len = sequence_len((const unsigned char *)end);

		if (len == 0)
			*end = '?';
		end += len ? len : 1;
	}
	value = json_string(copy);
	mem_free(copy);
	if (!value)
		abort(); /* out of memory */
	return value;
}

static int missing(struct json_member member, struct error *err)
{
	return error_set(err, ERR_INVALID, "%s: \"%s\" is missing", member.where, member.key);
}

static int wrong_type(struct json_member member, const char *wanted, struct error *err)
{
	return error_set(err, ERR_INVALID, "%s: \"%s\" must be %s", member.where, member.key, wanted);
}

/* Absent and null are the same to us. */
static json_t *value_of(struct json_member member)
{
	json_t *value = json_object_get(member.obj, member.key);

	return json_is_null(value) ? NULL : value;
}

static int check_text(struct json_member member, size_t max, struct error *err)
{
	const json_t *value = value_of(member);

	if (!json_is_string(value))
		return wrong_type(member, "text", err);
	if (json_string_length(value) > max)
		return error_set(err, ERR_INVALID, "%s: \"%s\" has %zu bytes, at most %zu are taken", member.where,
				 member.key, json_string_length(value), max);
	return 0;
}

int json_member_text(struct json_member member, char *dst, size_t size, struct error *err)
{
	if (!value_of(member))
		return missing(member, err);
	return json_member_text_or(member, dst, size, "", err);
}

int json_member_text_or(struct json_member member, char *dst, size_t size, const char *fallback, struct error *err)
{
	const json_t *value = value_of(member);

	if (value && check_text(member, size - 1, err) < 0)
		return -1;
	if (text_copy(dst, size, value ? json_string_value(value) : fallback) < 0)
		return error_set(err, ERR_INTERNAL, "%s: the default of \"%s\" is too long", member.where, member.key);
	return 0;
}

int json_member_strdup(struct json_member member, size_t max, char **ret, struct error *err)
{
	const json_t *value = value_of(member);

	if (!value)
		return missing(member, err);
	if (check_text(member, max, err) < 0)
		return -1;
	*ret = mem_strdup(json_string_value(value));
	return 0;
}

int json_member_int(struct json_member member, int64_t *ret, struct error *err)
{
	if (!value_of(member))
		return missing(member, err);
	return json_member_int_or(member, ret, 0, err);
}

int json_member_int_or(struct json_member member, int64_t *ret, int64_t fallback, struct error *err)
{
	const json_t *value = value_of(member);

	if (value && !json_is_integer(value))
		return wrong_type(member, "a whole number", err);
	*ret = value ? json_integer_value(value) : fallback;
	return 0;
}

int json_member_bool_or(struct json_member member, bool *ret, bool fallback, struct error *err)
{
	const json_t *value = value_of(member);

	if (value && !json_is_boolean(value))
		return wrong_type(member, "true or false", err);
	*ret = value ? json_is_true(value) : fallback;
	return 0;
}

int json_member_list(struct json_member member, size_t max, const json_t **ret_list, struct error *err)
{
	const json_t *list = value_of(member);

	if (!list)
		return missing(member, err);
	if (!json_is_array(list))
		return wrong_type(member, "a list", err);
	if (json_array_size(list) > max)
		return error_set(err, ERR_INVALID, "%s: \"%s\" has %zu elements, at most %zu are taken", member.where,
				 member.key, json_array_size(list), max);
	*ret_list = list;
	return 0;
}

int json_only_members(const json_t *obj, const char *where, const char *const *known, struct error *err)
{
	const char *key, *meant;
	size_t count = 0;
	void *iter;

	while (known[count])
		count++;
	for (iter = json_object_iter((json_t *)obj); iter;
	     iter = json_object_iter_next((json_t *)obj, iter)) {
		size_t i = 0;

		key = json_object_iter_key(iter);
		while (i < count && strcmp(key, known[i]) != 0)
			i++;
		if (i < count)
			continue;
		meant = nearest_name(key, known, count);
		return error_set(err, ERR_INVALID, "%s: unknown member \"%.64s\"%s%s%s", where, key,
				 meant ? ", did you mean \"" : "", meant ? meant : "", meant ? "\"?" : "");
	}
	return 0;
}
