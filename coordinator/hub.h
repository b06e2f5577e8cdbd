/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The core's thread: events come in from everywhere, one pass each through core_handle; what a pass
 * saves goes to the writer, and what it tells leaves when the writer says that it is on disk.
 * Nothing else in the coordinator decides anything.
 */
#ifndef COORDINATOR_HUB_H
#define COORDINATOR_HUB_H

#include "coordinator/core/core.h"

struct auth;
struct front;
struct sessions;
struct publish_pool;
struct writer;

/* Who is told. All outlive hub_run. */
struct hub_parts {
	struct front *front;
	struct sessions *sessions;
	struct publish_pool *publish_pool;
	const struct auth *auth;        /* credentials for registries; NULL: none */
	struct writer *writer;
};

struct hub;

struct hub *hub_new(void);
void hub_free(struct hub *hub);

/* Any thread, from before hub_run on. Takes event (heap). */
void hub_post(struct hub *hub, struct core_event *event);

/* Rebuilds the core from rows (taken), then runs until hub_stop. Called once, by the thread that owns the core. */
void hub_run(struct hub *hub, const struct core_config *config, const struct hub_parts *parts, struct rows *rows);

/* Any thread. */
void hub_stop(struct hub *hub);

/* The writer's port: tells what waited for this batch. On the writer's thread. arg is the hub. */
struct batch;
void hub_on_durable(struct batch *batch, void *arg);

#endif
