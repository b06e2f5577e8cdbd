/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the steps in what buildah writes: "STEP 2/5: RUN make", "[1/2] STEP 1/3: FROM x AS build",
 * "--> Using cache". A build's own output may look the same; nothing but the display hangs on it.
 */
#ifndef WORKER_JOB_STEPS_H
#define WORKER_JOB_STEPS_H

#include "common/wire/wire.h"

#define STEPS_LINE_MAX 600

struct steps {
	void (*on_step)(const struct wire_step *step, void *arg);
	void *arg;
	int64_t attempt;
	int count;               /* so far, over all stages */
	bool has_current;
	struct wire_step current;
	char label[320];         /* "STEP 2/5: RUN make" of the current one */
	char line[STEPS_LINE_MAX];
	size_t line_len;
};

void steps_init(struct steps *steps, int64_t attempt, void (*on_step)(const struct wire_step *step, void *arg), void *arg);
void steps_bytes(struct steps *steps, const char *data, size_t len);
/* The engine has ended, and with it the current step. */
void steps_end(struct steps *steps);

#endif
