/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/front/jobs.h"

#include <inttypes.h>
#include <string.h>

#include "coordinator/front/handlers.h"
#include "coordinator/front/query.h"
#include "coordinator/front/reply.h"
#include "coordinator/front/view_json.h"

#define LIST_DEFAULT 50
#define LIST_MAX 200
#define STATE_ANY (-1)
#define STATE_NOT_FINAL (-2)

static int parse_state(const char *text, int *ret_state, struct error *err)
{
	if (!strcmp(text, "live")) {
		*ret_state = STATE_NOT_FINAL;
		return 0;
	}
	for (int state = 0; state < JOB_STATE_COUNT; state++) {
		if (!strcmp(text, job_state_name((enum job_state)state))) {
			*ret_state = state;
			return 0;
		}
	}
	return error_set(err, ERR_INVALID, "state=%.32s: must be queued, offered, running, succeeded, failed, "
			 "cancelling, cancelled, or live (all that are not final)", text);
}

/* platform is where filter->platform points to. */
static int read_filter(const struct exchange *ex, const struct query *query, struct job_filter *filter,
		       char platform[PLATFORM_TEXT_MAX], struct error *err)
{
	const char *state_text = query_text(query, "state");
	const char *platform_text = query_text(query, "platform");
	struct platform parsed;
	int64_t limit;

	filter->state = STATE_ANY;
	filter->project = ex->project;
	if (query_int(query, &(struct query_int){ "before", 1, INT64_MAX, 0 }, &filter->before, err) < 0 ||
	    query_int(query, &(struct query_int){ "build", 1, INT64_MAX, 0 }, &filter->build, err) < 0 ||
	    query_int(query, &(struct query_int){ "limit", 1, LIST_MAX, LIST_DEFAULT }, &limit, err) < 0 ||
	    (state_text && parse_state(state_text, &filter->state, err) < 0))
		return -1;
	filter->limit = (int)limit;
	if (!platform_text)
		return 0;
	if (platform_parse(platform_text, &parsed, err) < 0)
		return -1;
	platform_format(&parsed, platform);
	filter->platform = platform;
	return 0;
}

void jobs_list(struct exchange *ex)
{
	CLEANUP(query_clear) struct query query;
	struct job_filter filter = { 0 };
	char platform[PLATFORM_TEXT_MAX];
	struct error err;
	json_t *jobs;

	if (query_open(ex, &query, &err) < 0 || read_filter(ex, &query, &filter, platform, &err) < 0 ||
	    jobs_json(ex->front, &filter, &jobs, &err) < 0)
		reply_error(ex, &err);
	else
		reply_json(ex, 200, list_json("jobs", jobs, filter.limit));
}

int job_find(const struct exchange *ex, struct job_view *ret_view, struct error *err)
{
	struct job_view view;
	int64_t id;
	int rc;

	if (path_id(ex, "job", &id, err) < 0)
		return -1;
	rc = reader_job(ex->front->reader, id, &view, err);
	if (rc < 0)
		return -1;
	if (rc == READER_NONE || (ex->project && view.project != ex->project))
		return error_set(err, ERR_NOT_FOUND, "no job %" PRId64, id);
	*ret_view = view;
	return 0;
}

void jobs_show(struct exchange *ex)
{
	struct job_view view;
	struct error err;
	json_t *root;

	if (job_find(ex, &view, &err) < 0 || job_json_full(ex->front, &view, &root, &err) < 0)
		reply_error(ex, &err);
	else
		reply_json(ex, 200, root);
}
