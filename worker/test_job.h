/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs and a host that do what a check(3) suite says: agent_world without processes. */
#ifndef WORKER_TEST_JOB_H
#define WORKER_TEST_JOB_H

#include <check.h>
#include <pthread.h>
#include <string.h>

#include "common/mem.h"
#include "worker/agent.h"

struct job {
	int64_t attempt;
	const struct job_ports *ports;
	bool is_cancelled;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct job *job;      /* the last one started; under lock */
static int freed, cleaned;
static char dir[64];         /* of the worker's state */
static bool is_native;

static int fake_start(const struct wire_offer *offer, const struct job_place *place, const struct job_ports *ports,
		      struct job **ret_job, struct error *err)
{
	struct job *own;

	if (offer->run_timeout_s == 1)
		return error_set(err, ERR_IO, "cannot start");
	ck_assert_str_eq(place->front_url, "http://front");
	ck_assert_str_eq(place->token, "mfd_secret");
	own = mem_alloc(sizeof(*own));
	*own = (struct job){ .attempt = offer->attempt, .ports = ports };
	*ret_job = own;
	pthread_mutex_lock(&lock);
	job = own;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	return 0;
}

static void fake_cancel(struct job *own)
{
	pthread_mutex_lock(&lock);
	own->is_cancelled = true;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

static void fake_free(struct job *own)
{
	pthread_mutex_lock(&lock);
	freed++;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	mem_free(own);
}

static int fake_clean(const struct job_place *place, struct error *err)
{
	(void)err;
	cleaned += strcmp(place->state_dir, dir) == 0;
	return 0;
}

static int fake_facts(struct facts *ret_facts, struct error *err, void *arg)
{
	(void)err, (void)arg;
	*ret_facts = (struct facts){ .kernel_arch = "x86_64", .cpu = "a cpu", .platforms = { { "linux", "amd64", "" } },
				     .platform_count = 1, .is_native = is_native, .proof = "proven" };
	text_copy(ret_facts->remedy, sizeof(ret_facts->remedy), is_native ? "" : "do this");
	return 0;
}

static const struct agent_world world = { fake_start, fake_cancel, fake_free, fake_clean, fake_facts, NULL };

#endif
