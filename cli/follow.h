/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stays with a build until it is final: every job's log, line by line with the platform in front, what
 * it waits for, and attempts that follow a lost one. A coordinator that is away for a while is waited for.
 */
#ifndef CLI_FOLLOW_H
#define CLI_FOLLOW_H

#include <stdio.h>

#include "cli/client.h"

struct follow_options {
	FILE *out;                 /* log lines and remarks */
	bool is_cancelling_on_interrupt; /* Ctrl-C cancels the build and waits; else it only stops following */
	const char *platform;      /* only this job; NULL: all */
};

#define FOLLOW_INTERRUPTED 1

/* The final build's JSON (json_decref), also with FOLLOW_INTERRUPTED unless the user did not wait (then NULL). */
int follow_build(struct client *client, int64_t build, const struct follow_options *options, json_t **ret_build,
		 struct error *err);

#endif
