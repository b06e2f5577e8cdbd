/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "worker/job_failure.h"
#include "worker/job_steps.h"

static const struct {
	struct engine_result end;
	bool is_disk_full;
	const char *tail, *label;
	enum failure_class failure;
	const char *reason, *step;
} cases[] = {
	{ { .exit_code = 2 }, false, "x\nError: building at STEP \"RUN make\": exit status 2\n", "STEP 3/5: RUN make", CLASS_BUILD,
	  "STEP 3/5: RUN make failed with exit status 2", "RUN make" },
	{ { .exit_code = 125 }, false, "Error: building at STEP \"RUN echo \"a\": b\": while running runtime: exit status 125\n", "",
	  CLASS_BUILD, "RUN echo \"a\": b failed with exit status 125", "RUN echo \"a\": b" },
	{ { .exit_code = 125 }, false, "Error: building at STEP \"COPY x /x\": no such file or directory\n", "STEP 2/2: COPY x /x",
	  CLASS_BUILD, "the engine failed: building at STEP \"COPY x /x\": no such file", "COPY x /x" },
	{ { .exit_code = 125 }, false, "Error: creating build container: 127.0.0.1:1/x: connect: connection refused\n", "STEP 1/1: FROM x",
	  CLASS_INFRA, "connection refused", "STEP 1/1: FROM x" },
	{ { .exit_code = 125 }, false, "Error: initializing source: reading manifest 1: manifest unknown\n", "", CLASS_BUILD,
	  "manifest unknown", "" },
	{ { .exit_code = 125 }, false, "Error: received unexpected HTTP status: 503 Service Unavailable\n", "", CLASS_INFRA, "503", "" },
	{ { .exit_code = 125 }, false, "Error: reading manifest: unauthorized: authentication required\n", "", CLASS_POLICY,
	  "unauthorized", "" },
	{ { .exit_code = 125 }, false, "Error: writing layer: no space left on device\n", "", CLASS_INFRA, "no space left", "" },
	/* A RUN may say so of a file system of its own; the worker's disk decides. */
	{ { .exit_code = 1 }, false, "cp: No space left on device\nError: building at STEP \"RUN cp\": exit status 1\n", "", CLASS_BUILD,
	  "exit status 1", "RUN cp" },
	{ { .exit_code = 1 }, true, "cp: No space left on device\nError: building at STEP \"RUN cp\": exit status 1\n", "", CLASS_INFRA,
	  "disk is full", "RUN cp" },
	{ { .exit_code = 137, .is_out_of_memory = true }, false, "Error: building at STEP \"RUN ld\": exit status 137\n", "", CLASS_INFRA,
	  "memory", "RUN ld" },
	{ { .exit_code = 137 }, false, "Error: building at STEP \"RUN ld\": exit status 137\n", "", CLASS_BUILD, "SIGKILL", "RUN ld" },
	{ { .term_signal = SIGKILL }, false, "", "STEP 1/2: FROM x", CLASS_INFRA, "signal 9", "STEP 1/2: FROM x" },
	{ { .exit_code = 2 }, false, "panic: runtime error\n\ngoroutine 1 [running]:\n", "", CLASS_INFRA, "panic", "" },
	{ { .term_signal = SIGKILL, .is_timeout = true }, false, "", "STEP 1/2: RUN x", CLASS_TIMEOUT, "after 60 s, at STEP 1/2: RUN x",
	  "STEP 1/2: RUN x" },
};

START_TEST(whose_fault_it_is_is_told_from_the_end)
{
	struct failure_facts facts = { &cases[_i].end, cases[_i].tail, cases[_i].label, cases[_i].is_disk_full, 60 };
	struct wire_result result = { 0 };

	job_failure_classify(&facts, &result);
	ck_assert_msg(result.failure == cases[_i].failure, "%s: %s", failure_class_name(result.failure), result.reason);
	ck_assert_msg(strstr(result.reason, cases[_i].reason) != NULL, "%s", result.reason);
	ck_assert_str_eq(result.failed_step, cases[_i].step);
}
END_TEST

static int begun, ended, cached;
static struct wire_step last;

static void on_step(const struct wire_step *step, void *arg)
{
	(void)arg;
	begun += step->ended_ms == 0;
	ended += step->ended_ms != 0;
	cached += step->ended_ms != 0 && step->is_cached;
	last = *step;
}

START_TEST(steps_are_seen_however_the_bytes_are_cut)
{
	static const char text[] = "STEP 1/3: FROM scratch\nSTEP 2/3: COPY a /\n--> Using cache 0123\nSTEP 3/3: RUN say STEP 9/9: no\n"
				   "  STEP 4/4: not at the line's beginning\nSTEP 0/0: x\nSTEP x/y: z\nSTEP 1/2\n";

	for (size_t piece = 1; piece < sizeof(text); piece += 7) {
		struct steps steps;

		begun = ended = cached = 0;
		steps_init(&steps, 5, on_step, NULL);
		for (size_t at = 0; at < sizeof(text) - 1; at += piece)
			steps_bytes(&steps, text + at, sizeof(text) - 1 - at < piece ? sizeof(text) - 1 - at : piece);
		ck_assert_int_eq(ended, 2);
		steps_end(&steps);
		ck_assert_int_eq(begun, 3);
		ck_assert_int_eq(ended, 3);
		ck_assert_int_eq(cached, 1);
		ck_assert_str_eq(last.name, "RUN say STEP 9/9: no");
		ck_assert_int_eq(last.n, 3);
		ck_assert_int_eq(last.total, 3);
		ck_assert_str_eq(steps.label, "STEP 3/3: RUN say STEP 9/9: no");
	}
}
END_TEST

START_TEST(steps_of_several_stages_are_numbered_through)
{
	struct steps steps;
	static const char text[] = "[1/2] STEP 1/2: FROM a AS b\n[1/2] STEP 2/2: RUN c\n[2/2] STEP 1/1: FROM b\n";

	steps_init(&steps, 5, on_step, NULL);
	steps_bytes(&steps, text, sizeof(text) - 1);
	ck_assert_int_eq(last.n, 3);
	ck_assert_int_eq(last.total, 0);
	ck_assert_str_eq(last.name, "FROM b");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("job_failure");
	TCase *tc = tcase_create("job_failure");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tc, whose_fault_it_is_is_told_from_the_end, 0, (int)(sizeof(cases) / sizeof(cases[0])));
	tcase_add_test(tc, steps_are_seen_however_the_bytes_are_cut);
	tcase_add_test(tc, steps_of_several_stages_are_numbered_through);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
