/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of this folder: the one world of a test, and the events its front had for a core. */
#ifndef COORDINATOR_FRONT_TEST_WORLD_H
#define COORDINATOR_FRONT_TEST_WORLD_H

#include <check.h>
#include <string.h>

#include "common/mailbox.h"
#include "common/mem.h"
#include "common/oci/digest.h"
#include "coordinator/front/front.h"
#include "coordinator/store/store.h"

#define TESTING __attribute__((unused)) static
#define LENGTH(list) (sizeof(list) / sizeof((list)[0]))
#define DIGEST_A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* The one of the test at work. */
static struct {
	char dir[64];
	struct store *store;
	struct front *front;
	struct mailbox *events;
	struct front_config config; /* what a test sets before start() */
	char submitter[64], reader[64], admin[64], worker[64], stranger[64]; /* tokens; the stranger is of project 2 */
} world;

struct seen_event {
	struct message message;
	struct core_event *event;
};

static void seen_free(struct message *message)
{
	struct seen_event *seen = (struct seen_event *)message;

	core_event_clear(seen->event);
	mem_free(seen->event);
	mem_free(seen);
}

static void keep_event(struct core_event *event, void *arg)
{
	struct seen_event *seen = mem_alloc(sizeof(*seen));

	seen->message.free = seen_free;
	seen->event = event;
	mailbox_post(arg, &seen->message);
}

/* Waits for the next one; free it with event_done. */
TESTING struct seen_event *next_event(void)
{
	return (struct seen_event *)mailbox_wait(world.events);
}

TESTING void event_done(struct seen_event *seen)
{
	seen_free(&seen->message);
}

#endif
