/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of common/wire only: what the message files share. A message is mostly a table of its
 * members; lists and owned text have a function each.
 */
#ifndef COMMON_WIRE_CODEC_H
#define COMMON_WIRE_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/json/json.h"
#include "common/wire/messages.h"
#include "common/wire/wire.h"

#define WIRE_SECRET_MAX (16 * 1024)

enum field_kind {
	FIELD_TEXT,     /* char[size] */
	FIELD_NAME,     /* char[size], not empty */
	FIELD_DIGEST,   /* char[size]: sha256:hex */
	FIELD_INT,      /* int, at least min */
	FIELD_INT64,    /* int64_t, at least min */
	FIELD_BOOL,     /* bool */
	FIELD_PLATFORM, /* struct platform */
	FIELD_CLASS,    /* enum failure_class; absent for CLASS_NONE */
};

struct field {
	const char *key; /* NULL ends a table */
	enum field_kind kind;
	size_t offset, size;
	int64_t min;
	bool is_optional; /* left out when empty; absent means "", 0 or false */
};

#define FIELD(type, member, kind_, ...) \
	{ .key = #member, .kind = (kind_), .offset = offsetof(struct type, member), \
	  .size = sizeof(((struct type *)0)->member), __VA_ARGS__ }

void fields_encode(const struct field *fields, const void *src, json_t *obj);
int fields_decode(const struct field *fields, const json_t *obj, const char *where, void *dst, struct error *err);

/* Lists; decoding refuses more than fit, and doubles. */
void wire_ids_encode(json_t *obj, const char *key, const int64_t *ids, size_t count);
int wire_ids_decode(struct json_member member, int64_t ids[WIRE_HELD_MAX], size_t *ret_count, struct error *err);
void wire_platforms_encode(json_t *obj, const char *key, const struct platform *platforms, size_t count);
int wire_platforms_decode(struct json_member member, struct platform platforms[SPEC_PLATFORMS_MAX], size_t *ret_count,
			  struct error *err);

bool wire_digest_is_valid(const char *text);
void wire_set(json_t *obj, const char *key, json_t *value); /* takes value */

/* The object form of a spec, for offers. */
json_t *spec_to_json(const struct build_spec *spec);
int spec_from_json(const json_t *root, struct build_spec *ret_spec, struct error *err);

/* Both functions of a message that is nothing but its fields. */
#define WIRE_CODEC_FIELDS(name, type, fields) \
	void wire_##name##_encode(const struct wire_message *msg, json_t *obj) \
	{ \
		fields_encode(fields, &msg->name, obj); \
	} \
	int wire_##name##_decode(const json_t *obj, struct wire_message *msg, struct error *err) \
	{ \
		return fields_decode(fields, obj, type, &msg->name, err); \
	} \
	_Static_assert(sizeof(fields) > sizeof(struct field), "a message has members")

#endif
