/* SPDX-License-Identifier: Apache-2.0 */
/* A long queue: loaded in about a second, and no event costs more because of it. Processor time, not the clock's. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/mem.h"
#include "coordinator/core/testing.h"

#define LONG_QUEUE 100000
#define SHORT_QUEUE 100
#define EVENTS 1000

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SLOWER 10.0
#else
#define SLOWER 1.0
#endif

static const char spec[] = "{\"dockerfile\":\"Dockerfile\",\"platforms\":[\"linux/amd64\",\"linux/arm64\"],\"source\":{\"context\":"
			   "\"sha256:0000000000000000000000000000000000000000000000000000000000000001\"},\"tags\":[]}";

static double seconds(clock_t since)
{
	return (double)(clock() - since) / CLOCKS_PER_SEC;
}

/* Two jobs a build, of ten projects. */
static struct rows queued(size_t jobs)
{
	struct rows rows = { .build_count = jobs / 2, .job_count = jobs, .last_build = (int64_t)jobs / 2, .last_job = (int64_t)jobs };

	rows.builds = mem_alloc(rows.build_count * sizeof(*rows.builds));
	rows.jobs = mem_alloc(rows.job_count * sizeof(*rows.jobs));
	for (size_t i = 0; i < jobs; i++) {
		rows.jobs[i].id = (int64_t)i + 1;
		rows.jobs[i].build = (int64_t)i / 2 + 1;
		snprintf(rows.jobs[i].platform.os, 16, "linux");
		snprintf(rows.jobs[i].platform.architecture, 16, i % 2 ? "arm64" : "amd64");
	}
	for (size_t i = 0; i < rows.build_count; i++) {
		rows.builds[i].id = (int64_t)i + 1;
		rows.builds[i].project = (int64_t)i % 10 + 1;
		rows.builds[i].spec = mem_strdup(spec);
	}
	return rows;
}

/* A fleet of which one worker is given a job and fails it, again and again, while the others beat. */
static double work_off(struct rig *rig)
{
	clock_t since;

	rig->is_unchecked = true;
	rig_listen(rig);
	for (int64_t session = 1; session <= 20; session++) {
		char name[16];

		snprintf(name, sizeof(name), "w%d", (int)session);
		rig_hello(rig, session, name, session % 2 ? "linux/amd64" : "linux/arm64", 1);
	}
	since = clock();
	for (int i = 0; i < EVENTS; i++) {
		int64_t session = i % 20 + 1;

		rig_beat(rig, session, 0);
		rig_submit(rig, 3, "linux/amd64", "");
	}
	return seconds(since);
}

static struct rig *rig_of_queue(size_t jobs, double *ret_load_s)
{
	struct rig *rig = rig_new();
	struct rows rows = queued(jobs);
	struct effects effects = { 0 };
	clock_t since;

	core_free(rig->core);
	rig->core = core_new(&rig->config);
	since = clock();
	core_load(rig->core, &rows, rig->now, &effects);
	*ret_load_s = seconds(since);
	effects_clear(&effects);
	return rig;
}

START_TEST(a_hundred_thousand_jobs_are_loaded_in_a_second)
{
	double load_s;

	rig_free(rig_of_queue(LONG_QUEUE, &load_s));
	ck_assert_double_lt(load_s, 2.0 * SLOWER);
}
END_TEST

START_TEST(an_event_costs_the_same_whatever_waits)
{
	double load_s, short_s, long_s;
	struct rig *rig = rig_of_queue(SHORT_QUEUE, &load_s);

	short_s = work_off(rig);
	rig_free(rig);
	rig = rig_of_queue(LONG_QUEUE, &load_s);
	long_s = work_off(rig);
	rig_free(rig);
	ck_assert_msg(long_s < short_s * 3 + 0.1, "%.3f s with %d waiting, %.3f s with %d", long_s, LONG_QUEUE, short_s, SHORT_QUEUE);
}
END_TEST

START_TEST(a_long_queue_is_worked_off_without_growing_slower)
{
	double load_s;
	struct rig *rig = rig_of_queue(LONG_QUEUE, &load_s);
	clock_t since;

	rig->is_unchecked = true;
	rig_listen(rig);
	rig_hello(rig, 1, "w1", "linux/amd64", 8);
	since = clock();
	for (int i = 0; i < EVENTS; i++)
		rig_succeed(rig, 1, i + 1);
	ck_assert_uint_eq(rig->tables[ROW_ATTEMPT].count, EVENTS + 8);
	ck_assert_double_lt(seconds(since), 1.0 * SLOWER);
	rig_free(rig);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("load");
	TCase *tc = tcase_create("load");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 600);
	tcase_add_test(tc, a_hundred_thousand_jobs_are_loaded_in_a_second);
	tcase_add_test(tc, an_event_costs_the_same_whatever_waits);
	tcase_add_test(tc, a_long_queue_is_worked_off_without_growing_slower);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
