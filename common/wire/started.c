/* SPDX-License-Identifier: Apache-2.0 */
#include "common/wire/codec.h"

static const struct field fields[] = {
	FIELD(wire_started, attempt, FIELD_INT64, .min = 1),
	FIELD(wire_started, seq, FIELD_INT64, .min = 0),
	FIELD(wire_started, proof, FIELD_TEXT, 0),
	{ 0 },
};
WIRE_CODEC_FIELDS(started, "started", fields);
