/* SPDX-License-Identifier: Apache-2.0 */
/* Committed rows as the API shows them. What is returned is the caller's (json_decref). */
#ifndef COORDINATOR_FRONT_VIEW_JSON_H
#define COORDINATOR_FRONT_VIEW_JSON_H

#include "common/json/json.h"
#include "coordinator/front/internal.h"

/* A string, or null for ""; bytes that are no UTF-8 (a text cut at a limit) become "?". */
json_t *json_words(const char *text);
/* "2026-11-24T03:08:28.123Z", null for 0. */
json_t *json_time(int64_t wall);
/* Adds value (taken), also null, under key. */
void json_put(json_t *object, const char *key, json_t *value);

/* {"builds": list, "next_before": id to go on with, null at the end}. Takes list. */
json_t *list_json(const char *name, json_t *list, int limit);

/* A row of the job table; waiting_for needs the reasons in front. */
int job_json(struct front *front, const struct job_view *view, json_t **ret_job, struct error *err);
/* The same with attempts and the current attempt's steps. */
int job_json_full(struct front *front, const struct job_view *view, json_t **ret_job, struct error *err);
/* All jobs that filter lets through, newest first. */
int jobs_json(struct front *front, const struct job_filter *filter, json_t **ret_jobs, struct error *err);

/* A row of the list of builds, without its tags. */
json_t *build_json(const struct build_row *build);
int tags_json(struct front *front, int64_t build, json_t **ret_tags, struct error *err);
/* Everything about one build: spec, tags, jobs, publishes, events. */
int build_json_full(struct front *front, const struct build_row *build, json_t **ret_build, struct error *err);

#endif
