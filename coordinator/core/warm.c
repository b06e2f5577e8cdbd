/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/core/warm.h"

#include <string.h>

#include "common/mem.h"
#include "coordinator/core/tag.h"

#define WARM_MAX 2048 /* things remembered */

/* The text in a build's row is decoded when the first job of it is placed, not when it is loaded. */
static const char *build_dockerfile(struct build *build)
{
	struct build_spec spec;
	struct error err;

	if (build->dockerfile)
		return build->dockerfile;
	if (spec_decode(build->row.spec, strlen(build->row.spec), &spec, &err) < 0)
		return build->dockerfile = mem_strdup("");
	build->dockerfile = mem_strdup(spec.dockerfile);
	spec_clear(&spec);
	return build->dockerfile;
}

static int64_t warm_key(struct job *job)
{
	char repository[REPOSITORY_MAX] = "";

	if (job->build->tag_count)
		tag_repository(job->build->tags[0]->row.reference, repository);
	return hash_text(hash_text(hash_text(job->build->row.project, repository), build_dockerfile(job->build)),
			 job->queue->text);
}

void warm_remember(struct core *core, struct job *job, struct worker *worker)
{
	int64_t key = warm_key(job), *oldest;

	if (!core->warm_keys)
		core->warm_keys = mem_alloc(WARM_MAX * sizeof(int64_t));
	if (!map_get(&core->warm, key)) {
		oldest = &core->warm_keys[core->warm_at++ % WARM_MAX];
		map_remove(&core->warm, *oldest);
		*oldest = key;
	}
	map_put(&core->warm, key, worker);
}

struct worker *warm_worker(struct core *core, struct job *job)
{
	return core->warm.count ? map_get(&core->warm, warm_key(job)) : NULL;
}
