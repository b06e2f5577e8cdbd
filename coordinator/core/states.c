/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where each machine waits, and for what:
 *   job      queued: a free slot, or the end of its back-off. offered: accept, refuse, or the offer's
 *            end. running: result, or the end of its worker's lease. cancelling: cancelled, likewise.
 *   build    open: its jobs. publishing: its publish.
 *   tag      pending: the publish. A cancelled build's tags fail: they did not move and never will.
 *   step     started: the outcome. Planned again after a failure that may pass, until its back-off ends.
 */
#include "coordinator/core/states.h"

#include <stdio.h>
#include <stdlib.h>

#define TO(state) (1u << (state))

struct state {
	const char *name;
	unsigned next; /* states this one may move to */
	bool is_final; /* ends; opened again, if at all, only by a person */
};

static const struct state build_states[BUILD_STATE_COUNT] = {
	[BUILD_OPEN] = { "open", TO(BUILD_PUBLISHING) | TO(BUILD_SUCCEEDED) | TO(BUILD_FAILED) | TO(BUILD_CANCELLED), false },
	[BUILD_PUBLISHING] = { "publishing", TO(BUILD_SUCCEEDED) | TO(BUILD_FAILED), false },
	[BUILD_SUCCEEDED] = { "succeeded", TO(BUILD_OPEN), true },
	[BUILD_FAILED] = { "failed", TO(BUILD_OPEN), true },
	[BUILD_CANCELLED] = { "cancelled", 0, true },
};

static const struct state job_states[JOB_STATE_COUNT] = {
	[JOB_QUEUED] = { "queued", TO(JOB_OFFERED) | TO(JOB_CANCELLED), false },
	[JOB_OFFERED] = { "offered", TO(JOB_RUNNING) | TO(JOB_QUEUED) | TO(JOB_CANCELLING), false },
	[JOB_RUNNING] = { "running", TO(JOB_SUCCEEDED) | TO(JOB_FAILED) | TO(JOB_QUEUED) | TO(JOB_CANCELLING), false },
	[JOB_SUCCEEDED] = { "succeeded", 0, true },
	[JOB_FAILED] = { "failed", 0, true },
	[JOB_CANCELLING] = { "cancelling", TO(JOB_CANCELLED), false },
	[JOB_CANCELLED] = { "cancelled", 0, true },
};

static const struct state attempt_states[ATTEMPT_STATE_COUNT] = {
	[ATTEMPT_OFFERED] = { "offered", TO(ATTEMPT_RUNNING) | TO(ATTEMPT_REFUSED) | TO(ATTEMPT_CANCELLED), false },
	[ATTEMPT_RUNNING] = { "running", TO(ATTEMPT_SUCCEEDED) | TO(ATTEMPT_FAILED) | TO(ATTEMPT_LOST) |
			      TO(ATTEMPT_CANCELLED), false },
	[ATTEMPT_SUCCEEDED] = { "succeeded", 0, true },
	[ATTEMPT_FAILED] = { "failed", 0, true },
	[ATTEMPT_LOST] = { "lost", 0, true },
	[ATTEMPT_REFUSED] = { "refused", 0, true },
	[ATTEMPT_CANCELLED] = { "cancelled", 0, true },
};

static const struct state tag_states[TAG_STATE_COUNT] = {
	[TAG_PENDING] = { "pending", TO(TAG_MOVED) | TO(TAG_SUPERSEDED) | TO(TAG_FAILED), false },
	[TAG_MOVED] = { "moved", 0, true },
	[TAG_SUPERSEDED] = { "superseded", 0, true },
	[TAG_FAILED] = { "failed", TO(TAG_PENDING), true },
};

static const struct state publish_states[PUBLISH_STATE_COUNT] = {
	[PUBLISH_RUNNING] = { "running", TO(PUBLISH_DONE) | TO(PUBLISH_FAILED), false },
	[PUBLISH_DONE] = { "done", 0, true },
	[PUBLISH_FAILED] = { "failed", 0, true },
};

static const struct state step_states[STEP_STATE_COUNT] = {
	[STEP_PLANNED] = { "planned", TO(STEP_STARTED) | TO(STEP_SKIPPED), false },
	[STEP_STARTED] = { "started", TO(STEP_DONE) | TO(STEP_FAILED) | TO(STEP_PLANNED), false },
	[STEP_DONE] = { "done", 0, true },
	[STEP_FAILED] = { "failed", 0, true },
	[STEP_SKIPPED] = { "skipped", 0, true },
};

static const char *const step_kinds[] = {
	[STEP_VERIFY] = "verify", [STEP_INDEX] = "index", [STEP_TAG] = "tag", [STEP_READBACK] = "readback",
};

_Noreturn static void die_of_move(const char *noun, const char *from, const char *to)
{
	const char *const parts[] = { noun, " is ", from, ", cannot become ", to, "\n" };

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		fputs(parts[i], stderr);
	abort();
}

/* What every machine does with its table. */
#define DEFINE_MACHINE(noun, table)                                                     \
	const char *noun##_state_name(enum noun##_state state)                          \
	{                                                                               \
		return (table)[state].name;                                             \
	}                                                                               \
	bool noun##_may_move(enum noun##_state from, enum noun##_state to)              \
	{                                                                               \
		return ((table)[from].next & TO(to)) != 0;                              \
	}                                                                               \
	void noun##_move(enum noun##_state *state, enum noun##_state to)                \
	{                                                                               \
		if (!noun##_may_move(*state, to))                                       \
			die_of_move(#noun, (table)[*state].name, (table)[to].name);     \
		*state = to;                                                            \
	}

DEFINE_MACHINE(build, build_states)
DEFINE_MACHINE(job, job_states)
DEFINE_MACHINE(attempt, attempt_states)
DEFINE_MACHINE(tag, tag_states)
DEFINE_MACHINE(publish, publish_states)
DEFINE_MACHINE(publish_step, step_states)

const char *publish_step_kind_name(enum publish_step_kind kind)
{
	return step_kinds[kind];
}

bool build_state_is_final(enum build_state state)
{
	return build_states[state].is_final;
}

bool job_state_is_final(enum job_state state)
{
	return job_states[state].is_final;
}

bool attempt_state_is_final(enum attempt_state state)
{
	return attempt_states[state].is_final;
}
