/* SPDX-License-Identifier: Apache-2.0 */
#include "common/wire/codec.h"

static const struct field fields[] = {
	FIELD(wire_log_credit, attempt, FIELD_INT64, .min = 1),
	FIELD(wire_log_credit, durable_bytes, FIELD_INT64, .min = 0),
	FIELD(wire_log_credit, limit_bytes, FIELD_INT64, .min = 0),
	{ 0 },
};
WIRE_CODEC_FIELDS(log_credit, "log-credit", fields);
