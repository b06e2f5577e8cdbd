/* SPDX-License-Identifier: Apache-2.0 */
#include "common/wire/codec.h"

static const struct field fields[] = {
	FIELD(wire_beat, disk_free_bytes, FIELD_INT64, .min = 0),
	FIELD(wire_beat, load_percent, FIELD_INT, .min = 0),
	{ 0 },
};

void wire_beat_encode(const struct wire_message *msg, json_t *obj)
{
	fields_encode(fields, &msg->beat, obj);
	wire_ids_encode(obj, "held", msg->beat.held, msg->beat.held_count);
}

int wire_beat_decode(const json_t *obj, struct wire_message *msg, struct error *err)
{
	if (fields_decode(fields, obj, "beat", &msg->beat, err) < 0)
		return -1;
	return wire_ids_decode(JSON_MEMBER(obj, "beat", "held"), msg->beat.held, &msg->beat.held_count, err);
}
