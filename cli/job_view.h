/* SPDX-License-Identifier: Apache-2.0 */
/* What the API says of builds and jobs, turned into words and tables for a terminal. */
#ifndef CLI_JOB_VIEW_H
#define CLI_JOB_VIEW_H

#include <stdint.h>
#include <stdio.h>

#include "common/json/json.h"

/* "" when absent or no text. */
const char *view_text(const json_t *obj, const char *key);
int64_t view_int(const json_t *obj, const char *key);

/* "1m05s", "12.3s", "-" for negative. */
void view_duration(int64_t ms, char *text, size_t size);

/* "147.2 MB" */
void view_size(int64_t bytes, char *text, size_t size);

/* As the API gives it, for --json. */
void view_json(const json_t *root);

/* The job table. jobs: an array of jobs as the API gives them. */
void view_jobs(const json_t *jobs, FILE *out);

#endif
