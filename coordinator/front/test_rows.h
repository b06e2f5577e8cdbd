/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of this folder: rows in the store. */
#ifndef COORDINATOR_FRONT_TEST_ROWS_H
#define COORDINATOR_FRONT_TEST_ROWS_H

#include <stdio.h>

#include "coordinator/front/test_world.h"

TESTING struct row *row_new(enum row_kind kind)
{
	struct row *row = mem_alloc(sizeof(*row));

	row->kind = kind;
	return row;
}

/* Commits one row and frees it. */
TESTING void commit(struct row *row)
{
	struct error err;

	ck_assert_msg(store_commit(world.store, &row, 1, &err) == 0, "%s", err.msg);
	row_clear(row);
	mem_free(row);
}

TESTING void commit_build(int64_t id, int64_t project, enum build_state state)
{
	struct row *row = row_new(ROW_BUILD);

	row->build.id = id;
	row->build.project = project;
	row->build.state = state;
	row->build.created_ms = 1700000000123;
	row->build.spec = mem_strdup("{\"platforms\":[\"linux/amd64\"],\"source\":{\"context\":\"" DIGEST_A "\"},"
				     "\"tags\":[\"r.example/a:1\"]}");
	commit(row);
}

TESTING struct row *job_row(int64_t id, int64_t build, enum job_state state, int64_t attempt)
{
	struct row *row = row_new(ROW_JOB);

	row->job.id = id;
	row->job.build = build;
	row->job.state = state;
	row->job.attempt = attempt;
	row->job.queued_ms = 1700000000000;
	snprintf(row->job.platform.os, sizeof(row->job.platform.os), "linux");
	snprintf(row->job.platform.architecture, sizeof(row->job.platform.architecture), "amd64");
	return row;
}

TESTING struct row *attempt_row(int64_t id, int64_t job, int number, enum attempt_state state)
{
	struct row *row = row_new(ROW_ATTEMPT);

	row->attempt.id = id;
	row->attempt.job = job;
	row->attempt.number = number;
	row->attempt.state = state;
	row->attempt.log_bytes = -1;
	snprintf(row->attempt.worker, sizeof(row->attempt.worker), "w1");
	return row;
}

#endif
