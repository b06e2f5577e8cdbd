/* SPDX-License-Identifier: Apache-2.0 */
#include "common/wire/wire.h"

#include <string.h>

#include "common/mem.h"
#include "common/wire/codec.h"

#define ROW(name) wire_##name##_encode, wire_##name##_decode

static const struct {
	const char *name;
	void (*encode)(const struct wire_message *msg, json_t *obj);
	int (*decode)(const json_t *obj, struct wire_message *msg, struct error *err);
} types[WIRE_TYPE_COUNT] = {
	[WIRE_HELLO] = { "hello", ROW(hello) },
	[WIRE_WELCOME] = { "welcome", ROW(welcome) },
	[WIRE_OFFER] = { "offer", ROW(offer) },
	[WIRE_ACCEPT] = { "accept", ROW(accept) },
	[WIRE_REFUSE] = { "refuse", ROW(refuse) },
	[WIRE_STARTED] = { "started", ROW(started) },
	[WIRE_STEP] = { "step", ROW(step) },
	[WIRE_RESULT] = { "result", ROW(result) },
	[WIRE_BEAT] = { "beat", ROW(beat) },
	[WIRE_ACK] = { "ack", ROW(ack) },
	[WIRE_CANCEL] = { "cancel", ROW(cancel) },
	[WIRE_CANCELLED] = { "cancelled", ROW(cancelled) },
	[WIRE_ABANDON] = { "abandon", ROW(abandon) },
	[WIRE_DRAIN] = { "drain", ROW(drain) },
	[WIRE_LOG_CREDIT] = { "log-credit", ROW(log_credit) },
	[WIRE_CREDENTIAL_REQUEST] = { "credential-request", ROW(credential_request) },
	[WIRE_CREDENTIAL] = { "credential", ROW(credential) },
	[WIRE_BYE] = { "bye", ROW(bye) },
	[WIRE_ERROR] = { "error", ROW(error) },
};

static const char *const classes[CLASS_COUNT] = {
	[CLASS_NONE] = "", [CLASS_BUILD] = "build", [CLASS_INFRA] = "infra", [CLASS_TIMEOUT] = "timeout",
	[CLASS_POLICY] = "policy",
};

const char *wire_type_name(enum wire_type type)
{
	return (unsigned)type < WIRE_TYPE_COUNT ? types[type].name : "unknown";
}

enum wire_type wire_type_find(const char *name)
{
	unsigned type = 0;

	while (type < WIRE_TYPE_COUNT && strcmp(types[type].name, name) != 0)
		type++;
	return (enum wire_type)type;
}

const char *failure_class_name(enum failure_class failure)
{
	return (unsigned)failure < CLASS_COUNT ? classes[failure] : "";
}

enum failure_class failure_class_find(const char *name)
{
	unsigned failure = 0;

	while (failure < CLASS_COUNT && strcmp(classes[failure], name) != 0)
		failure++;
	return (enum failure_class)failure;
}

char *wire_encode(const struct wire_message *msg)
{
	json_auto_t *obj = json_object();

	wire_set(obj, "type", json_string(types[msg->type].name));
	types[msg->type].encode(msg, obj);
	return json_text(obj);
}

static void answer_unknown(const char *name, struct wire_message *ret_msg)
{
	*ret_msg = (struct wire_message){ .type = WIRE_ERROR };
	text_copy(ret_msg->error.about, sizeof(ret_msg->error.about), name);
	text_copy(ret_msg->error.reason, sizeof(ret_msg->error.reason), "this side knows no message of that type");
}

int wire_decode(const char *text, size_t len, struct wire_message *ret_msg, struct error *err)
{
	struct wire_message msg = { 0 };
	char name[sizeof(msg.error.about)];

	if (len > WIRE_TEXT_MAX)
		return error_set(err, ERR_INVALID, "message: %zu bytes, at most %d are taken", len, WIRE_TEXT_MAX);

	json_auto_t *obj = json_parse(text, len, err);

	if (!obj)
		return error_wrap(err, "message");
	if (!json_is_object(obj))
		return error_set(err, ERR_INVALID, "message: must be a JSON object");
	if (json_get_text(obj, "message", "type", name, sizeof(name), err) < 0)
		return -1;
	msg.type = wire_type_find(name);
	if (msg.type == WIRE_TYPE_COUNT) {
		answer_unknown(name, ret_msg);
		return WIRE_UNKNOWN_TYPE;
	}
	if (types[msg.type].decode(obj, &msg, err) < 0)
		return -1;
	*ret_msg = msg;
	return 0;
}

void wire_message_clear(struct wire_message *msg)
{
	if (msg->type == WIRE_OFFER)
		mem_free(msg->offer.spec);
	if (msg->type == WIRE_CREDENTIAL && msg->credential.secret) {
		explicit_bzero(msg->credential.secret, strlen(msg->credential.secret));
		mem_free(msg->credential.secret);
	}
	explicit_bzero(msg, sizeof(*msg));
}
