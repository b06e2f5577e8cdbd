/* SPDX-License-Identifier: Apache-2.0 */
#include "common/mem.h"
#include "coordinator/core/core.h"

void core_event_clear(struct core_event *event)
{
	if (event->type == EVENT_SUBMIT)
		spec_clear(&event->submit.spec);
	else if (event->type == EVENT_MESSAGE)
		wire_message_clear(&event->message.msg);
}

void effect_clear(struct effect *effect)
{
	if (effect->type == EFFECT_SAVE && effect->save) {
		row_clear(effect->save);
		mem_free(TAKE(effect->save));
	} else if (effect->type == EFFECT_SEND && effect->send.msg) {
		wire_message_clear(effect->send.msg);
		mem_free(TAKE(effect->send.msg));
	} else if (effect->type == EFFECT_PUBLISH) {
		mem_free(TAKE(effect->publish));
	} else if (effect->type == EFFECT_REASONS) {
		mem_free(TAKE(effect->reasons.list));
		effect->reasons.count = 0;
	}
}

void effects_clear(struct effects *effects)
{
	for (size_t i = 0; i < effects->count; i++)
		effect_clear(&effects->list[i]);
	mem_free(effects->list);
	*effects = (struct effects){ 0 };
}
