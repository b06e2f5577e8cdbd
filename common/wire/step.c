/* SPDX-License-Identifier: Apache-2.0 */
#include "common/wire/codec.h"

static const struct field fields[] = {
	FIELD(wire_step, attempt, FIELD_INT64, .min = 1),
	FIELD(wire_step, n, FIELD_INT, .min = 1),
	FIELD(wire_step, total, FIELD_INT, .min = 0),
	FIELD(wire_step, name, FIELD_TEXT, 0),
	FIELD(wire_step, is_cached, FIELD_BOOL, 0),
	FIELD(wire_step, started_ms, FIELD_INT64, .min = 0),
	FIELD(wire_step, ended_ms, FIELD_INT64, .min = 0),
	{ 0 },
};
WIRE_CODEC_FIELDS(step, "step", fields);
