/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "common/mem.h"
#include "coordinator/front/handlers.h"
#include "coordinator/front/reply.h"
#include "coordinator/front/view_json.h"

static json_t *platforms_json(const char *list)
{
	CLEANUP(mem_freep) char *copy = mem_strdup(list);
	json_t *platforms = json_array();
	char *rest = copy, *word;

	while ((word = strsep(&rest, ","))) {
		if (word[0])
			json_array_append_new(platforms, json_words(word));
	}
	return platforms;
}

static void add_worker(const struct worker_row *row, int live_attempts, void *arg)
{
	json_t *worker = json_object();

	json_put(worker, "name", json_words(row->name));
	json_put(worker, "connected", json_boolean(row->is_connected));
	json_put(worker, "version", json_words(row->version));
	json_put(worker, "engine", json_words(row->engine));
	json_put(worker, "kernel_arch", json_words(row->kernel_arch));
	json_put(worker, "cpu", json_words(row->cpu));
	json_put(worker, "proof", json_words(row->proof));
	json_put(worker, "platforms", platforms_json(row->platforms));
	json_put(worker, "slots", json_integer(row->slots));
	json_put(worker, "live_attempts", json_integer(live_attempts));
	json_put(worker, "refused_because", json_words(row->refused_because));
	json_put(worker, "remedy", json_words(row->remedy));
	json_put(worker, "first_seen_at", json_time(row->first_seen_ms));
	json_put(worker, "last_seen_at", json_time(row->last_seen_ms));
	json_array_append_new(arg, worker);
}

void workers_list(struct exchange *ex)
{
	json_auto_t *workers = json_array();
	struct error err;

	if (reader_workers(ex->front->reader, add_worker, workers, &err) < 0)
		reply_error(ex, &err);
	else
		reply_json(ex, 200, json_pack("{s:O}", "workers", workers));
}
