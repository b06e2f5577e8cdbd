/* SPDX-License-Identifier: Apache-2.0 */
#include "common/wire/codec.h"

static const struct field fields[] = {
	FIELD(wire_result, attempt, FIELD_INT64, .min = 1),
	FIELD(wire_result, seq, FIELD_INT64, .min = 0),
	FIELD(wire_result, is_success, FIELD_BOOL, 0),
	FIELD(wire_result, failure, FIELD_CLASS, .is_optional = true),
	FIELD(wire_result, reason, FIELD_TEXT, .is_optional = true),
	FIELD(wire_result, failed_step, FIELD_TEXT, .is_optional = true),
	FIELD(wire_result, exit_code, FIELD_INT, .is_optional = true),
	FIELD(wire_result, media_type, FIELD_TEXT, .is_optional = true),
	FIELD(wire_result, digest, FIELD_DIGEST, .is_optional = true),
	FIELD(wire_result, size_bytes, FIELD_INT64, .is_optional = true),
	FIELD(wire_result, log_bytes, FIELD_INT64, 0),
	FIELD(wire_result, engine_started_ms, FIELD_INT64, .is_optional = true),
	FIELD(wire_result, engine_ended_ms, FIELD_INT64, .is_optional = true),
	FIELD(wire_result, pushed_ms, FIELD_INT64, .is_optional = true),
	{ 0 },
};

void wire_result_encode(const struct wire_message *msg, json_t *obj)
{
	fields_encode(fields, &msg->result, obj);
}

int wire_result_decode(const json_t *obj, struct wire_message *msg, struct error *err)
{
	struct wire_result *result = &msg->result;

	if (fields_decode(fields, obj, "result", result, err) < 0)
		return -1;
	if (!result->is_success && result->failure == CLASS_NONE)
		return error_set(err, ERR_INVALID, "result: \"failure\" is missing");
	if (!result->is_success)
		return 0;
	if (result->failure != CLASS_NONE)
		return error_set(err, ERR_INVALID, "result: \"failure\" is given for a success");
	if (!result->digest[0])
		return error_set(err, ERR_INVALID, "result: \"digest\" is missing");
	if (!result->media_type[0])
		return error_set(err, ERR_INVALID, "result: \"media_type\" is missing");
	if (result->size_bytes < 1)
		return error_set(err, ERR_INVALID, "result: \"size_bytes\" is missing");
	return 0;
}
