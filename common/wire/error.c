/* SPDX-License-Identifier: Apache-2.0 */
#include "common/wire/codec.h"

static const struct field fields[] = {
	FIELD(wire_error, about, FIELD_TEXT, 0),
	FIELD(wire_error, reason, FIELD_TEXT, 0),
	{ 0 },
};
WIRE_CODEC_FIELDS(error, "error", fields);
