/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A core with its rows in memory, for tests. After every event a second core is built from the rows:
 * when it differs from the living one the process ends, saying where. Not part of any program.
 */
#ifndef COORDINATOR_CORE_TESTING_H
#define COORDINATOR_CORE_TESTING_H

#include "coordinator/core/core.h"

struct rig_table {
	struct row **rows;
	size_t count, cap;
};

struct rig {
	struct core_config config;
	struct core *core;
	struct core_time now;
	struct rig_table tables[ROW_EVENT + 1];
	struct effects told;         /* by the last event: what is not a save */
	size_t event_rows_before;    /* rows of history before the last event */
	int64_t wake_ms;             /* as last told; 0: never */
	struct wait_reason reasons[16];
	size_t reason_count;
	bool is_unchecked;           /* do not rebuild after each event */
};

struct rig *rig_new(void);       /* nothing remembered, listening, small limits: see testing.c */
void rig_free(struct rig *rig);

void rig_handle(struct rig *rig, struct core_event *event); /* takes what it owns */
void rig_load(struct rig *rig);    /* kill -9 and start: not listening yet */
void rig_listen(struct rig *rig);
void rig_pass_time(struct rig *rig, int64_t ms); /* ticks whenever it was told to, and at the end */
struct rows rig_rows(const struct rig *rig);
char *rig_dump(const struct core *core);

/* Texts are lists with commas. 0: refused. */
int64_t rig_submit(struct rig *rig, int64_t project, const char *platforms, const char *tags);
void rig_cancel(struct rig *rig, int64_t build);
void rig_say(struct rig *rig, int64_t session, const struct wire_message *msg); /* owns nothing */
void rig_hello(struct rig *rig, int64_t session, const char *name, const char *platforms, int slots);
void rig_hello_holding(struct rig *rig, int64_t session, const char *name, const char *platforms, int64_t held);
void rig_left(struct rig *rig, int64_t session);
void rig_beat(struct rig *rig, int64_t session, int64_t held);          /* 0: nothing */
void rig_accept(struct rig *rig, int64_t session, int64_t attempt);
void rig_refuse(struct rig *rig, int64_t session, int64_t attempt);
void rig_started(struct rig *rig, int64_t session, int64_t attempt);    /* seq 1 */
void rig_succeed(struct rig *rig, int64_t session, int64_t attempt);    /* seq 2 */
void rig_fail(struct rig *rig, int64_t session, int64_t attempt, enum failure_class failure); /* seq 2 */
void rig_cancelled(struct rig *rig, int64_t session, int64_t attempt);  /* seq 2 */
void rig_step_ok(struct rig *rig, const struct publish_order *order);
void rig_step_fails(struct rig *rig, const struct publish_order *order, bool is_retryable);

/* What the last event told: the n-th of a kind, or NULL. */
const struct wire_message *rig_sent(const struct rig *rig, enum wire_type type, size_t n);
int64_t rig_sent_to(const struct rig *rig, enum wire_type type, size_t n); /* the session; 0: none */
const struct effect *rig_told(const struct rig *rig, enum effect_type type, size_t n);
const struct publish_order *rig_order(const struct rig *rig);              /* the first */
bool rig_noted(const struct rig *rig, const char *kind);                    /* in history, by the last event */
const char *rig_reason(const struct rig *rig, const char *platform);        /* "" when it has none */

/* Rows as saved; they must be there. */
const struct build_row *rig_build(const struct rig *rig, int64_t id);
const struct job_row *rig_job(const struct rig *rig, int64_t id);
const struct attempt_row *rig_attempt(const struct rig *rig, int64_t id);
const struct tag_row *rig_tag(const struct rig *rig, int64_t build, const char *reference);
const struct worker_row *rig_worker(const struct rig *rig, const char *name);

#endif
