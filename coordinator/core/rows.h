/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is remembered, as the store keeps it and the core decides it: plain values, one struct per
 * table. Times named _ms are wall clock, milliseconds since 1970; 0 means "not yet".
 * States are stored by number: append only, never renumber. Their names and allowed moves are
 * in states.h.
 */
#ifndef COORDINATOR_CORE_ROWS_H
#define COORDINATOR_CORE_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/wire/wire.h"
#include "coordinator/core/states.h"

#define WORKER_NAME_MAX 64
#define REASON_MAX 512
#define REPOSITORY_MAX 256

struct build_row {
	int64_t id, project;
	char *spec;                     /* spec_encode() text, owned; never changes */
	enum build_state state;
	char reason[REASON_MAX];        /* why it failed or was cancelled */
	char index_digest[DIGEST_TEXT_MAX]; /* of the last publish */
	bool is_cancelling;
	int64_t created_ms, finished_ms;
};

struct job_row {
	int64_t id, build;
	struct platform platform;
	enum job_state state;
	int64_t attempt;                /* the current or last one's id, 0 before the first */
	int attempt_count;              /* attempts that count against the limit of tries */
	int64_t not_before_ms;          /* back-off: not offered before */
	enum failure_class failure;
	char reason[REASON_MAX];
	char media_type[96], digest[DIGEST_TEXT_MAX]; /* of the manifest, when succeeded */
	int64_t size_bytes;
	int64_t queued_ms, started_ms, finished_ms;
};

struct attempt_row {
	int64_t id, job;
	int number;                     /* within the job, from 1 */
	char worker[WORKER_NAME_MAX];
	enum attempt_state state;
	enum failure_class failure;
	char reason[REASON_MAX];
	char failed_step[256];
	int exit_code;
	int64_t last_seq;               /* highest acknowledged event */
	int64_t log_bytes;              /* -1 until the worker said how long the log is */
	bool is_confirmed;              /* the worker proved that nothing of it runs any more */
	char proof[512];                /* native proof, taken just before it ran */
	int64_t offered_ms, started_ms, ended_ms;
	int64_t engine_started_ms, engine_ended_ms, pushed_ms; /* worker's clock */
};

struct step_row {
	int64_t attempt;
	int n, total;
	char name[256];
	bool is_cached;
	int64_t started_ms, ended_ms;   /* worker's clock */
};

struct tag_row {
	int64_t id, build;
	char reference[REFERENCE_TEXT_MAX]; /* host/path:tag in full */
	enum tag_state state;
	char reason[REASON_MAX];
	char digest[DIGEST_TEXT_MAX];   /* what it was moved to */
	int64_t moved_ms;
};

struct publish_row {
	int64_t id, build;
	int number;                     /* within the build, from 1 */
	enum publish_state state;
	char index_digest[DIGEST_TEXT_MAX];
	char reason[REASON_MAX];
	int64_t started_ms, ended_ms;
};

struct publish_step_row {
	int64_t publish;
	int n;                          /* order within the publish, from 1 */
	enum publish_step_kind kind;
	enum publish_step_state state;
	char repository[REPOSITORY_MAX]; /* VERIFY, INDEX */
	int64_t job;                    /* VERIFY */
	int64_t tag;                    /* TAG, READBACK */
	int tries;
	int64_t not_before_ms;
	char reason[REASON_MAX];
	int64_t started_ms, ended_ms;
};

struct worker_row {
	char name[WORKER_NAME_MAX];     /* the key */
	bool is_connected;
	char version[32], engine[64], kernel_arch[32], cpu[128], proof[512];
	char platforms[SPEC_PLATFORMS_MAX * (PLATFORM_TEXT_MAX + 1)]; /* "linux/amd64,linux/amd64/v3" */
	int slots;
	char refused_because[512], remedy[512]; /* "" when it may work */
	int64_t first_seen_ms, last_seen_ms;    /* of hello and of the end of a session, never of a beat */
};

struct event_row {                      /* history, told in words; never read back by the core */
	int64_t build, job, attempt;    /* 0: does not apply */
	int64_t at_ms;
	char kind[32];                  /* "attempt.lost" */
	char text[REASON_MAX];
};

enum row_kind { ROW_BUILD, ROW_JOB, ROW_ATTEMPT, ROW_STEP, ROW_TAG, ROW_PUBLISH, ROW_PUBLISH_STEP, ROW_WORKER, ROW_EVENT };

struct row {
	enum row_kind kind;
	union {
		struct build_row build;
		struct job_row job;
		struct attempt_row attempt;
		struct step_row step;
		struct tag_row tag;
		struct publish_row publish;
		struct publish_step_row publish_step;
		struct worker_row worker;
		struct event_row event;
	};
};

/* Everything a core is rebuilt from. The arrays are owned; rows_clear frees them. */
struct rows {
	struct build_row *builds;       /* those not final, and nothing of the others below */
	size_t build_count;
	struct job_row *jobs;
	size_t job_count;
	struct attempt_row *attempts;   /* all attempts of these jobs, by id */
	size_t attempt_count;
	struct tag_row *tags;
	size_t tag_count;
	struct publish_row *publishes;
	size_t publish_count;
	struct publish_step_row *publish_steps;
	size_t publish_step_count;
	struct worker_row *workers;     /* all that were ever seen */
	size_t worker_count;
	struct tag_row *heads;          /* per reference, the newest build's tag that has moved */
	size_t head_count;
	int64_t last_build, last_job, last_attempt, last_tag, last_publish; /* highest ids ever given */
};

void row_clear(struct row *row);        /* frees what it owns */
void rows_clear(struct rows *rows);

#endif
