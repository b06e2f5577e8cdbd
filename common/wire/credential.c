/* SPDX-License-Identifier: Apache-2.0 */
#include "common/wire/codec.h"

static const struct field request_fields[] = {
	FIELD(wire_credential_request, request, FIELD_INT64, .min = 0),
	FIELD(wire_credential_request, attempt, FIELD_INT64, .min = 1),
	FIELD(wire_credential_request, host, FIELD_NAME, 0),
	{ 0 },
};
WIRE_CODEC_FIELDS(credential_request, "credential-request", request_fields);

static const struct field fields[] = {
	FIELD(wire_credential, request, FIELD_INT64, .min = 0),
	FIELD(wire_credential, is_basic, FIELD_BOOL, 0),
	FIELD(wire_credential, username, FIELD_TEXT, .is_optional = true),
	{ 0 },
};

void wire_credential_encode(const struct wire_message *msg, json_t *obj)
{
	fields_encode(fields, &msg->credential, obj);
	if (msg->credential.secret)
		wire_set(obj, "secret", json_clean_string(msg->credential.secret));
}

/* No secret: the registry is to be used without one. */
int wire_credential_decode(const json_t *obj, struct wire_message *msg, struct error *err)
{
	struct wire_credential *credential = &msg->credential;

	if (fields_decode(fields, obj, "credential", credential, err) < 0)
		return -1;
	if (credential->is_basic && !credential->username[0])
		return error_set(err, ERR_INVALID, "credential: \"username\" is missing");
	if (!credential->is_basic && !json_object_get(obj, "secret"))
		return 0;
	return json_get_strdup(obj, "credential", "secret", WIRE_SECRET_MAX, &credential->secret, err);
}
