/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of this folder: builds and what belongs to them, every other member set too. */
#ifndef COORDINATOR_STORE_TEST_BUILDS_H
#define COORDINATOR_STORE_TEST_BUILDS_H

#include "coordinator/store/test_rows.h"

#define SET(array, text) snprintf(array, sizeof(array), "%s", text)

TESTING struct row *build_of(int64_t id, enum build_state state)
{
	struct row *row = full_row(ROW_BUILD);

	row->build.id = id, row->build.project = 1, row->build.state = state;
	return row;
}

TESTING struct row *job_of(int64_t id, int64_t build, enum job_state state)
{
	struct row *row = full_row(ROW_JOB);

	row->job.id = id, row->job.build = build, row->job.state = state;
	row->job.failure = CLASS_INFRA, row->job.attempt = id * 10;
	SET(row->job.platform.os, "linux"), SET(row->job.platform.architecture, id % 2 ? "amd64" : "arm64");
	SET(row->job.platform.variant, "");
	return row;
}

TESTING struct row *attempt_of(int64_t id, int64_t job, enum attempt_state state)
{
	struct row *row = full_row(ROW_ATTEMPT);

	row->attempt.id = id, row->attempt.job = job, row->attempt.number = (int)id, row->attempt.state = state;
	row->attempt.failure = CLASS_TIMEOUT, SET(row->attempt.worker, id % 2 ? "w1" : "w0");
	return row;
}

TESTING struct row *step_of(int64_t attempt, int n, int64_t ended_ms)
{
	struct row *row = full_row(ROW_STEP);

	row->step.attempt = attempt, row->step.n = n, row->step.ended_ms = ended_ms;
	return row;
}

TESTING struct row *tag_of(int64_t id, int64_t build, const char *reference, enum tag_state state)
{
	struct row *row = full_row(ROW_TAG);

	row->tag.id = id, row->tag.build = build, row->tag.state = state;
	SET(row->tag.reference, reference);
	return row;
}

TESTING struct row *publish_of(int64_t id, int64_t build)
{
	struct row *row = full_row(ROW_PUBLISH);

	row->publish.id = id, row->publish.build = build, row->publish.number = (int)id;
	row->publish.state = PUBLISH_DONE;
	return row;
}

TESTING struct row *publish_step_of(int64_t publish, int n)
{
	struct row *row = full_row(ROW_PUBLISH_STEP);

	row->publish_step.publish = publish, row->publish_step.n = n;
	row->publish_step.kind = STEP_TAG, row->publish_step.state = STEP_STARTED;
	return row;
}

TESTING struct row *event_of(int64_t build)
{
	struct row *row = full_row(ROW_EVENT);

	row->event.build = build;
	return row;
}

#endif
