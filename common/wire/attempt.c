/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that say nothing but which attempt: accept, cancel, abandon. */
#include "common/wire/codec.h"

static const struct field fields[] = {
	FIELD(wire_attempt, attempt, FIELD_INT64, .min = 1),
	{ 0 },
};
WIRE_CODEC_FIELDS(accept, "accept", fields);
WIRE_CODEC_FIELDS(cancel, "cancel", fields);
WIRE_CODEC_FIELDS(abandon, "abandon", fields);
