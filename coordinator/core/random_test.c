/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A world at random, from a seed: clients, workers that answer late, twice or never, a registry that
 * fails, a coordinator that is killed. After every event a rebuilt core equals the living one (the
 * rig), nothing that never breaks has broken, and when the world calms down every build ends.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/core/map.h"
#include "coordinator/core/testing.h"

#define WORKERS 5
#define SLOTS 2
#define HELD 8
#define LATE 64
#define EVENTS 1000

/* ck_assert writes to a pipe each time it holds: too slow for every row after every event. */
#define claim(is_so)                                       \
	do {                                                \
		if (!(is_so))                               \
			ck_abort_msg("broken: %s", #is_so); \
	} while (0)

struct holding {
	int64_t attempt;
	bool is_cancelled;
};

struct sim_worker {
	char name[8];
	const char *platforms;
	int64_t session; /* 0: away */
	struct holding held[HELD];
	size_t held_count;
};

struct world {
	struct rig *rig;
	uint64_t seed;
	bool is_calm;
	int64_t last_session;
	struct sim_worker workers[WORKERS];
	struct wire_message late[LATE]; /* said once, may be said again */
	size_t late_count;
	struct publish_order orders[LATE];
	size_t order_count;
	struct map ended; /* attempt: its row when it was final */
};

static const char *const tags[] = { "", "r/a:1", "r/a:2", "r/a:1,r/b:1", "r/b:1,r/a:2", "r/c:1" };
static const char *const platforms[] = { "linux/amd64", "linux/arm64", "linux/amd64,linux/arm64", "linux/arm64,linux/amd64/v3" };

static unsigned draw(struct world *world, unsigned below)
{
	return (unsigned)(mix64(world->seed++) % below);
}

static struct sim_worker *worker_of_session(struct world *world, int64_t session)
{
	for (size_t i = 0; i < WORKERS; i++)
		if (session && world->workers[i].session == session)
			return &world->workers[i];
	return NULL;
}

static void drop_held(struct sim_worker *worker, int64_t attempt)
{
	for (size_t i = 0; i < worker->held_count; i++)
		if (worker->held[i].attempt == attempt)
			worker->held[i--] = worker->held[--worker->held_count];
}

/* ---- what never breaks ---- */

static void a_final_attempt_stays(struct world *world)
{
	const struct rig_table *table = &world->rig->tables[ROW_ATTEMPT];

	for (size_t i = 0; i < table->count; i++) {
		const struct attempt_row *row = &table->rows[i]->attempt;
		const struct attempt_row *was = map_get(&world->ended, row->id);
		struct attempt_row *kept;

		if (was) {
			claim(was->state == row->state);
			claim(was->last_seq == row->last_seq);
			claim(strcmp(was->reason, row->reason) == 0);
		} else if (attempt_state_is_final(row->state)) {
			kept = malloc(sizeof(*kept));
			*kept = *row;
			map_put(&world->ended, row->id, kept);
		}
	}
}

static void jobs_are_sound(const struct world *world)
{
	const struct rig_table *jobs = &world->rig->tables[ROW_JOB], *attempts = &world->rig->tables[ROW_ATTEMPT];
	size_t live[WORKERS] = { 0 };

	for (size_t i = 0; i < attempts->count; i++) {
		const struct attempt_row *attempt = &attempts->rows[i]->attempt;
		const struct job_row *job = rig_job(world->rig, attempt->job);

		if (!attempt_state_is_final(attempt->state)) {
			claim(job->attempt == attempt->id);
			claim(job->state == JOB_OFFERED || job->state == JOB_RUNNING || job->state == JOB_CANCELLING);
			live[attempt->worker[1] - '0']++;
		}
		if (attempt->state == ATTEMPT_SUCCEEDED)
			claim(job->state == JOB_SUCCEEDED && job->attempt == attempt->id);
	}
	for (size_t i = 0; i < WORKERS; i++)
		claim(live[i] <= SLOTS);
	for (size_t i = 0; i < jobs->count; i++)
		claim(jobs->rows[i]->job.attempt_count <= world->rig->config.attempts_max);
}

static const struct build_row *build_of(const struct world *world, const struct publish_order *order)
{
	return rig_build(world->rig, world->rig->tables[ROW_PUBLISH].rows[order->publish - 1]->publish.build);
}

/* Before a tag moves: every job succeeded, all that comes before is done, nobody newer was there. */
static void a_tag_moves_last(const struct world *world, const struct publish_order *order)
{
	const struct rig_table *jobs = &world->rig->tables[ROW_JOB], *steps = &world->rig->tables[ROW_PUBLISH_STEP],
			       *tag_rows = &world->rig->tables[ROW_TAG];
	const struct build_row *build = build_of(world, order);
	char reference[400];

	claim(build->state == BUILD_PUBLISHING);
	for (size_t i = 0; i < jobs->count; i++)
		if (jobs->rows[i]->job.build == build->id)
			claim(jobs->rows[i]->job.state == JOB_SUCCEEDED);
	for (size_t i = 0; i < steps->count; i++) {
		const struct publish_step_row *step = &steps->rows[i]->publish_step;

		if (step->publish == order->publish && step->kind <= STEP_INDEX)
			claim(step->state == STEP_DONE);
	}
	snprintf(reference, sizeof(reference), "%s:%s", order->repository, order->tag);
	for (size_t i = 0; i < tag_rows->count; i++) {
		const struct tag_row *tag = &tag_rows->rows[i]->tag;

		if (strcmp(tag->reference, reference) == 0 && tag->state == TAG_MOVED)
			claim(tag->build < build->id);
	}
	for (size_t i = 0; i < world->order_count; i++)
		claim(world->orders[i].publish == order->publish || world->orders[i].kind < STEP_TAG ||
			  strcmp(world->orders[i].repository, order->repository) != 0 ||
			  strcmp(world->orders[i].tag, order->tag) != 0);
}

/* ---- the world ---- */

static void hear(struct world *world, const struct effect *effect)
{
	struct sim_worker *worker = worker_of_session(world, effect->send.session);
	const struct wire_message *msg = effect->send.msg;

	if (!worker)
		return;
	if (msg->type == WIRE_OFFER) {
		ck_assert_ptr_nonnull(strstr(worker->platforms, msg->offer.platform.architecture));
		ck_assert_int_eq(rig_attempt(world->rig, msg->offer.attempt)->state, ATTEMPT_OFFERED);
		if (worker->held_count < HELD && (world->is_calm || draw(world, 10) > 0))
			worker->held[worker->held_count++] = (struct holding){ .attempt = msg->offer.attempt };
	} else if (msg->type == WIRE_ABANDON) {
		drop_held(worker, msg->abandon.attempt);
	} else if (msg->type == WIRE_CANCEL) {
		for (size_t i = 0; i < worker->held_count; i++)
			if (worker->held[i].attempt == msg->cancel.attempt)
				worker->held[i].is_cancelled = true;
	}
}

static void after_event(struct world *world)
{
	const struct rig *rig = world->rig;

	for (size_t i = 0; i < rig->told.count; i++) {
		const struct effect *effect = &rig->told.list[i];

		if (effect->type == EFFECT_SEND) {
			hear(world, effect);
		} else if (effect->type == EFFECT_CLOSE) {
			struct sim_worker *worker = worker_of_session(world, effect->close.session);

			if (worker)
				worker->session = 0;
		} else if (effect->type == EFFECT_PUBLISH) {
			if (effect->publish->kind == STEP_TAG)
				a_tag_moves_last(world, effect->publish);
			ck_assert_uint_lt(world->order_count, LATE);
			world->orders[world->order_count++] = *effect->publish;
		}
	}
	a_final_attempt_stays(world);
	jobs_are_sound(world);
}

static void say(struct world *world, int64_t session, const struct wire_message *msg)
{
	world->late[world->late_count++ % LATE] = *msg;
	rig_say(world->rig, session, msg);
	after_event(world);
}

static void connect(struct world *world, struct sim_worker *worker)
{
	struct wire_message msg = { .type = WIRE_HELLO, .hello = {
		.protocol = WIRE_PROTOCOL, .slots = SLOTS, .is_native = true, .platform_count = 2,
		.platforms = { { .os = "linux" }, { .os = "linux" } } } };

	snprintf(msg.hello.name, sizeof(msg.hello.name), "%s", worker->name);
	snprintf(msg.hello.platforms[0].architecture, 16, "%s", strstr(worker->platforms, "amd64") ? "amd64" : "arm64");
	msg.hello.platforms[1] = msg.hello.platforms[0];
	if (strstr(worker->platforms, "/v3"))
		snprintf(msg.hello.platforms[1].variant, 8, "v3");
	for (size_t i = 0; i < worker->held_count; i++)
		msg.hello.held[msg.hello.held_count++] = worker->held[i].attempt;
	worker->session = ++world->last_session;
	rig_say(world->rig, worker->session, &msg);
	after_event(world);
}

static void disconnect(struct world *world, struct sim_worker *worker)
{
	int64_t session = worker->session;

	worker->session = 0;
	rig_left(world->rig, session);
	after_event(world);
}

static void beat(struct world *world, struct sim_worker *worker)
{
	struct wire_message msg = { .type = WIRE_BEAT };

	for (size_t i = 0; i < worker->held_count; i++)
		msg.beat.held[msg.beat.held_count++] = worker->held[i].attempt;
	rig_say(world->rig, worker->session, &msg);
	after_event(world);
}

static struct wire_message result_of(struct world *world, int64_t attempt)
{
	struct wire_message msg = { .type = WIRE_RESULT, .result = {
		.attempt = attempt, .seq = 2, .media_type = "m", .size_bytes = 5, .reason = "broken" } };
	unsigned luck = world->is_calm ? 9 : draw(world, 10);

	msg.result.is_success = luck > 2;
	msg.result.failure = luck == 0 ? CLASS_BUILD : luck <= 2 ? CLASS_INFRA : CLASS_NONE;
	snprintf(msg.result.digest, DIGEST_TEXT_MAX, "sha256:%064lld", (long long)attempt);
	return msg;
}

/* One thing a connected worker does about one attempt it holds. */
static void work(struct world *world, struct sim_worker *worker)
{
	struct holding held = worker->held_count ? worker->held[draw(world, (unsigned)worker->held_count)] : (struct holding){ 0 };
	unsigned what = world->is_calm ? 3 : draw(world, 8);
	struct wire_message msg = { .type = WIRE_ACCEPT, .accept = { held.attempt } };

	if (!held.attempt)
		return;
	if (held.is_cancelled) {
		msg = (struct wire_message){ .type = WIRE_CANCELLED, .cancelled = { held.attempt, 2, 3 } };
		drop_held(worker, held.attempt);
	} else if (what == 0) {
		msg = (struct wire_message){ .type = WIRE_REFUSE, .refuse = { held.attempt, "busy" } };
		drop_held(worker, held.attempt);
	} else if (what == 1) {
		msg = (struct wire_message){ .type = WIRE_STARTED, .started = { held.attempt, 1, "native" } };
	} else if (what == 2) {
		msg = (struct wire_message){ .type = WIRE_STEP, .step = { .attempt = held.attempt, .n = 1 } };
	} else if (what == 3) {
		msg = result_of(world, held.attempt);
		drop_held(worker, held.attempt);
	}
	say(world, worker->session, &msg);
}

static void registry_answers(struct world *world)
{
	size_t at = world->order_count ? draw(world, (unsigned)world->order_count) : 0;
	unsigned luck = world->is_calm ? 9 : draw(world, 10);
	struct publish_order order;

	if (!world->order_count)
		return;
	order = world->orders[at];
	world->orders[at] = world->orders[--world->order_count];
	if (luck > 2)
		rig_step_ok(world->rig, &order);
	else
		rig_step_fails(world->rig, &order, luck > 0);
	after_event(world);
}

static void kill_coordinator(struct world *world)
{
	for (size_t i = 0; i < WORKERS; i++)
		world->workers[i].session = 0;
	world->order_count = 0;
	rig_load(world->rig);
	after_event(world);
	rig_listen(world->rig);
	after_event(world);
}

/* Tick by tick, so that the world hears of each when it happens. */
static void pass_time(struct world *world, int64_t ms)
{
	int64_t end_ms = world->rig->now.mono_ms + ms;
	int64_t next_ms;

	do {
		next_ms = world->rig->wake_ms ? world->rig->wake_ms : end_ms;
		next_ms = next_ms < end_ms ? next_ms : end_ms;
		rig_pass_time(world->rig, next_ms > world->rig->now.mono_ms ? next_ms - world->rig->now.mono_ms : 0);
		after_event(world);
	} while (next_ms < end_ms);
}

static void client_acts(struct world *world)
{
	const struct rig_table *builds = &world->rig->tables[ROW_BUILD];

	if (draw(world, 5) > 0)
		rig_submit(world->rig, 1 + draw(world, 3), platforms[draw(world, 4)], tags[draw(world, 6)]);
	else if (builds->count)
		rig_cancel(world->rig, (int64_t)builds->count - draw(world, 6));
	after_event(world);
}

static void anything(struct world *world)
{
	struct sim_worker *worker = &world->workers[draw(world, WORKERS)];
	unsigned what = draw(world, 100);

	if (what < 12) {
		client_acts(world);
	} else if (what < 24) {
		registry_answers(world);
	} else if (what < 29) {
		pass_time(world, draw(world, 20) == 0 ? 35000 : draw(world, 4000));
	} else if (what < 31) {
		kill_coordinator(world);
	} else if (what < 36 && world->late_count) {
		rig_say(world->rig, worker->session ? worker->session : 999999,
			&world->late[draw(world, world->late_count < LATE ? (unsigned)world->late_count : LATE)]);
		after_event(world);
	} else if (!worker->session) {
		if (draw(world, 12) == 0)
			worker->held_count = 0; /* its host was started anew */
		connect(world, worker);
	} else if (what < 40) {
		disconnect(world, worker);
	} else if (what < 60) {
		beat(world, worker);
	} else {
		work(world, worker);
	}
}

static size_t builds_at_work(const struct world *world)
{
	const struct rig_table *builds = &world->rig->tables[ROW_BUILD];
	size_t count = 0;

	for (size_t i = 0; i < builds->count; i++)
		count += !build_state_is_final(builds->rows[i]->build.state);
	return count;
}

/* Everybody is there and does what is asked: nothing may wait for ever. */
static void calm_down(struct world *world)
{
	world->is_calm = true;
	for (int round = 0; round < 500 && builds_at_work(world); round++) {
		for (size_t i = 0; i < WORKERS; i++) {
			if (!world->workers[i].session)
				connect(world, &world->workers[i]);
			else
				beat(world, &world->workers[i]);
			for (size_t k = 0; world->workers[i].session && k < HELD; k++)
				work(world, &world->workers[i]);
		}
		while (world->order_count)
			registry_answers(world);
		pass_time(world, 5000);
	}
	ck_assert_uint_eq(builds_at_work(world), 0);
}

START_TEST(nothing_breaks_and_every_build_ends)
{
	static const char *const offers[WORKERS] = { "linux/amd64", "linux/amd64/v3", "linux/arm64", "linux/arm64", "linux/amd64" };
	struct world world = { .rig = rig_new(), .seed = mix64((uint64_t)_i) };
	void *kept;

	for (size_t i = 0; i < WORKERS; i++) {
		snprintf(world.workers[i].name, sizeof(world.workers[i].name), "w%zu", i);
		world.workers[i].platforms = offers[i];
	}
	for (int i = 0; i < EVENTS; i++)
		anything(&world);
	calm_down(&world);
	for (size_t at = 0; (kept = map_next(&world.ended, &at));)
		free(kept);
	map_clear(&world.ended);
	rig_free(world.rig);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("random");
	TCase *tc = tcase_create("random");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 600);
	tcase_add_loop_test(tc, nothing_breaks_and_every_build_ends, 0, 4);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
