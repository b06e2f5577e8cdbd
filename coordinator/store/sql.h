/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every statement this folder runs, one table. Prepared at open, so that a typo stops the start.
 * For coordinator/store only.
 */
#ifndef COORDINATOR_STORE_SQL_H
#define COORDINATOR_STORE_SQL_H

#include "coordinator/core/rows.h"

#define ROW_KIND_COUNT (ROW_EVENT + 1)

enum query {
	/* Both. */
	Q_BEGIN_READ, Q_COMMIT, Q_ROLLBACK,

	/* The store: one save per row kind, in the order of enum row_kind. */
	Q_STORE_FIRST,
	Q_SAVE = Q_STORE_FIRST,
	Q_BEGIN_WRITE = Q_SAVE + ROW_KIND_COUNT,
	Q_LOAD_BUILDS, Q_LOAD_JOBS, Q_LOAD_ATTEMPTS, Q_LOAD_TAGS, Q_LOAD_PUBLISHES, Q_LOAD_PUBLISH_STEPS,
	Q_LOAD_WORKERS, Q_LOAD_HEADS, Q_LOAD_LAST_IDS,
	Q_SAVE_TOKEN, Q_SAVE_AUDIT,
	Q_STORE_END,

	Q_READER_FIRST = Q_STORE_END,
	Q_TOKEN = Q_READER_FIRST,
	Q_BUILD, Q_BUILDS, Q_BUILDS_STATE, Q_BUILDS_LIVE, Q_BUILDS_PROJECT, Q_BUILDS_PROJECT_STATE,
	Q_JOB, Q_JOBS, Q_JOBS_BUILD, Q_JOBS_LIVE, Q_JOBS_STATE, Q_JOBS_PROJECT, Q_JOBS_PROJECT_STATE, Q_JOBS_PLATFORM,
	Q_ATTEMPT, Q_ATTEMPTS, Q_STEPS, Q_TAGS, Q_PUBLISHES, Q_PUBLISH_STEPS, Q_WORKERS, Q_EVENTS, Q_CONTEXT_WANTED,
	Q_READER_END,
	QUERY_COUNT = Q_READER_END,
};

const char *query_sql(enum query query);

/* The row that a result of this statement begins with, or that it saves; -1: none, it is read by hand. */
int query_row_kind(enum query query);

#endif
