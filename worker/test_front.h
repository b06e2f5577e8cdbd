/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests only: the part of a coordinator's front that gives contexts. One file, GET with Range, a
 * bearer token ("token-of-worker"); the first answers break off after some bytes. On a thread of its own.
 */
#ifndef WORKER_TEST_FRONT_H
#define WORKER_TEST_FRONT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct front {
	int listener, port;
	pthread_t thread;
	const char *path;    /* of the file it gives */
	long break_after;    /* bytes of an answer, while breaks > 0 */
	int breaks;
	atomic_int requests, ranged;
	bool is_ignoring_range;
	int status;          /* instead, when not 0 */
};

void front_start(struct front *front, const char *path);
void front_stop(struct front *front);

#endif
