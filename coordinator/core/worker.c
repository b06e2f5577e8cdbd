/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/core/worker.h"

#include <string.h>

#include "common/mem.h"
#include "coordinator/core/lease.h"
#include "coordinator/core/message.h"
#include "coordinator/core/pass.h"
#include "coordinator/core/queue.h"
#include "coordinator/core/text.h"

struct worker *worker_of(struct core *core, const char *name)
{
	int64_t hash = hash_text(0, name);
	struct worker *first = map_get(&core->worker_by_hash, hash), *worker;
	size_t at = 0;

	for (worker = first; worker; worker = worker->same_hash)
		if (strcmp(worker->row.name, name) == 0)
			return worker;
	worker = mem_alloc(sizeof(*worker));
	text_format(worker->row.name, sizeof(worker->row.name), "%s", name);
	worker->same_hash = first;
	map_put(&core->worker_by_hash, hash, worker);
	while (at < core->workers.count && strcmp(((struct worker *)core->workers.items[at])->row.name, name) < 0)
		at++;
	list_insert(&core->workers, at, worker);
	return worker;
}

/* "linux/amd64,linux/amd64/v3" */
static void worker_parse_platforms(struct worker *worker)
{
	const char *text = worker->row.platforms;
	struct error err;

	worker->platform_count = 0;
	while (*text && worker->platform_count < SPEC_PLATFORMS_MAX) {
		size_t len = strcspn(text, ",");
		char one[PLATFORM_TEXT_MAX];

		text_format(one, sizeof(one), "%.*s", (int)len, text);
		if (platform_parse(one, &worker->platforms[worker->platform_count], &err) == 0)
			worker->platform_count++;
		text += len + (text[len] == ',');
	}
}

void worker_load(struct core *core, const struct worker_row *row)
{
	struct worker *worker = worker_of(core, row->name);

	worker->row = *row;
	worker_parse_platforms(worker);
	if (row->is_connected) {
		worker->row.is_connected = false;
		pass_touch_worker(core, worker);
	}
}

bool worker_offers(const struct worker *worker, const struct platform *platform)
{
	for (size_t i = 0; i < worker->platform_count; i++)
		if (platform_equal(&worker->platforms[i], platform))
			return true;
	return false;
}

struct attempt *worker_attempt(const struct core *core, const struct worker *worker, int64_t id)
{
	struct attempt *attempt = map_get(&core->attempts, id);

	return attempt && attempt->worker == worker && !attempt_state_is_final(attempt->row.state) ? attempt : NULL;
}

static void worker_learn_platforms(struct worker *worker, const struct wire_hello *hello)
{
	char text[PLATFORM_TEXT_MAX];
	size_t len = 0;

	worker->platform_count = 0;
	worker->row.platforms[0] = '\0';
	for (size_t i = 0; i < hello->platform_count && i < SPEC_PLATFORMS_MAX; i++) {
		if (worker_offers(worker, &hello->platforms[i]))
			continue;
		worker->platforms[worker->platform_count++] = hello->platforms[i];
		platform_format(&hello->platforms[i], text);
		text_format(worker->row.platforms + len, sizeof(worker->row.platforms) - len, "%s%s", len ? "," : "", text);
		len = strlen(worker->row.platforms);
	}
}

#define COPY(dst, src) text_format((dst), sizeof(dst), "%s", (src))

static void worker_learn(struct core *core, struct worker *worker, const struct wire_hello *hello)
{
	struct worker_row *row = &worker->row;

	COPY(row->version, hello->version);
	COPY(row->engine, hello->engine);
	COPY(row->kernel_arch, hello->kernel_arch);
	COPY(row->cpu, hello->cpu);
	COPY(row->proof, hello->proof);
	/* More than it can name as held in one message could not be told from lost. */
	row->slots = hello->slots < 0 ? 0 : hello->slots < WIRE_HELD_MAX ? hello->slots : WIRE_HELD_MAX - 1;
	row->last_seen_ms = core->now.wall_ms;
	if (!row->first_seen_ms)
		row->first_seen_ms = core->now.wall_ms;
	worker_learn_platforms(worker, hello);
	pass_touch_worker(core, worker);
}

static void worker_refuse(struct core *core, struct worker *worker, int64_t session, const struct wire_hello *hello)
{
	const char *because = hello->refused_because[0] ? hello->refused_because : "it does not prove that it is native";

	if (strcmp(worker->row.refused_because, because) != 0)
		pass_note(core, (struct subject){ 0 }, "worker.refused", "%s: %s", worker->row.name, because);
	COPY(worker->row.refused_because, because);
	COPY(worker->row.remedy, hello->remedy);
	message_bye(core, session, because, hello->remedy);
}

static void worker_detach(struct core *core, struct worker *worker)
{
	if (!worker->session)
		return;
	map_remove(&core->sessions, worker->session);
	queue_leave(core, worker);
	worker->session = 0;
	worker->row.is_connected = false;
}

static bool name_is_sound(const char *name)
{
	return name[0] && strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == strlen(name);
}

void worker_hello(struct core *core, int64_t session, const struct wire_hello *hello)
{
	struct worker *worker;
	char reason[REASON_MAX];

	if (hello->protocol != WIRE_PROTOCOL) {
		text_format(reason, sizeof(reason), "protocol %d is spoken here, not %d", WIRE_PROTOCOL, hello->protocol);
		message_bye(core, session, reason, "install the worker of the coordinator's version");
		return;
	}
	if (!name_is_sound(hello->name)) {
		message_bye(core, session, "a worker's name is made of letters, digits, dot, underscore and hyphen",
			    "give this worker such a name");
		return;
	}
	worker = worker_of(core, hello->name);
	if (worker->session)
		message_bye(core, worker->session, "a newer session says it is this worker",
			    "give each worker a name of its own");
	worker_detach(core, worker);
	worker_learn(core, worker, hello);
	if (!hello->is_native) {
		worker_refuse(core, worker, session, hello);
		return;
	}
	worker->row.refused_because[0] = worker->row.remedy[0] = '\0';
	worker->row.is_connected = true;
	worker->session = session;
	worker->is_draining = false;
	map_put(&core->sessions, session, worker);
	queue_join(core, worker);
	lease_renew(core, worker);
	message_welcome(core, session);
	worker_reconcile(core, worker, hello);
}

void worker_leave(struct core *core, struct worker *worker)
{
	worker_detach(core, worker);
	worker->row.last_seen_ms = core->now.wall_ms;
	pass_touch_worker(core, worker);
}
