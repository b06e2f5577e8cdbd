/* SPDX-License-Identifier: Apache-2.0 */
#include "common/wire/codec.h"

static const struct field fields[] = {
	FIELD(wire_refuse, attempt, FIELD_INT64, .min = 1),
	FIELD(wire_refuse, reason, FIELD_TEXT, 0),
	{ 0 },
};
WIRE_CODEC_FIELDS(refuse, "refuse", fields);
