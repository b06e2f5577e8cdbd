/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything that is said between coordinator and worker. JSON text frames; each type has its
 * struct here, its encode and decode in the file of its name, its schema in schema/wire/ and its
 * example in schema/examples/. Unknown members are ignored; an unknown type is answered with error.
 * Log bytes travel in binary frames, see log_frame below. An attempt is named by its id, unique
 * for all time, so that whatever belongs to an older one is fenced by the number alone.
 */
#ifndef COMMON_WIRE_WIRE_H
#define COMMON_WIRE_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/wire/spec.h"

#define WIRE_PROTOCOL 1
#define WIRE_TEXT_MAX (1024 * 1024)      /* bytes of one text frame */
#define WIRE_LOG_HEADER 16               /* attempt, offset: 64 bit big-endian each */
#define WIRE_LOG_DATA_MAX (64 * 1024 - WIRE_LOG_HEADER)
#define WIRE_HELD_MAX 64
#define WIRE_SUBPROTOCOL "manifold.v1"   /* Sec-WebSocket-Protocol */
#define WIRE_PATH "/v1/session"

enum wire_type {
	WIRE_HELLO, WIRE_WELCOME, WIRE_OFFER, WIRE_ACCEPT, WIRE_REFUSE, WIRE_STARTED, WIRE_STEP, WIRE_RESULT,
	WIRE_BEAT, WIRE_ACK, WIRE_CANCEL, WIRE_CANCELLED, WIRE_ABANDON, WIRE_DRAIN, WIRE_LOG_CREDIT,
	WIRE_CREDENTIAL_REQUEST, WIRE_CREDENTIAL, WIRE_BYE, WIRE_ERROR, WIRE_TYPE_COUNT,
};

/* worker -> coordinator, first message of a session. */
struct wire_hello {
	int protocol;
	char version[32];
	char name[64];                  /* [a-zA-Z0-9._-]+ */
	int slots;
	struct platform platforms[SPEC_PLATFORMS_MAX];
	size_t platform_count;
	char engine[64];                /* "buildah 1.28.2" */
	char kernel_arch[32];           /* "x86_64" */
	char cpu[128];
	char proof[512];                /* in words: what was executed, what failed as it must */
	bool is_native;                 /* false: refused_because and remedy say why and what mends it */
	char refused_because[512];
	char remedy[512];
	int64_t held[WIRE_HELD_MAX];    /* attempts it still runs, or has unacknowledged events of */
	size_t held_count;
};
struct wire_welcome {
	char front_url[256];            /* where contexts are fetched */
	int beat_interval_s;
	int lease_s;
	int64_t log_window_bytes;       /* credit that every attempt starts with */
};
struct wire_offer {
	int64_t attempt, job, build;
	int number;                     /* of the attempt within its job, from 1 */
	struct platform platform;
	char *spec;                     /* spec_encode() text, owned */
	char repositories[SPEC_TAGS_MAX][256]; /* host[:port]/path to push to; distinct */
	size_t repository_count;
	int run_timeout_s;
};
struct wire_attempt { int64_t attempt; };                       /* accept, cancel, abandon */
struct wire_refuse { int64_t attempt; char reason[512]; };
struct wire_started { int64_t attempt, seq; char proof[512]; }; /* proof taken again just before */
struct wire_step {                                              /* not acknowledged */
	int64_t attempt;
	int n, total;                   /* 1-based; total 0 when unknown */
	char name[256];                 /* "RUN make -j2" */
	bool is_cached;
	int64_t started_ms, ended_ms;   /* wall clock of the worker; ended 0 while it runs */
};
enum failure_class { CLASS_NONE, CLASS_BUILD, CLASS_INFRA, CLASS_TIMEOUT, CLASS_POLICY, CLASS_COUNT };
struct wire_result {
	int64_t attempt, seq;
	bool is_success;
	enum failure_class failure;     /* when not a success */
	char reason[512];               /* "RUN make failed with exit status 2" */
	char failed_step[256];
	int exit_code;
	char media_type[96];            /* of the manifest pushed (or checked, with no tags) */
	char digest[DIGEST_TEXT_MAX];
	int64_t size_bytes;
	int64_t log_bytes;              /* the log is complete when this many are durable */
	int64_t engine_started_ms, engine_ended_ms, pushed_ms;
};
struct wire_beat { int64_t held[WIRE_HELD_MAX]; size_t held_count; int64_t disk_free_bytes; int load_percent; };
struct wire_ack { int64_t attempt, seq; };                      /* all events up to seq are on disk */
struct wire_cancelled { int64_t attempt, seq; int64_t log_bytes; };  /* nothing of it runs any more */
struct wire_drain { char reason[256]; };
struct wire_log_credit { int64_t attempt, durable_bytes, limit_bytes; }; /* may send up to offset limit */
struct wire_credential_request { int64_t request, attempt; char host[256]; };
struct wire_credential { int64_t request; bool is_basic; char username[256]; char *secret; /* owned */ };
struct wire_bye { char reason[512]; char remedy[512]; int retry_after_s; }; /* the sender closes next */
struct wire_error { char about[64]; char reason[512]; };

struct wire_message {
	enum wire_type type;
	union {
		struct wire_hello hello;
		struct wire_welcome welcome;
		struct wire_offer offer;
		struct wire_attempt accept, cancel, abandon;
		struct wire_refuse refuse;
		struct wire_started started;
		struct wire_step step;
		struct wire_result result;
		struct wire_beat beat;
		struct wire_ack ack;
		struct wire_cancelled cancelled;
		struct wire_drain drain;
		struct wire_log_credit log_credit;
		struct wire_credential_request credential_request;
		struct wire_credential credential;
		struct wire_bye bye;
		struct wire_error error;
	};
};

/* "log-credit"; and back, WIRE_TYPE_COUNT when unknown. */
const char *wire_type_name(enum wire_type type);
enum wire_type wire_type_find(const char *name);
const char *failure_class_name(enum failure_class failure); /* "build" ... "" for CLASS_NONE */
enum failure_class failure_class_find(const char *name);    /* CLASS_COUNT when unknown */

char *wire_encode(const struct wire_message *msg);           /* the caller frees; never NULL */

/* 0, WIRE_UNKNOWN_TYPE (its name in ret->error.about, type WIRE_ERROR ready to be sent back), or -1 ERR_INVALID. */
#define WIRE_UNKNOWN_TYPE 1
int wire_decode(const char *text, size_t len, struct wire_message *ret_msg, struct error *err);
void wire_message_clear(struct wire_message *msg);           /* wipes and frees what it owns */

/* The 16 bytes in front of log bytes. Decode: ERR_INVALID when short, too long or negative. */
void wire_log_header(unsigned char out[WIRE_LOG_HEADER], int64_t attempt, int64_t offset);
int wire_log_decode(const unsigned char *frame, size_t len, int64_t *ret_attempt, int64_t *ret_offset, struct error *err);

#endif
