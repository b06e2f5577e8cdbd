/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What job threads tell the agent: the ports a job is given, and the queue they post into. Taken on
 * the agent's thread.
 */
#ifndef WORKER_NOTES_H
#define WORKER_NOTES_H

#include "common/mailbox.h"
#include "worker/asks.h"
#include "worker/job.h"

enum note_kind {
	NOTE_MESSAGE, /* started, step, result or cancelled; seq not filled in */
	NOTE_LOG,     /* the spool has so many bytes */
	NOTE_ASK,     /* a credential is wanted: see asks_next */
	NOTE_STOP,    /* end everything */
};

struct note {
	struct message message;
	enum note_kind kind;
	int64_t attempt, log_bytes;
	struct wire_message *msg; /* owned; NOTE_MESSAGE */
};

struct notes;

/* wake: on a posting thread. */
struct notes *notes_new(int ask_timeout_ms, void (*wake)(void *arg), void *arg);
void notes_free(struct notes *notes);

/* What a job is given; lives as long as notes. */
const struct job_ports *notes_ports(const struct notes *notes);
struct asks *notes_asks(const struct notes *notes);

/* Oldest first, linked by message.next; note_free each. */
struct note *notes_take(struct notes *notes);
void note_free(struct note *note);

/* From any thread. */
void notes_post_stop(struct notes *notes);

#endif
