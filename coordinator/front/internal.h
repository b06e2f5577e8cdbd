/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this folder share: the front itself and a request being answered.
 * All of it belongs to the front's thread, but for what context_store.c does.
 */
#ifndef COORDINATOR_FRONT_INTERNAL_H
#define COORDINATOR_FRONT_INTERNAL_H

#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <pthread.h>

#include "common/loop.h"
#include "coordinator/front/front.h"
#include "coordinator/front/route.h"
#include "coordinator/store/reader.h"

#define EXCHANGE_BUCKETS 1024
#define DURABLE_SLOTS 1024

struct conn;
struct context_store;
struct follower;

struct front {
	struct front_config config;
	char *dir;
	struct loop *loop;
	struct evhttp *http;
	struct evconnlistener *listener;
	struct event *sweep;            /* each second: deadlines, stuck followers */
	struct reader *reader;
	struct context_store *contexts;
	pthread_t thread;
	int port;
	struct conn *conns;
	struct conn **conns_by_fd;      /* how a request finds its connection */
	size_t fd_limit;
	int conn_count;
	struct exchange *exchanges[EXCHANGE_BUCKETS];
	int64_t last_exchange;
	char run_id[9];                 /* tells request ids of one run from those of another */
	struct follower *followers;
	struct wait_reason *reasons;
	size_t reason_count;
	struct { int64_t attempt, bytes; } durable[DURABLE_SLOTS]; /* newest told, by attempt modulo */
	bool is_full, is_ready;
};

/* A request from its arrival until it is answered or its client is gone. */
struct exchange {
	struct front *front;
	struct conn *conn;
	struct evhttp_request *req;
	int64_t number;                 /* names it to the core and the context store */
	char id[32];                    /* X-Request-Id */
	char method[16];
	struct match match;             /* route and path; owned */
	struct token_info token;        /* zero for routes without one */
	int64_t project;                /* whose rows it may see; 0: everybody's */
	bool is_head;
	int64_t started_ms;             /* monotonic */
	int64_t sent_bytes;
	int status;                     /* of a stream under way */
	void (*on_gone)(struct exchange *ex); /* the client is gone, and so is ex after this */
	void (*on_core_reply)(struct exchange *ex, int64_t build); /* set when the core was asked */
	void (*on_sent)(struct exchange *ex); /* of a stream: the last piece left */
	void *arg;                      /* of whoever set one of these */
	struct exchange *next;          /* in its bucket */
};

/* The one under this number, NULL when its client left. */
struct exchange *exchange_find(struct front *front, int64_t number);

/* Milliseconds: wall clock since 1970, and monotonic. */
int64_t wall_ms(void);
int64_t mono_ms(void);

#endif
