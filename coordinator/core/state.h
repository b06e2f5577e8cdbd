/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a core is made of: rows and the pointers between them. Private to this folder. Whatever must
 * survive a restart is in a row or follows from rows; the rest (sessions, leases, what is in flight,
 * who is warm) is found out again.
 */
#ifndef COORDINATOR_CORE_STATE_H
#define COORDINATOR_CORE_STATE_H

#include "coordinator/core/core.h"
#include "coordinator/core/heap.h"
#include "coordinator/core/list.h"
#include "coordinator/core/map.h"

/* Jobs of one project that the same workers are kept away from: if one of them fits nowhere, none does. */
struct lane {
	struct project *project;
	struct list excluded;        /* workers, by name */
	struct heap jobs;            /* by id: age */
	int64_t key;
	bool is_stuck;               /* in this round: no worker with a free slot fits */
};

/* All queued jobs of one platform, and who could take them. */
struct queue {
	struct platform platform;
	char text[PLATFORM_TEXT_MAX];
	struct list lanes;
	struct map lane_by_key;      /* hash of project and excluded; two that share one are two lanes in lanes */
	struct heap delayed;         /* jobs in back-off, by not_before_ms */
	struct list workers;         /* connected, native, offering exactly this; by name */
	size_t ready_count;          /* jobs in lanes */
};

struct project {
	int64_t id;
	int live_count;              /* attempts not final: what fair share goes by */
};

struct build {
	struct build_row row;
	struct job *jobs[SPEC_PLATFORMS_MAX];
	size_t job_count;
	struct tag *tags[SPEC_TAGS_MAX];
	size_t tag_count;
	struct publish *publish;
	struct project *project;
	char *dockerfile;            /* NULL until somebody asks */
	bool is_dirty, is_announced;
};

struct job {
	struct job_row row;
	struct build *build;
	struct queue *queue;
	struct attempt *newest;
	struct list excluded;        /* workers that lost, refused or failed it for reasons of their own; by name */
	struct heap_node node;       /* in a lane or among the delayed while queued */
	bool is_dirty;
};

struct attempt {
	struct attempt_row row;
	struct job *job;
	struct worker *worker;
	struct attempt *older;       /* of the same job */
	int64_t offered_mono_ms;
	bool is_dirty;
};

struct tag {
	struct tag_row row;
	struct build *build;
	struct head *head;
	bool is_dirty;
};

/*
 * What a reference points to in the registry, and who is at work on it. Only while a build that is not
 * final wants it: one submitted later is newer than whoever moved it.
 */
struct head {
	char *reference;
	size_t user_count;           /* tags */
	int64_t build;               /* the newest that moved it; 0: none yet */
	char digest[DIGEST_TEXT_MAX];
	struct publish *holder;      /* its first step was started and it is not at its end */
	uint64_t reserved_round;     /* an older publish waits for it */
	struct head *same_hash;
};

struct step {
	struct publish_step_row row;
	struct publish *publish;
	bool is_dirty;
};

struct publish {
	struct publish_row row;
	struct build *build;
	struct step *steps;
	size_t step_count;
	bool is_holding;             /* its references are its own */
	struct heap_node node;       /* among the backing off */
	bool is_dirty;
};

struct worker {
	struct worker_row row;
	struct platform platforms[SPEC_PLATFORMS_MAX];
	size_t platform_count;
	struct list live;            /* its attempts not final */
	int64_t session;             /* 0: not connected */
	int64_t lease_mono_ms;       /* its attempts are lost then; 0: it has none yet */
	int64_t heard_mono_ms;       /* last message; 0: not since the start */
	bool is_draining;
	struct worker *same_hash;
	bool is_dirty;
};

enum dirty_kind { DIRTY_WORKER, DIRTY_BUILD, DIRTY_JOB, DIRTY_ATTEMPT, DIRTY_TAG, DIRTY_PUBLISH, DIRTY_STEP, DIRTY_COUNT };

struct core {
	struct core_config config;
	struct core_time now;        /* of this pass */
	int64_t last_build, last_job, last_attempt, last_tag, last_publish;

	struct map builds, jobs, attempts, publishes; /* by id; nothing of a final build */
	struct map sessions;                          /* worker by session */
	struct map worker_by_hash, head_by_hash, project_by_id;
	struct list workers;                          /* by name */
	struct list queues;

	struct map warm;                              /* worker by repository, Dockerfile and platform */
	int64_t *warm_keys;                           /* a ring: the oldest makes room */
	size_t warm_at;
	int64_t *reported;                            /* a ring of attempts whose end their worker told */
	size_t reported_at;

	struct list waiting;                          /* publishes that do not hold their references yet; by build */
	struct heap backing_off;                      /* publishes between two tries of a step */
	bool is_released;                             /* references were: look at the waiting again */
	uint64_t round;

	bool is_listening;
	bool is_changed;                              /* something a queued job may wait for */
	int64_t wake_mono_ms;                         /* as last told; 0: never or over */
	struct wait_reason *reasons;                  /* as last told */
	size_t reason_count;

	struct list dirty[DIRTY_COUNT];               /* rows to save at the end of the pass */
	struct effects history, told;                 /* step and event rows; what is not a save */
	struct list finished;                         /* builds to forget at the end of the pass */
};

#endif
