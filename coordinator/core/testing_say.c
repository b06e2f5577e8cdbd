/* SPDX-License-Identifier: Apache-2.0 */
/* What clients, workers and the registry say to a core under test, and what it answered. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "coordinator/core/map.h"
#include "coordinator/core/testing.h"
#include "coordinator/core/text.h"

/* The next text of a list with commas, or NULL. */
static char *next_of(const char **list)
{
	size_t len = strcspn(*list, ",");
	char *one;

	if (!len)
		return NULL;
	one = mem_strndup(*list, len);
	*list += len + ((*list)[len] == ',');
	return one;
}

static size_t platforms_of(const char *list, struct platform platforms[SPEC_PLATFORMS_MAX])
{
	size_t count = 0;
	struct error err;
	char *one;

	while ((one = next_of(&list))) {
		if (platform_parse(one, &platforms[count++], &err) < 0)
			abort();
		mem_free(one);
	}
	return count;
}

int64_t rig_submit(struct rig *rig, int64_t project, const char *platforms, const char *tags)
{
	struct core_event event = { .type = EVENT_SUBMIT, .submit = { .request = 7, .project = project } };
	struct build_spec *spec = &event.submit.spec;
	const struct effect *reply;
	char *one;

	text_format(spec->context, sizeof(spec->context), "sha256:%064d", 1);
	spec->dockerfile = mem_strdup("Dockerfile");
	spec->platform_count = platforms_of(platforms, spec->platforms);
	while ((one = next_of(&tags)))
		spec->tags[spec->tag_count++] = one;
	rig_handle(rig, &event);
	reply = rig_told(rig, EFFECT_REPLY, 0);
	return reply && reply->reply.code == 0 ? reply->reply.build : 0;
}

void rig_cancel(struct rig *rig, int64_t build)
{
	rig_handle(rig, &(struct core_event){ .type = EVENT_CANCEL, .cancel = { 8, build } });
}

void rig_say(struct rig *rig, int64_t session, const struct wire_message *msg)
{
	struct core_event event = { .type = EVENT_MESSAGE, .message = { .session = session, .msg = *msg } };

	rig_handle(rig, &event);
}

static struct wire_message hello_of(const char *name, const char *platforms, int slots)
{
	struct wire_message msg = { .type = WIRE_HELLO, .hello = {
		.protocol = WIRE_PROTOCOL, .version = "1", .slots = slots, .engine = "buildah 1.28.2", .kernel_arch = "x86_64",
		.cpu = "a cpu", .proof = "an arm ELF failed with ENOEXEC", .is_native = true } };

	text_format(msg.hello.name, sizeof(msg.hello.name), "%s", name);
	msg.hello.platform_count = platforms_of(platforms, msg.hello.platforms);
	return msg;
}

void rig_hello(struct rig *rig, int64_t session, const char *name, const char *platforms, int slots)
{
	struct wire_message msg = hello_of(name, platforms, slots);

	rig_say(rig, session, &msg);
}

void rig_hello_holding(struct rig *rig, int64_t session, const char *name, const char *platforms, int64_t held)
{
	struct wire_message msg = hello_of(name, platforms, 1);

	msg.hello.held[msg.hello.held_count++] = held;
	rig_say(rig, session, &msg);
}

void rig_left(struct rig *rig, int64_t session)
{
	rig_handle(rig, &(struct core_event){ .type = EVENT_LEFT, .left = { .session = session, .why = "closed" } });
}

void rig_beat(struct rig *rig, int64_t session, int64_t held)
{
	rig_say(rig, session, &(struct wire_message){ .type = WIRE_BEAT, .beat = { .held = { held }, .held_count = held != 0 } });
}

void rig_accept(struct rig *rig, int64_t session, int64_t attempt)
{
	rig_say(rig, session, &(struct wire_message){ .type = WIRE_ACCEPT, .accept = { attempt } });
}

void rig_refuse(struct rig *rig, int64_t session, int64_t attempt)
{
	rig_say(rig, session, &(struct wire_message){ .type = WIRE_REFUSE, .refuse = { attempt, "disk 3 % free" } });
}

void rig_started(struct rig *rig, int64_t session, int64_t attempt)
{
	rig_say(rig, session, &(struct wire_message){ .type = WIRE_STARTED, .started = { attempt, 1, "native, just now" } });
}

void rig_succeed(struct rig *rig, int64_t session, int64_t attempt)
{
	struct wire_message msg = { .type = WIRE_RESULT, .result = {
		.attempt = attempt, .seq = 2, .is_success = true, .size_bytes = 1000, .log_bytes = 10,
		.media_type = "application/vnd.oci.image.manifest.v1+json" } };

	text_format(msg.result.digest, sizeof(msg.result.digest), "sha256:%064lld", (long long)attempt);
	rig_say(rig, session, &msg);
}

void rig_fail(struct rig *rig, int64_t session, int64_t attempt, enum failure_class failure)
{
	rig_say(rig, session, &(struct wire_message){ .type = WIRE_RESULT, .result = {
		.attempt = attempt, .seq = 2, .failure = failure, .reason = "RUN make failed with exit status 2",
		.failed_step = "RUN make", .exit_code = 2, .log_bytes = 10 } });
}

void rig_cancelled(struct rig *rig, int64_t session, int64_t attempt)
{
	rig_say(rig, session, &(struct wire_message){ .type = WIRE_CANCELLED, .cancelled = { attempt, 2, 10 } });
}

/* The digest of an index follows from its parts, as it does in truth. */
void rig_step_ok(struct rig *rig, const struct publish_order *order)
{
	struct core_event event = { .type = EVENT_PUBLISH_STEP, .publish_step = {
		.publish = order->publish, .n = order->n, .is_ok = true } };
	int64_t hash = 0;

	for (size_t i = 0; i < order->part_count; i++)
		hash = hash_text(hash, order->parts[i].digest);
	if (order->kind == STEP_INDEX)
		text_format(event.publish_step.digest, DIGEST_TEXT_MAX, "sha256:%064llx", (unsigned long long)hash);
	rig_handle(rig, &event);
}

void rig_step_fails(struct rig *rig, const struct publish_order *order, bool is_retryable)
{
	rig_handle(rig, &(struct core_event){ .type = EVENT_PUBLISH_STEP, .publish_step = {
		.publish = order->publish, .n = order->n, .is_retryable = is_retryable, .reason = "503 Service Unavailable" } });
}

const struct effect *rig_told(const struct rig *rig, enum effect_type type, size_t n)
{
	for (size_t i = 0; i < rig->told.count; i++)
		if (rig->told.list[i].type == type && n-- == 0)
			return &rig->told.list[i];
	return NULL;
}

static const struct effect *rig_send_effect(const struct rig *rig, enum wire_type type, size_t n)
{
	for (size_t i = 0; i < rig->told.count; i++)
		if (rig->told.list[i].type == EFFECT_SEND && rig->told.list[i].send.msg->type == type && n-- == 0)
			return &rig->told.list[i];
	return NULL;
}

const struct wire_message *rig_sent(const struct rig *rig, enum wire_type type, size_t n)
{
	const struct effect *effect = rig_send_effect(rig, type, n);

	return effect ? effect->send.msg : NULL;
}

int64_t rig_sent_to(const struct rig *rig, enum wire_type type, size_t n)
{
	const struct effect *effect = rig_send_effect(rig, type, n);

	return effect ? effect->send.session : 0;
}

const struct publish_order *rig_order(const struct rig *rig)
{
	const struct effect *effect = rig_told(rig, EFFECT_PUBLISH, 0);

	return effect ? effect->publish : NULL;
}

bool rig_noted(const struct rig *rig, const char *kind)
{
	const struct rig_table *table = &rig->tables[ROW_EVENT];

	for (size_t i = rig->event_rows_before; i < table->count; i++)
		if (strcmp(table->rows[i]->event.kind, kind) == 0)
			return true;
	return false;
}

const char *rig_reason(const struct rig *rig, const char *platform)
{
	for (size_t i = 0; i < rig->reason_count; i++)
		if (strcmp(rig->reasons[i].platform, platform) == 0)
			return rig->reasons[i].text;
	return "";
}

/* Ids count from 1 and rows are kept in the order they came. */
static const struct row *rig_find(const struct rig *rig, enum row_kind kind, int64_t id)
{
	const struct rig_table *table = &rig->tables[kind];
	const struct row *row = id >= 1 && (size_t)id <= table->count ? table->rows[id - 1] : NULL;

	if (row && ((kind == ROW_BUILD && row->build.id == id) || (kind == ROW_JOB && row->job.id == id) ||
		    (kind == ROW_ATTEMPT && row->attempt.id == id)))
		return row;
	fputs("no such row was saved\n", stderr);
	abort();
}

const struct build_row *rig_build(const struct rig *rig, int64_t id)
{
	return &rig_find(rig, ROW_BUILD, id)->build;
}

const struct job_row *rig_job(const struct rig *rig, int64_t id)
{
	return &rig_find(rig, ROW_JOB, id)->job;
}

const struct attempt_row *rig_attempt(const struct rig *rig, int64_t id)
{
	return &rig_find(rig, ROW_ATTEMPT, id)->attempt;
}

const struct tag_row *rig_tag(const struct rig *rig, int64_t build, const char *reference)
{
	const struct rig_table *table = &rig->tables[ROW_TAG];

	for (size_t i = 0; i < table->count; i++)
		if (table->rows[i]->tag.build == build && strcmp(table->rows[i]->tag.reference, reference) == 0)
			return &table->rows[i]->tag;
	abort();
}

const struct worker_row *rig_worker(const struct rig *rig, const char *name)
{
	const struct rig_table *table = &rig->tables[ROW_WORKER];

	for (size_t i = 0; i < table->count; i++)
		if (strcmp(table->rows[i]->worker.name, name) == 0)
			return &table->rows[i]->worker;
	abort();
}
