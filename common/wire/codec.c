/* SPDX-License-Identifier: Apache-2.0 */
#include "common/wire/codec.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

void wire_set(json_t *obj, const char *key, json_t *value)
{
	if (json_object_set_new(obj, key, value) < 0)
		abort(); /* out of memory: a message is small and bounded */
}

bool wire_digest_is_valid(const char *text)
{
	const char *hex = text + 7;

	return strncmp(text, "sha256:", 7) == 0 && strspn(hex, "0123456789abcdef") == 64 && hex[64] == '\0';
}

static void encode_field(const struct field *field, const char *at, json_t *obj)
{
	char platform[PLATFORM_TEXT_MAX];
	const enum failure_class *failure = (const void *)at;

	switch (field->kind) {
	case FIELD_TEXT:
	case FIELD_NAME:
	case FIELD_DIGEST:
		if (*at || !field->is_optional)
			wire_set(obj, field->key, json_clean_string(at));
		break;
	case FIELD_INT:
		wire_set(obj, field->key, json_integer(*(const int *)(const void *)at));
		break;
	case FIELD_INT64:
		wire_set(obj, field->key, json_integer(*(const int64_t *)(const void *)at));
		break;
	case FIELD_BOOL:
		wire_set(obj, field->key, json_boolean(*(const bool *)(const void *)at));
		break;
	case FIELD_PLATFORM:
		platform_format((const void *)at, platform);
		wire_set(obj, field->key, json_string(platform));
		break;
	case FIELD_CLASS:
		if (*failure != CLASS_NONE)
			wire_set(obj, field->key, json_string(failure_class_name(*failure)));
		break;
	}
}

void fields_encode(const struct field *fields, const void *src, json_t *obj)
{
	for (; fields->key; fields++)
		encode_field(fields, (const char *)src + fields->offset, obj);
}

static int decode_number(const struct field *field, const json_t *obj, const char *where, int64_t *ret,
			 struct error *err)
{
	int64_t max = field->kind == FIELD_INT ? INT_MAX : INT64_MAX;
	int64_t value;
	int rc = field->is_optional ? json_get_int_or(obj, where, field->key, &value, 0, err)
				    : json_get_int(obj, where, field->key, &value, err);

	if (rc < 0)
		return -1;
	if (value < field->min || value > max)
		return error_set(err, ERR_INVALID, "%s: \"%s\" is %" PRId64 ", must be from %" PRId64 " to %" PRId64,
				 where, field->key, value, field->min, max);
	*ret = value;
	return 0;
}

static int decode_text(const struct field *field, const json_t *obj, const char *where, char *at, struct error *err)
{
	int rc = field->is_optional ? json_get_text_or(obj, where, field->key, at, field->size, "", err)
				    : json_get_text(obj, where, field->key, at, field->size, err);

	if (rc < 0)
		return -1;
	if (field->kind == FIELD_NAME && !*at && !field->is_optional)
		return error_set(err, ERR_INVALID, "%s: \"%s\" is empty", where, field->key);
	if (field->kind == FIELD_DIGEST && *at && !wire_digest_is_valid(at))
		return error_set(err, ERR_INVALID, "%s: \"%s\" must be sha256: and 64 hex digits", where, field->key);
	return 0;
}

static int decode_bool(const struct field *field, const json_t *obj, const char *where, bool *at, struct error *err)
{
	if (!field->is_optional && !json_object_get(obj, field->key))
		return error_set(err, ERR_INVALID, "%s: \"%s\" is missing", where, field->key);
	return json_get_bool_or(obj, where, field->key, at, false, err);
}

static int decode_class(const struct field *field, const json_t *obj, const char *where, enum failure_class *at,
			struct error *err)
{
	char name[16];
	enum failure_class failure;

	if (json_get_text_or(obj, where, field->key, name, sizeof(name), "", err) < 0)
		return -1;
	failure = failure_class_find(name);
	if (failure == CLASS_COUNT)
		return error_set(err, ERR_INVALID, "%s: \"%s\" is \"%s\", must be build, infra, timeout or policy",
				 where, field->key, name);
	*at = failure;
	return 0;
}

static int decode_platform(const struct field *field, const json_t *obj, const char *where, struct platform *at,
			   struct error *err)
{
	char text[PLATFORM_TEXT_MAX];

	if (json_get_text(obj, where, field->key, text, sizeof(text), err) < 0)
		return -1;
	if (platform_parse(text, at, err) < 0)
		return error_wrap(err, "%s", where);
	return 0;
}

static int decode_field(const struct field *field, const json_t *obj, const char *where, void *at, struct error *err)
{
	int64_t number = 0;

	switch (field->kind) {
	case FIELD_TEXT:
	case FIELD_NAME:
	case FIELD_DIGEST:
		return decode_text(field, obj, where, at, err);
	case FIELD_INT:
	case FIELD_INT64:
		if (decode_number(field, obj, where, &number, err) < 0)
			return -1;
		if (field->kind == FIELD_INT)
			*(int *)at = (int)number;
		else
			*(int64_t *)at = number;
		return 0;
	case FIELD_BOOL:
		return decode_bool(field, obj, where, at, err);
	case FIELD_PLATFORM:
		return decode_platform(field, obj, where, at, err);
	case FIELD_CLASS:
		return decode_class(field, obj, where, at, err);
	}
	return error_set(err, ERR_INTERNAL, "%s: \"%s\" has no decoder", where, field->key);
}

int fields_decode(const struct field *fields, const json_t *obj, const char *where, void *dst, struct error *err)
{
	for (; fields->key; fields++)
		if (decode_field(fields, obj, where, (char *)dst + fields->offset, err) < 0)
			return -1;
	return 0;
}
