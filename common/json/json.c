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

static int missing(const char *where, const char *key, struct error *err)
{
	return error_set(err, ERR_INVALID, "%s: \"%s\" is missing", where, key);
}

static int wrong_type(const char *where, const char *key, const char *wanted, struct error *err)
{
	return error_set(err, ERR_INVALID, "%s: \"%s\" must be %s", where, key, wanted);
}

/* Absent and null are the same to us. */
static json_t *member(const json_t *obj, const char *key)
{
	json_t *value = json_object_get(obj, key);

	return json_is_null(value) ? NULL : value;
}

static int take_text(const json_t *value, const char *where, const char *key, size_t max, struct error *err)
{
	if (!json_is_string(value))
		return wrong_type(where, key, "text", err);
	if (json_string_length(value) > max)
		return error_set(err, ERR_INVALID, "%s: \"%s\" has %zu bytes, at most %zu are taken", where, key,
				 json_string_length(value), max);
	return 0;
}

int json_get_text(const json_t *obj, const char *where, const char *key, char *dst, size_t size, struct error *err)
{
	if (!member(obj, key))
		return missing(where, key, err);
	return json_get_text_or(obj, where, key, dst, size, "", err);
}

int json_get_text_or(const json_t *obj, const char *where, const char *key, char *dst, size_t size,
		     const char *fallback, struct error *err)
{
	const json_t *value = member(obj, key);

	if (value && take_text(value, where, key, size - 1, err) < 0)
		return -1;
	if (text_copy(dst, size, value ? json_string_value(value) : fallback) < 0)
		return error_set(err, ERR_INTERNAL, "%s: the default of \"%s\" is too long", where, key);
	return 0;
}

int json_get_strdup(const json_t *obj, const char *where, const char *key, size_t max, char **ret, struct error *err)
{
	const json_t *value = member(obj, key);

	if (!value)
		return missing(where, key, err);
	if (take_text(value, where, key, max, err) < 0)
		return -1;
	*ret = mem_strdup(json_string_value(value));
	return 0;
}

int json_get_int(const json_t *obj, const char *where, const char *key, int64_t *ret, struct error *err)
{
	if (!member(obj, key))
		return missing(where, key, err);
	return json_get_int_or(obj, where, key, ret, 0, err);
}

int json_get_int_or(const json_t *obj, const char *where, const char *key, int64_t *ret, int64_t fallback,
		    struct error *err)
{
	const json_t *value = member(obj, key);

	if (value && !json_is_integer(value))
		return wrong_type(where, key, "a whole number", err);
	*ret = value ? json_integer_value(value) : fallback;
	return 0;
}

int json_get_bool_or(const json_t *obj, const char *where, const char *key, bool *ret, bool fallback,
		     struct error *err)
{
	const json_t *value = member(obj, key);

	if (value && !json_is_boolean(value))
		return wrong_type(where, key, "true or false", err);
	*ret = value ? json_is_true(value) : fallback;
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
