/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker says about its host besides its attempts: facts in words, disk, load. No state. */
#ifndef WORKER_HEALTH_H
#define WORKER_HEALTH_H

#include "common/wire/wire.h"
#include "worker/facts.h"

/* Free for us on the file system of path; 0 when it cannot be told. */
int64_t health_disk_free_bytes(const char *path);
/* Of all processors, over the last minute. */
int health_load_percent(void);

#define HEALTH_REASON_MAX 256

/* True, and why: this host does not execute the platform, or less than min_bytes are free where path is. */
bool health_refuses(const struct facts *facts, const struct platform *platform, const char *path, int64_t min_bytes,
		    char ret_reason[HEALTH_REASON_MAX]);

/* Protocol, version and facts; name, slots, engine and held are the caller's. */
void health_hello(const struct facts *facts, struct wire_hello *hello);

/* On stderr, for a person: why the coordinator does not take this worker, and what mends it. */
void health_print_refusal(const struct wire_bye *bye);

#endif
