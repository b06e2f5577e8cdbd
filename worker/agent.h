/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker's one session with the coordinator and the attempts it holds: takes offers, runs jobs,
 * reports what is on disk, sends logs within their credit. Jobs go on while the coordinator is away.
 * new, run and free on one thread; stop from any.
 */
#ifndef WORKER_AGENT_H
#define WORKER_AGENT_H

#include "worker/job.h"

struct agent;

/* What it does to the world besides its journal: the product gives job.h's and facts.h's own. */
struct agent_world {
	int (*job_start)(const struct wire_offer *offer, const struct job_place *place, const struct job_ports *ports,
			 struct job **ret_job, struct error *err);
	void (*job_cancel)(struct job *job);
	void (*job_free)(struct job *job);
	int (*clean_orphans)(const struct job_place *place, struct error *err);
	int (*take_facts)(struct facts *ret_facts, struct error *err, void *arg); /* at every hello */
	void *arg;
};

struct agent_settings {
	const char *coordinator;     /* ws://127.0.0.1:7481 */
	const char *token_file;
	const char *ca_file;         /* NULL: the system's */
	const char *name;
	const char *state_dir;
	const struct engine *engine;
	const char *engine_text;     /* "buildah 1.28.2" */
	int slots;
	int64_t disk_free_min_bytes; /* with less no offer is taken */
	int ask_timeout_ms;          /* for credentials; 0: 30,000 */
	const struct agent_world *world;
};

/*
 * Ends and removes what an earlier life left running, and reads its journal: ended attempts are told
 * about again, the others are forgotten. Texts must outlive the agent.
 */
int agent_new(const struct agent_settings *settings, struct agent **ret_agent, struct error *err);
void agent_free(struct agent *agent);

/* Until agent_stop, and then until nothing of any job runs. */
void agent_run(struct agent *agent);

/* No more offers; jobs are ended and given back to the coordinator. */
void agent_stop(struct agent *agent);

#endif
