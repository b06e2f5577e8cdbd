/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file that only takes space, DIR/ballast: freed when the disk is full, so that what is at work
 * can be written to its end; made again when there is room. For coordinator/store only; one thread.
 */
#ifndef COORDINATOR_STORE_BALLAST_H
#define COORDINATOR_STORE_BALLAST_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

struct ballast {
	char dir[4096], path[4096 + 8];
	int64_t size_bytes; /* 0: none is wanted */
	bool is_whole;
};

int ballast_init(struct ballast *ballast, const char *dir, int64_t size_bytes, struct error *err);

/*
 * Makes the file when it is missing or short. 0: it is whole (or none is wanted); BALLAST_NO_ROOM: making it
 * would leave less than as much again free; -1.
 */
#define BALLAST_NO_ROOM 1
int ballast_fill(struct ballast *ballast, struct error *err);

/* Gives its space back; true when there was some. */
bool ballast_free(struct ballast *ballast);

#endif
