/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One attempt on this host: a thread that takes the native proof again, fetches the context, runs the
 * engine in a pid and mount namespace of its own, checks the result, pushes it by digest and reports.
 * Started, cancelled and joined by the agent's thread. Everything the engine writes goes, redacted,
 * into the attempt's spool file DIR/attempts/<attempt>/log; offsets in it are what the coordinator sees.
 */
#ifndef WORKER_JOB_H
#define WORKER_JOB_H

#include "common/wire/wire.h"
#include "worker/engine.h"
#include "worker/facts.h"

struct job;

/* All on the job's thread; they must not block, but for credential. */
struct job_ports {
	void (*on_started)(int64_t attempt, const char *proof, void *arg);
	void (*on_step)(const struct wire_step *step, void *arg);
	void (*on_log)(int64_t attempt, int64_t spool_bytes, void *arg);
	/* Exactly one of these two, last; nothing of the attempt runs any more then. seq is the agent's to fill in. */
	void (*on_result)(const struct wire_result *result, void *arg);
	void (*on_cancelled)(int64_t attempt, int64_t log_bytes, void *arg);
	/* Blocks until the coordinator answers, at most 30 s. The caller wipes it with wire_message_clear's like. */
	int (*credential)(int64_t attempt, const char *host, struct wire_credential *ret, struct error *err, void *arg);
	void *arg;
};

struct job_place {
	const char *state_dir;    /* of the worker: attempts/, contexts/, engines/ */
	const char *front_url;    /* from welcome */
	const char *token;        /* bearer for contexts */
	const char *ca_file;      /* NULL: the system's */
	const struct engine *engine;
	const struct facts *facts;
};

/* Copies offer and place's texts. The attempt's folder is made. */
int job_start(const struct wire_offer *offer, const struct job_place *place, const struct job_ports *ports,
	      struct job **ret_job, struct error *err);

/* SIGTERM, then SIGKILL to all of it; on_cancelled follows when nothing is left (or on_result, when that was sooner). */
void job_cancel(struct job *job);

/* After on_result or on_cancelled: joins the thread and frees. */
void job_free(struct job *job);

/* At the worker's start: ends and removes whatever attempts of an earlier life left (processes, mounts, containers). */
int job_clean_orphans(const struct job_place *place, struct error *err);

#endif
