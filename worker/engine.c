/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/engine.h"

#include <string.h>

#include "common/mem.h"
#include "worker/engine_buildah.h"

int engine_open(const struct engine_settings *settings, struct engine **ret_engine, struct error *err)
{
	const char *name = settings->name ? settings->name : "auto";

	if (strcmp(name, "auto") == 0 || strcmp(name, "buildah") == 0)
		return engine_buildah_open(settings, ret_engine, err);
	return error_set(err, ERR_INVALID, "engine \"%.60s\" is not known: it is auto or buildah", name);
}

void engine_close(struct engine *engine)
{
	if (!engine)
		return;
	mem_free((char *)(uintptr_t)engine->settings.name);
	mem_free((char *)(uintptr_t)engine->settings.isolation);
	mem_free((char *)(uintptr_t)engine->settings.runtime);
	mem_free((char *)(uintptr_t)engine->settings.state_dir);
	mem_free(engine);
}
