/* SPDX-License-Identifier: Apache-2.0 */
#include "common/wire/codec.h"

static const struct field fields[] = {
	FIELD(wire_drain, reason, FIELD_TEXT, 0),
	{ 0 },
};
WIRE_CODEC_FIELDS(drain, "drain", fields);
