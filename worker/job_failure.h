/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose fault a failed engine run is. Decides from how the engine ended and from the end of what it
 * wrote; only what another host or hour could mend is infra. Pure text.
 */
#ifndef WORKER_JOB_FAILURE_H
#define WORKER_JOB_FAILURE_H

#include "common/wire/wire.h"
#include "worker/engine.h"

struct failure_facts {
	const struct engine_result *result;
	const char *tail;    /* the last some KiB of the engine's output */
	const char *label;   /* "STEP 3/5: RUN make": the step it was at, "" for none */
	bool is_disk_full;   /* hardly a byte is free where the engine writes */
	int timeout_s;
};

/* Fills failure, reason, failed_step and exit_code. */
void job_failure_classify(const struct failure_facts *facts, struct wire_result *result);

/* For errors of our own calls: of the push, of the fetch. */
enum failure_class job_failure_of_error(const struct error *err);

#endif
