/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/notes.h"

#include <stdio.h>

#include "common/mem.h"

struct notes {
	struct mailbox *box;
	struct asks *asks;
	struct job_ports ports;
};

void note_free(struct note *note)
{
	if (note->msg)
		wire_message_clear(note->msg);
	mem_free(note->msg);
	mem_free(note);
}

static void free_message(struct message *message)
{
	note_free((struct note *)message);
}

static struct note *note_new(enum note_kind kind, int64_t attempt)
{
	struct note *note = mem_alloc(sizeof(*note));

	note->message.free = free_message;
	note->kind = kind;
	note->attempt = attempt;
	return note;
}

static struct note *note_message(enum wire_type type, int64_t attempt)
{
	struct note *note = note_new(NOTE_MESSAGE, attempt);

	note->msg = mem_alloc(sizeof(*note->msg));
	note->msg->type = type;
	return note;
}

static void post(struct notes *notes, struct note *note)
{
	mailbox_post(notes->box, &note->message);
}

static void on_started(int64_t attempt, const char *proof, void *arg)
{
	struct note *note = note_message(WIRE_STARTED, attempt);

	note->msg->started.attempt = attempt;
	snprintf(note->msg->started.proof, sizeof(note->msg->started.proof), "%s", proof);
	post(arg, note);
}

static void on_step(const struct wire_step *step, void *arg)
{
	struct note *note = note_message(WIRE_STEP, step->attempt);

	note->msg->step = *step;
	post(arg, note);
}

static void on_log(int64_t attempt, int64_t spool_bytes, void *arg)
{
	struct note *note = note_new(NOTE_LOG, attempt);

	note->log_bytes = spool_bytes;
	post(arg, note);
}

static void on_result(const struct wire_result *result, void *arg)
{
	struct note *note = note_message(WIRE_RESULT, result->attempt);

	note->msg->result = *result;
	post(arg, note);
}

static void on_cancelled(int64_t attempt, int64_t log_bytes, void *arg)
{
	struct note *note = note_message(WIRE_CANCELLED, attempt);

	note->msg->cancelled = (struct wire_cancelled){ .attempt = attempt, .log_bytes = log_bytes };
	post(arg, note);
}

static int credential(int64_t attempt, const char *host, struct wire_credential *ret, struct error *err, void *arg)
{
	struct notes *notes = arg;

	return asks_wait(notes->asks, attempt, host, ret, err);
}

static void on_new_ask(void *arg)
{
	post(arg, note_new(NOTE_ASK, 0));
}

struct notes *notes_new(int ask_timeout_ms, void (*wake)(void *arg), void *arg)
{
	struct notes *notes = mem_alloc(sizeof(*notes));

	notes->box = mailbox_new(wake, arg);
	notes->asks = asks_new(ask_timeout_ms, on_new_ask, notes);
	notes->ports = (struct job_ports){
		.on_started = on_started, .on_step = on_step, .on_log = on_log, .on_result = on_result,
		.on_cancelled = on_cancelled, .credential = credential, .arg = notes,
	};
	return notes;
}

void notes_free(struct notes *notes)
{
	if (!notes)
		return;
	mailbox_free(notes->box);
	asks_free(notes->asks);
	mem_free(notes);
}

const struct job_ports *notes_ports(const struct notes *notes)
{
	return &notes->ports;
}

struct asks *notes_asks(const struct notes *notes)
{
	return notes->asks;
}

struct note *notes_take(struct notes *notes)
{
	return (struct note *)mailbox_take(notes->box);
}

void notes_post_stop(struct notes *notes)
{
	post(notes, note_new(NOTE_STOP, 0));
}
