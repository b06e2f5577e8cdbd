/* SPDX-License-Identifier: Apache-2.0 */
/* The attempts a worker holds, in the order in which their logs are served. The agent's thread only. */
#ifndef WORKER_ROSTER_H
#define WORKER_ROSTER_H

#include "worker/held.h"

struct roster {
	struct held *first;     /* linked by next */
	size_t count;
	struct journal *journal; /* borrowed */
};

struct held *roster_find(const struct roster *roster, int64_t attempt);
/* Takes held. */
void roster_add(struct roster *roster, struct held *held);
size_t roster_running(const struct roster *roster);
size_t roster_list(const struct roster *roster, int64_t list[WIRE_HELD_MAX]);

/* The session ended. */
void roster_cut(struct roster *roster);

/* Frees held and removes its folder. */
void roster_forget(struct roster *roster, struct held *held);
/* True when it was done, and so is gone. */
bool roster_forget_done(struct roster *roster, struct held *held);
/* Frees all; their folders stay for the next life. */
void roster_clear(struct roster *roster);

/* The next log frame, attempts in turn; false: none now. */
bool roster_next_frame(struct roster *roster, unsigned char frame[SPOOL_FRAME_MAX], size_t *ret_len);

#endif
