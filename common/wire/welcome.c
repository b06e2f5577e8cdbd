/* SPDX-License-Identifier: Apache-2.0 */
#include "common/wire/codec.h"

static const struct field fields[] = {
	FIELD(wire_welcome, front_url, FIELD_NAME, 0),
	FIELD(wire_welcome, beat_interval_s, FIELD_INT, .min = 1),
	FIELD(wire_welcome, lease_s, FIELD_INT, .min = 1),
	FIELD(wire_welcome, log_window_bytes, FIELD_INT64, .min = 0),
	{ 0 },
};
WIRE_CODEC_FIELDS(welcome, "welcome", fields);
