/* SPDX-License-Identifier: Apache-2.0 */
#include "common/wire/codec.h"

static const struct field fields[] = {
	FIELD(wire_ack, attempt, FIELD_INT64, .min = 1),
	FIELD(wire_ack, seq, FIELD_INT64, .min = 0),
	{ 0 },
};
WIRE_CODEC_FIELDS(ack, "ack", fields);
