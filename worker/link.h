/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The line to the coordinator: a WebSocket that is dialled, watched, and dialled again, with growing
 * pauses, for as long as the worker lives. Knows messages, not what they mean. All callbacks are on
 * the thread that runs it; only link_wake may be called from another.
 */
#ifndef WORKER_LINK_H
#define WORKER_LINK_H

#include <stdbool.h>

#include "common/cleanup.h"
#include "common/wire/wire.h"
#include "worker/spool.h"

struct link;

struct link_settings {
	const char *url;        /* ws://host[:port] or wss://host[:port] */
	const char *token_file; /* read again for every try */
	const char *ca_file;    /* for wss; NULL: the system's */
};

struct link_ports {
	void (*on_up)(void *arg);                              /* the first message is ours */
	void (*on_message)(struct wire_message *msg, void *arg); /* may take what msg owns; cleared afterwards */
	void (*on_down)(void *arg);                            /* after on_up; another try follows by itself */
	/* A binary frame to send, asked for when no message waits; false: none now. */
	bool (*next_frame)(unsigned char frame[SPOOL_FRAME_MAX], size_t *ret_len, void *arg);
	void (*on_wake)(void *arg);
	void (*on_tick)(void *arg);                            /* every second */
	void *arg;
};

/* ERR_INVALID names what is wrong with the URL. Texts and ports are copied. */
int link_open(const struct link_settings *settings, const struct link_ports *ports, struct link **ret_link,
	      struct error *err);
void link_close(struct link *link);
DEFINE_CLEANUP(struct link *, link_close)

/* Until link_stop, which any callback may call. */
void link_run(struct link *link);
void link_stop(struct link *link);
void link_wake(struct link *link);

bool link_is_up(const struct link *link);
/* The bearer of the last try, "" before the first. */
const char *link_token(const struct link *link);

/* Queues; nothing when the line is down. A line that takes nothing any more is dropped. */
void link_send(struct link *link, const struct wire_message *msg);
/* next_frame has something again. */
void link_has_frames(struct link *link);

/* The coordinator took us: pauses are short again; silence for lease_s means the line is dead. */
void link_settle(struct link *link, int lease_s);
/* Drops the line and tries again after pause_s, or the next growing pause when 0. */
void link_redial(struct link *link, int pause_s, const char *why);
/* Sends what is queued, then closes and tries no more. */
void link_hang_up(struct link *link);

#endif
