/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "common/wire/codec.h"

static const struct field fields[] = {
	FIELD(wire_hello, protocol, FIELD_INT, .min = 1),
	FIELD(wire_hello, version, FIELD_NAME, 0),
	FIELD(wire_hello, name, FIELD_NAME, 0),
	FIELD(wire_hello, slots, FIELD_INT, .min = 0),
	FIELD(wire_hello, engine, FIELD_TEXT, 0),
	FIELD(wire_hello, kernel_arch, FIELD_NAME, 0),
	FIELD(wire_hello, cpu, FIELD_TEXT, 0),
	FIELD(wire_hello, proof, FIELD_TEXT, 0),
	FIELD(wire_hello, is_native, FIELD_BOOL, 0),
	FIELD(wire_hello, refused_because, FIELD_TEXT, .is_optional = true),
	FIELD(wire_hello, remedy, FIELD_TEXT, .is_optional = true),
	{ 0 },
};

void wire_hello_encode(const struct wire_message *msg, json_t *obj)
{
	fields_encode(fields, &msg->hello, obj);
	wire_platforms_encode(obj, "platforms", msg->hello.platforms, msg->hello.platform_count);
	wire_ids_encode(obj, "held", msg->hello.held, msg->hello.held_count);
}

/* Names end up in file names, log lines and addresses. */
static bool name_is_plain(const char *name)
{
	return name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")] == '\0';
}

int wire_hello_decode(const json_t *obj, struct wire_message *msg, struct error *err)
{
	struct wire_hello *hello = &msg->hello;

	if (fields_decode(fields, obj, "hello", hello, err) < 0)
		return -1;
	if (!name_is_plain(hello->name))
		return error_set(err, ERR_INVALID, "hello: \"name\" may hold letters, digits, dot, dash and underscore");
	if (wire_platforms_decode(JSON_MEMBER(obj, "hello", "platforms"), hello->platforms, &hello->platform_count, err) < 0)
		return -1;
	if (hello->is_native && hello->platform_count == 0)
		return error_set(err, ERR_INVALID, "hello: \"platforms\" is empty");
	return wire_ids_decode(JSON_MEMBER(obj, "hello", "held"), hello->held, &hello->held_count, err);
}
