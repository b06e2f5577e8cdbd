/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Committed rows, for those who show them: a read-only connection of its own, opened at start and
 * held (a full disk refuses new ones). Lists go by key, newest first, never by OFFSET.
 * One reader per thread. Callbacks get rows that live only during the call.
 */
#ifndef COORDINATOR_STORE_READER_H
#define COORDINATOR_STORE_READER_H

#include "coordinator/store/store.h"

struct reader;

int reader_open(const char *dir, struct reader **ret_reader, struct error *err);
void reader_close(struct reader *reader);
DEFINE_CLEANUP(struct reader *, reader_close)

/* What is read in between sees one moment. Keep it short: the log grows meanwhile. */
int reader_begin(struct reader *reader, struct error *err);
void reader_end(struct reader *reader);

struct token_info { int64_t id, project; unsigned scopes; char name[64]; };

#define READER_NONE 1 /* no such row */
#define READER_LIMIT_MAX 500

/* 0, READER_NONE (unknown, revoked or expired), -1. Hashes, then looks the hash up. */
int reader_token(struct reader *reader, const char *token_text, int64_t now_ms, struct token_info *ret_info,
		 struct error *err);

/* 0, READER_NONE, -1. row_clear-like duties: build->spec is owned by the caller (mem_free). */
int reader_build(struct reader *reader, int64_t id, struct build_row *ret_build, struct error *err);

/* A row of the job table, with what a person wants beside it. */
struct job_view {
	struct job_row job;
	int64_t project;
	char repository[REPOSITORY_MAX]; /* of the build's first tag, "" when it has none */
	char worker[WORKER_NAME_MAX];    /* of the current or last attempt */
	int attempt_number;
	enum build_state build_state;
	char step[256];                  /* newest step that runs, or the last one */
	int step_n, step_total;
	int64_t log_bytes;               /* -1 while the attempt goes on */
};
int reader_job(struct reader *reader, int64_t id, struct job_view *ret_view, struct error *err);

struct job_filter {
	int64_t before;                  /* only ids below; 0: from the newest */
	int64_t build;                   /* 0: all */
	int state;                       /* enum job_state, -1: all; -2: those not final */
	int64_t project;                 /* 0: all */
	const char *platform;            /* NULL: all */
	int limit;                       /* brought to 1..READER_LIMIT_MAX */
};
int reader_jobs(struct reader *reader, const struct job_filter *filter,
		void (*on_job)(const struct job_view *view, void *arg), void *arg, struct error *err);
struct build_filter { int64_t before, project; int state, limit; }; /* as in job_filter */
int reader_builds(struct reader *reader, const struct build_filter *filter,
		  void (*on_build)(const struct build_row *build, void *arg), void *arg, struct error *err);
int reader_attempts(struct reader *reader, int64_t job, void (*on_attempt)(const struct attempt_row *row, void *arg),
		    void *arg, struct error *err);
int reader_attempt(struct reader *reader, int64_t id, struct attempt_row *ret_row, struct error *err);
int reader_steps(struct reader *reader, int64_t attempt, void (*on_step)(const struct step_row *row, void *arg),
		 void *arg, struct error *err);
int reader_tags(struct reader *reader, int64_t build, void (*on_tag)(const struct tag_row *row, void *arg),
		void *arg, struct error *err);
int reader_publishes(struct reader *reader, int64_t build,
		     void (*on_publish)(const struct publish_row *row, void *arg), void *arg, struct error *err);
int reader_publish_steps(struct reader *reader, int64_t publish,
			 void (*on_step)(const struct publish_step_row *row, void *arg), void *arg, struct error *err);
int reader_workers(struct reader *reader, void (*on_worker)(const struct worker_row *row, int live_attempts, void *arg),
		   void *arg, struct error *err);
int reader_events(struct reader *reader, int64_t build, void (*on_event)(const struct event_row *row, void *arg),
		  void *arg, struct error *err);

/* May this worker's token fetch this context? True when a live attempt or open build names it. */
int reader_context_is_wanted(struct reader *reader, const char *digest, bool *ret_wanted, struct error *err);

#endif
