/* SPDX-License-Identifier: Apache-2.0 */
#include "common/wire/codec.h"

static const struct field fields[] = {
	FIELD(wire_bye, reason, FIELD_TEXT, 0),
	FIELD(wire_bye, remedy, FIELD_TEXT, .is_optional = true),
	FIELD(wire_bye, retry_after_s, FIELD_INT, .min = 0),
	{ 0 },
};
WIRE_CODEC_FIELDS(bye, "bye", fields);
