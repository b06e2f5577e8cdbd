/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The states of build, job, attempt, tag and publish. The tables in states.c are the only place
 * that knows which move is allowed; the _move functions are the only way to change a state.
 */
#ifndef COORDINATOR_CORE_STATES_H
#define COORDINATOR_CORE_STATES_H

#include <stdbool.h>

#include "common/error.h"

enum build_state {
	BUILD_OPEN,        /* its jobs say how far it is */
	BUILD_PUBLISHING,
	BUILD_SUCCEEDED,
	BUILD_FAILED,
	BUILD_CANCELLED,
	BUILD_STATE_COUNT,
};

enum job_state {
	JOB_QUEUED,
	JOB_OFFERED,       /* sent to a worker, not yet accepted */
	JOB_RUNNING,
	JOB_SUCCEEDED,
	JOB_FAILED,
	JOB_CANCELLING,    /* until the worker proves that everything is gone, or its lease ends */
	JOB_CANCELLED,
	JOB_STATE_COUNT,
};

enum attempt_state {
	ATTEMPT_OFFERED,
	ATTEMPT_RUNNING,
	ATTEMPT_SUCCEEDED,
	ATTEMPT_FAILED,
	ATTEMPT_LOST,      /* its worker's lease ended, or it came back without it */
	ATTEMPT_REFUSED,   /* the worker did not take it, or did not answer in time */
	ATTEMPT_CANCELLED,
	ATTEMPT_STATE_COUNT,
};

enum tag_state { TAG_PENDING, TAG_MOVED, TAG_SUPERSEDED, TAG_FAILED, TAG_STATE_COUNT };

enum publish_state { PUBLISH_RUNNING, PUBLISH_DONE, PUBLISH_FAILED, PUBLISH_STATE_COUNT };

enum publish_step_kind {
	STEP_VERIFY,       /* a job's manifest, in one repository */
	STEP_INDEX,        /* put the index by digest, in one repository */
	STEP_TAG,          /* move a tag */
	STEP_READBACK,     /* the tag says what we put */
};

enum publish_step_state { STEP_PLANNED, STEP_STARTED, STEP_DONE, STEP_FAILED, STEP_SKIPPED, STEP_STATE_COUNT };

/* Names as the API and the log say them: "queued", "verify". */
const char *build_state_name(enum build_state state);
const char *job_state_name(enum job_state state);
const char *attempt_state_name(enum attempt_state state);
const char *tag_state_name(enum tag_state state);
const char *publish_state_name(enum publish_state state);
const char *publish_step_kind_name(enum publish_step_kind kind);
const char *publish_step_state_name(enum publish_step_state state);

bool build_state_is_final(enum build_state state);
bool job_state_is_final(enum job_state state);
bool attempt_state_is_final(enum attempt_state state);

bool build_may_move(enum build_state from, enum build_state to);
bool job_may_move(enum job_state from, enum job_state to);
bool attempt_may_move(enum attempt_state from, enum attempt_state to);
bool tag_may_move(enum tag_state from, enum tag_state to);
bool publish_may_move(enum publish_state from, enum publish_state to);
bool publish_step_may_move(enum publish_step_state from, enum publish_step_state to);

/* Change the state in place; a move the table forbids is our own bug and ends the process, saying which. */
void build_move(enum build_state *state, enum build_state to);
void job_move(enum job_state *state, enum job_state to);
void attempt_move(enum attempt_state *state, enum attempt_state to);
void tag_move(enum tag_state *state, enum tag_state to);
void publish_move(enum publish_state *state, enum publish_state to);
void publish_step_move(enum publish_step_state *state, enum publish_step_state to);

#endif
