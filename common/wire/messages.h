/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of common/wire only: the two functions of every message type. Encode fills an object that
 * already has its "type"; decode fills the type's struct in msg, and owns nothing when it fails.
 */
#ifndef COMMON_WIRE_MESSAGES_H
#define COMMON_WIRE_MESSAGES_H

#include "common/json/json.h"
#include "common/wire/wire.h"

#define WIRE_CODEC(name) \
	void wire_##name##_encode(const struct wire_message *msg, json_t *obj); \
	int wire_##name##_decode(const json_t *obj, struct wire_message *msg, struct error *err)

WIRE_CODEC(hello);
WIRE_CODEC(welcome);
WIRE_CODEC(offer);
WIRE_CODEC(accept);
WIRE_CODEC(refuse);
WIRE_CODEC(started);
WIRE_CODEC(step);
WIRE_CODEC(result);
WIRE_CODEC(beat);
WIRE_CODEC(ack);
WIRE_CODEC(cancel);
WIRE_CODEC(cancelled);
WIRE_CODEC(abandon);
WIRE_CODEC(drain);
WIRE_CODEC(log_credit);
WIRE_CODEC(credential_request);
WIRE_CODEC(credential);
WIRE_CODEC(bye);
WIRE_CODEC(error);

#endif
