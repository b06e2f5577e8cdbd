/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything the coordinator decides, as one function of an event and the time. No I/O, no clock,
 * no threads, no randomness but the seed it owns: what comes out depends only on what went in, so
 * all of it can be simulated, replayed and tested. One thread owns a core.
 *
 * The saves of one pass are one transaction; its other effects may leave only when that (and every
 * earlier one) is on disk. A core rebuilt from the saved rows equals the living one, leases aside.
 */
#ifndef COORDINATOR_CORE_CORE_H
#define COORDINATOR_CORE_CORE_H

#include "common/buf.h"
#include "coordinator/core/rows.h"

struct core;

struct core_time {
	int64_t mono_ms; /* monotonic: leases, offers */
	int64_t wall_ms; /* for rows and people, and for back-off, which is a row */
};

struct core_config {
	int attempts_max;           /* tries per job, lost and infra ones together (3) */
	int64_t lease_ms;           /* a worker silent for so long is lost (30,000) */
	int64_t restart_lease_ms;   /* at least so long after listening began (60,000) */
	int64_t offer_timeout_ms;   /* an offer not answered goes back to the queue (10,000) */
	int64_t backoff_ms;         /* first back-off after a lost or infra attempt; doubles, with jitter (2,000) */
	int64_t publish_backoff_ms; /* likewise between tries of a publish step (1,000) */
	int publish_tries_max;      /* of one publish step (6) */
	int run_timeout_s;          /* sent with offers (7,200) */
	struct wire_welcome welcome;
	uint64_t seed;
};

enum core_event_type {
	EVENT_TICK,          /* time passed: leases, offers, back-off */
	EVENT_LISTENING,     /* sessions are accepted from now on: live attempts get a fresh lease */
	EVENT_SUBMIT,
	EVENT_CANCEL,
	EVENT_MESSAGE,       /* a worker said something; the first is hello */
	EVENT_LEFT,          /* a session ended */
	EVENT_PUBLISH_STEP,  /* a publish step was done or failed */
};

struct publish_outcome {
	int64_t publish;
	int n;                      /* the step */
	bool is_ok;
	bool is_retryable;          /* when not ok: the registry may do better later */
	char reason[REASON_MAX];
	char digest[DIGEST_TEXT_MAX]; /* INDEX: of the index put */
};

struct core_event {
	enum core_event_type type;
	union {
		struct {                        /* SUBMIT: tags are full references, distinct */
			int64_t request, project;
			struct build_spec spec; /* owned by the event */
		} submit;
		struct { int64_t request, build; } cancel;
		struct { int64_t session; struct wire_message msg; } message; /* owned */
		struct { int64_t session; char why[128]; } left;
		struct publish_outcome publish_step;
	};
};

struct index_part {
	struct platform platform;
	char media_type[96], digest[DIGEST_TEXT_MAX];
	int64_t size_bytes;
};

/* One publish step to take, complete in itself. */
struct publish_order {
	int64_t publish;
	int n;
	enum publish_step_kind kind;
	char repository[REPOSITORY_MAX];           /* host/path */
	char tag[132];                             /* TAG, READBACK: the part after the colon */
	char expected_digest[DIGEST_TEXT_MAX];     /* TAG, READBACK: of the index */
	struct index_part parts[SPEC_PLATFORMS_MAX]; /* VERIFY: parts[0]; INDEX, TAG: all */
	size_t part_count;
};

enum effect_type {
	EFFECT_SAVE,         /* a row */
	EFFECT_SEND,         /* a message to a worker's session */
	EFFECT_CLOSE,        /* end a session (after a bye was sent to it) */
	EFFECT_REPLY,        /* answer a request of the front */
	EFFECT_PUBLISH,      /* take a publish step */
	EFFECT_CREDENTIAL,   /* look up a credential and send it to the session */
	EFFECT_ANNOUNCE,     /* rows of this build changed */
	EFFECT_REASONS,      /* why queued jobs wait, per platform; replaces the last */
	EFFECT_WAKE,         /* call with EVENT_TICK at this monotonic time; replaces the last */
};

struct wait_reason { char platform[PLATFORM_TEXT_MAX]; char text[REASON_MAX]; };

struct effect {
	enum effect_type type;
	union {
		struct row *save;                       /* owned */
		struct { int64_t session; struct wire_message *msg; } send; /* owned */
		struct { int64_t session; } close;
		struct { int64_t request, build; enum err_code code; char message[REASON_MAX]; } reply; /* code 0: done */
		struct publish_order *publish;          /* owned */
		struct { int64_t session, request, attempt; char host[256]; } credential;
		struct { int64_t build, job, attempt; } announce;
		struct { struct wait_reason *list; size_t count; } reasons; /* owned */
		struct { int64_t mono_ms; } wake;
	};
};

struct effects {
	struct effect *list;
	size_t count, cap;
};

struct core *core_new(const struct core_config *config);
void core_free(struct core *core);

/* Once, before the first event. Takes rows. Publishes at work go on from their first step not done. */
void core_load(struct core *core, struct rows *rows, struct core_time now, struct effects *effects);

/* Takes what the event owns. Effects are appended. */
void core_handle(struct core *core, struct core_event *event, struct core_time now, struct effects *effects);

void core_event_clear(struct core_event *event);
void effect_clear(struct effect *effect);
void effects_clear(struct effects *effects);

/* Everything that must survive a restart, in a fixed order: equal dumps, equal cores. For tests. */
void core_dump(const struct core *core, struct buf *out);

#endif
