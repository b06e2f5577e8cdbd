/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/front/route.h"

#include <event2/http.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "coordinator/front/handlers.h"
#include "coordinator/store/store.h"

#define READERS (SCOPE_READ | SCOPE_ADMIN)
#define SUBMITTERS (SCOPE_SUBMIT | SCOPE_ADMIN)
#define SPEC_BODY_MAX (512 * 1024)

static const struct route routes[] = {
	{ "GET", "/", 0, 0, { NULL }, health_root },
	{ "GET", "/healthz", 0, 0, { NULL }, health_alive },
	{ "GET", "/readyz", 0, 0, { NULL }, health_ready },
	{ "PUT", "/v1/contexts/{}", SUBMITTERS, BODY_CONTEXT, { NULL }, contexts_put },
	{ "HEAD", "/v1/contexts/{}", SUBMITTERS | READERS | SCOPE_WORKER, 0, { NULL }, contexts_head },
	{ "GET", "/v1/contexts/{}", READERS | SCOPE_WORKER, 0, { NULL }, contexts_get },
	{ "POST", "/v1/builds", SUBMITTERS, SPEC_BODY_MAX, { NULL }, builds_submit },
	{ "GET", "/v1/builds", READERS, 0, { "before", "limit", "state" }, builds_list },
	{ "GET", "/v1/builds/{}", READERS, 0, { NULL }, builds_show },
	{ "POST", "/v1/builds/{}/cancel", SUBMITTERS, BODY_UNKNOWN_MAX, { NULL }, builds_cancel },
	{ "GET", "/v1/jobs", READERS, 0, { "before", "limit", "build", "state", "platform" }, jobs_list },
	{ "GET", "/v1/jobs/{}", READERS, 0, { NULL }, jobs_show },
	{ "GET", "/v1/jobs/{}/log", READERS, 0, { "follow", "offset", "attempt" }, job_log_get },
	{ "GET", "/v1/workers", READERS, 0, { NULL }, workers_list },
};

#define ROUTE_COUNT (sizeof(routes) / sizeof(routes[0]))

/* Where {} of pattern lies in path; 0 with *ret_len 0 when pattern has none. -1: no match. */
static int pattern_match(const char *pattern, const char *path, size_t *ret_at, size_t *ret_len)
{
	size_t fixed = strcspn(pattern, "{");
	size_t len;

	*ret_at = fixed;
	*ret_len = 0;
	if (!pattern[fixed])
		return strcmp(pattern, path) ? -1 : 0;
	if (strncmp(pattern, path, fixed) != 0)
		return -1;
	len = strcspn(path + fixed, "/");
	if (!len || strcmp(path + fixed + len, pattern + fixed + 2) != 0)
		return -1;
	*ret_len = len;
	return 0;
}

static bool method_fits(const struct route *route, const char *method)
{
	return !strcmp(route->method, method) || (!strcmp(method, "HEAD") && !strcmp(route->method, "GET"));
}

static void add_allowed(char allow[64], const char *method)
{
	size_t len = strlen(allow);

	if (!strstr(allow, method))
		snprintf(allow + len, 64 - len, "%s%s", len ? ", " : "", method);
}

/* Splits target and decodes the path. A NUL that was hidden as %00 would end the text early. */
static int split_target(const char *target, struct match *match, struct refusal *ret)
{
	size_t path_len = strcspn(target, "?");
	CLEANUP(mem_freep) char *raw = mem_strndup(target, path_len);
	size_t len = 0;

	match->path = evhttp_uridecode(raw, 0, &len);
	if (!match->path)
		return refuse(ret, 500, "no_memory", "out of memory");
	if (strlen(match->path) != len)
		return refuse(ret, 400, "invalid", "malformed request: a NUL byte in the path");
	if (target[path_len])
		match->query = mem_strdup(target + path_len + 1);
	return 0;
}

/* The word ends at the next slash; what follows has been compared already. */
static void set_route(struct match *match, const struct route *route, size_t at, size_t len)
{
	match->route = route;
	if (len)
		match->word = mem_strndup(match->path + at, len);
}

int route_find(const char *method, const char *target, struct match *ret_match, struct refusal *ret_refusal)
{
	char allow[64] = "";
	size_t at, len;

	if (split_target(target, ret_match, ret_refusal) < 0)
		return -1;
	for (size_t i = 0; i < ROUTE_COUNT; i++) {
		if (pattern_match(routes[i].pattern, ret_match->path, &at, &len) < 0)
			continue;
		if (method_fits(&routes[i], method)) {
			set_route(ret_match, &routes[i], at, len);
			return 0;
		}
		add_allowed(allow, routes[i].method);
		if (!strcmp(routes[i].method, "GET"))
			add_allowed(allow, "HEAD");
	}
	if (!allow[0])
		return refuse(ret_refusal, 404, "not_found", "no such path: see / for what there is");
	refuse(ret_refusal, 405, "method_not_allowed", "%s is not for this path: %s", method, allow);
	snprintf(ret_refusal->allow, sizeof(ret_refusal->allow), "%s", allow);
	return -1;
}

void match_clear(struct match *match)
{
	mem_free(match->path);
	mem_free(match->query);
	mem_free(match->word);
	memset(match, 0, sizeof(*match));
}
