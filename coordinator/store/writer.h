/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writer thread: the one SQLite connection that writes. Batches come in the order of the core's
 * passes; all that wait are committed in one transaction (group commit, one fsync), then given back in
 * the same order. A batch without rows waits its turn too: its tells must not overtake.
 * Disk full: the ballast file is freed, the batch replayed whole until it fits; on_full tells.
 * Any other failure ends the process (it will be rebuilt from what is on disk): a failed fsync is never retried.
 */
#ifndef COORDINATOR_STORE_WRITER_H
#define COORDINATOR_STORE_WRITER_H

#include <stdbool.h>

#include "common/mailbox.h"
#include "coordinator/store/store.h"

struct batch {
	struct message message;    /* its link, and how to free one never written */
	struct row **rows;         /* owned, freed by the writer after the commit */
	size_t row_count;
	/* What follows is the owner's: batch is the first member of the owner's struct. */
};

struct writer_ports {
	/* On the writer's thread, in order, when the batch is durable. Takes the batch. */
	void (*on_durable)(struct batch *batch, void *arg);
	/* On the writer's thread: the disk became full; batches are taken again and the ballast is whole. */
	void (*on_full)(bool is_full, void *arg);
	/* On a thread of the writer's: log why. The process ends with status 70 when this returns. */
	void (*on_failed)(const struct error *err, void *arg);
	void *arg;
};

struct writer;

/* Opens its own store on dir and starts the thread. ballast_bytes 0: no ballast file. */
int writer_start(const char *dir, int64_t ballast_bytes, const struct writer_ports *ports, struct writer **ret_writer,
		 struct error *err);

/* Takes batch. From the core's thread. */
void writer_post(struct writer *writer, struct batch *batch);

/* Commits what was posted, then joins the thread. on_durable may still be called until it returns. */
void writer_stop(struct writer *writer);

#endif
