/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/job_failure.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define EXIT_ENGINE 125 /* buildah's for all errors of its own; a RUN that fails gives the RUN's own */
#define ERROR_MAX 400

/* What buildah and the libraries below it say when the host, the network or a registry is at fault. */
static const char *const infra_words[] = {
	"no space left on device", "disk quota exceeded", "connection refused", "connection reset", "i/o timeout",
	"TLS handshake timeout", "no such host", "server misbehaving", "Temporary failure in name resolution",
	"network is unreachable", "no route to host", "unexpected EOF", "context deadline exceeded",
	"HTTP status: 5", "500 Internal Server Error", "502 Bad Gateway", "503 Service Unavailable",
	"504 Gateway", "429", "toomanyrequests", "cannot allocate memory", "too many open files",
	"resource temporarily unavailable", "input/output error", "read-only file system", "database is locked",
	"panic: ", "fatal error: ",
};

/* The last line that begins with "Error: ", without that; "" when there is none. */
static void error_line(const char *tail, char line[ERROR_MAX])
{
	line[0] = '\0';
	for (const char *at = tail; *at; at += strcspn(at, "\n"), at += *at == '\n') {
		size_t len = strcspn(at, "\n");

		if (strncmp(at, "Error: ", 7) == 0)
			snprintf(line, ERROR_MAX, "%.*s", (int)(len - 7), at + 7);
	}
}

/* building at STEP "RUN make": ...; the step's own words may hold quotes, so its end is the last `": `. */
static bool step_of_error(const char *line, char *step, size_t size)
{
	static const char begin[] = "building at STEP \"";
	const char *start = strstr(line, begin), *end = NULL;

	if (!start)
		return false;
	start += sizeof(begin) - 1;
	for (const char *at = strstr(start, "\": "); at; at = strstr(at + 1, "\": "))
		end = at;
	snprintf(step, size, "%.*s", (int)(end ? end - start : (long)strlen(start)), start);
	return true;
}

static bool has_infra_word(const char *text)
{
	for (size_t i = 0; i < sizeof(infra_words) / sizeof(infra_words[0]); i++) {
		if (strcasestr(text, infra_words[i]))
			return true;
	}
	return false;
}

static void run_failed(const struct failure_facts *facts, struct wire_result *result)
{
	const char *what = facts->label[0] ? facts->label : result->failed_step[0] ? result->failed_step : "the build";
	bool is_killed = facts->result->exit_code == 128 + SIGKILL;

	if (facts->result->is_out_of_memory) {
		result->failure = CLASS_INFRA;
		snprintf(result->reason, sizeof(result->reason), "%.300s: the kernel killed a process of it for want of memory", what);
		return;
	}
	if (facts->is_disk_full && strcasestr(facts->tail, "no space left on device")) {
		result->failure = CLASS_INFRA;
		snprintf(result->reason, sizeof(result->reason), "%.300s failed: the worker's disk is full", what);
		return;
	}
	result->failure = CLASS_BUILD;
	snprintf(result->reason, sizeof(result->reason), "%.300s failed with exit status %d%s", what, facts->result->exit_code,
		 is_killed ? " (killed by SIGKILL)" : "");
}

static void engine_failed(const struct failure_facts *facts, const char *line, struct wire_result *result)
{
	const char *what = line[0] ? line : facts->tail;
	size_t len = strlen(what);

	/* Without an error line: the end of what it said. */
	what = len > ERROR_MAX ? what + len - ERROR_MAX : what;
	result->failure = has_infra_word(what) || facts->result->is_out_of_memory ? CLASS_INFRA : CLASS_BUILD;
	if (strcasestr(what, "unauthorized") || strcasestr(what, "authentication required") ||
	    strcasestr(what, "access to the resource is denied"))
		result->failure = CLASS_POLICY;
	snprintf(result->reason, sizeof(result->reason), "the engine failed: %s", what);
}

void job_failure_classify(const struct failure_facts *facts, struct wire_result *result)
{
	const struct engine_result *end = facts->result;
	char line[ERROR_MAX];
	bool is_step;

	error_line(facts->tail, line);
	is_step = step_of_error(line, result->failed_step, sizeof(result->failed_step));
	if (!is_step && facts->label[0])
		snprintf(result->failed_step, sizeof(result->failed_step), "%.255s", facts->label);
	result->exit_code = end->exit_code;
	if (end->is_timeout) {
		result->failure = CLASS_TIMEOUT;
		snprintf(result->reason, sizeof(result->reason), "not done after %d s%s%.300s", facts->timeout_s,
			 facts->label[0] ? ", at " : "", facts->label);
	} else if (end->term_signal) {
		result->failure = CLASS_INFRA;
		snprintf(result->reason, sizeof(result->reason), "the engine was killed by signal %d%s", end->term_signal,
			 end->is_out_of_memory ? " for want of memory" : "");
	} else if (is_step && strstr(line, "exit status ")) {
		run_failed(facts, result);
	} else if (end->exit_code != EXIT_ENGINE && !has_infra_word(line) && !strstr(facts->tail, "goroutine ")) {
		run_failed(facts, result);
	} else {
		engine_failed(facts, line, result);
	}
}

enum failure_class job_failure_of_error(const struct error *err)
{
	switch (err->code) {
	case ERR_DENIED:
	case ERR_NOT_FOUND:
		return CLASS_POLICY;
	default:
		return CLASS_INFRA;
	}
}
