/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/follow.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "cli/log_stream.h"
#include "common/mem.h"

#define POLL_MS 500          /* while jobs run: the end of a log or a signal ends the pause */
#define POLL_FAST_MS 20      /* while it publishes, which takes no longer than that ... */
#define FAST_LOOKS_MAX 100   /* ... or a slow registry makes it take */
#define AWAY_MAX_S 300       /* so long a coordinator may be away */

static atomic_int interrupts;
static int wake_fd = -1;     /* an eventfd: readable when something happened */

struct follow {
	struct client *client;
	const struct follow_options *options;
	int64_t build;
	struct log_stream *streams[SPEC_PLATFORMS_MAX];
	char waiting[SPEC_PLATFORMS_MAX][512]; /* last said, per stream */
	size_t stream_count;
	int fast_looks;
	pthread_mutex_t out_lock;
};

static void wake(void)
{
	(void)!eventfd_write(wake_fd, 1);
}

static void on_interrupt(int sig)
{
	(void)sig;
	atomic_fetch_add(&interrupts, 1);
	wake();
}

static void on_stream_end(void *arg)
{
	(void)arg;
	wake();
}

static void pause_ms(int ms)
{
	struct pollfd woken = { .fd = wake_fd, .events = POLLIN };
	eventfd_t count;

	if (poll(&woken, 1, ms) > 0)
		(void)!eventfd_read(wake_fd, &count);
}

static const char *text_of(const json_t *obj, const char *key)
{
	const char *text = json_string_value(json_object_get(obj, key));

	return text ? text : "";
}

static void follow_say(struct follow *follow, const char *platform, const char *text)
{
	pthread_mutex_lock(&follow->out_lock);
	if (*platform)
		fprintf(follow->options->out, "[%s] %s\n", platform, text);
	else
		fprintf(follow->options->out, "%s\n", text);
	fflush(follow->options->out);
	pthread_mutex_unlock(&follow->out_lock);
}

static bool is_wanted(const struct follow *follow, const json_t *job)
{
	return !follow->options->platform || strcmp(follow->options->platform, text_of(job, "platform")) == 0;
}

/* One stream per job, in the order of the build's jobs, begun at the first look. */
static void follow_start_streams(struct follow *follow, const json_t *jobs)
{
	size_t i;
	json_t *job;

	if (follow->stream_count)
		return;
	json_array_foreach(jobs, i, job) {
		struct log_stream_config config = {
			.job = json_integer_value(json_object_get(job, "id")),
			.platform = text_of(job, "platform"),
			.out = follow->options->out, .out_lock = &follow->out_lock, .on_end = on_stream_end,
		};

		if (follow->stream_count < SPEC_PLATFORMS_MAX && is_wanted(follow, job))
			follow->streams[follow->stream_count++] = log_stream_start(follow->client, &config);
	}
}

/* Says what a queued job waits for when that is new. */
static void follow_say_waiting(struct follow *follow, const json_t *jobs)
{
	size_t i;
	json_t *job;

	json_array_foreach(jobs, i, job) {
		bool is_queued = strcmp(text_of(job, "state"), "queued") == 0; /* an offer is answered soon */
		const char *waiting = is_queued ? text_of(job, "waiting_for") : "";
		char line[600];

		if (i >= SPEC_PLATFORMS_MAX || strcmp(waiting, follow->waiting[i]) == 0)
			continue;
		snprintf(follow->waiting[i], sizeof(follow->waiting[i]), "%s", waiting);
		snprintf(line, sizeof(line), "%s: the job waits", waiting);
		if (*waiting && is_wanted(follow, job))
			follow_say(follow, text_of(job, "platform"), line);
	}
}

static bool jobs_are_final(const json_t *jobs)
{
	size_t i;
	json_t *job;

	json_array_foreach(jobs, i, job) {
		const char *state = text_of(job, "state");

		if (strcmp(state, "succeeded") != 0 && strcmp(state, "failed") != 0 && strcmp(state, "cancelled") != 0)
			return false;
	}
	return true;
}

static bool build_is_final(const json_t *build)
{
	const char *state = text_of(build, "state");

	return strcmp(state, "succeeded") == 0 || strcmp(state, "failed") == 0 || strcmp(state, "cancelled") == 0;
}

/* Reads the build; a coordinator that does not answer is asked again for a while. */
static int follow_look(struct follow *follow, json_t **ret_build, struct error *err)
{
	char path[64];
	time_t since = 0;

	snprintf(path, sizeof(path), "/v1/builds/%lld", (long long)follow->build);
	while (client_get(follow->client, path, ret_build, err) < 0) {
		if (err->code != ERR_UNAVAILABLE || (since && time(NULL) - since > AWAY_MAX_S) ||
		    atomic_load(&interrupts) > 1)
			return -1;
		if (!since) {
			since = time(NULL);
			follow_say(follow, "", "manifold: the coordinator cannot be reached; waiting for it");
		}
		pause_ms(500);
	}
	if (since)
		follow_say(follow, "", "manifold: the coordinator is back");
	return 0;
}

static void follow_cancel(struct follow *follow)
{
	json_t *answer = NULL;
	struct error err;
	char path[64];

	follow_say(follow, "", "manifold: interrupted; cancelling the build and waiting until nothing of it runs "
			       "(Ctrl-C again: do not wait)");
	snprintf(path, sizeof(path), "/v1/builds/%lld/cancel", (long long)follow->build);
	if (client_post(follow->client, path, "{}", &answer, &err) < 0)
		follow_say(follow, "", err.msg);
	json_decref(answer);
}

/* Until the next look: short when only the publish is left, and has not lasted long. */
static int follow_pause_ms(struct follow *follow, const json_t *jobs)
{
	if (!jobs_are_final(jobs) && !log_streams_ended(follow->streams, follow->stream_count))
		return POLL_MS;
	return follow->fast_looks++ < FAST_LOOKS_MAX ? POLL_FAST_MS : POLL_MS;
}

/* Until the build is final; FOLLOW_INTERRUPTED leaves *ret_build NULL when it is not. */
static int follow_loop(struct follow *follow, json_t **ret_build, struct error *err)
{
	bool is_cancelled = false;

	for (;;) {
		json_t *build = NULL;
		json_t *jobs;

		if (follow_look(follow, &build, err) < 0)
			return -1;
		jobs = json_object_get(build, "jobs");
		follow_start_streams(follow, jobs);
		follow_say_waiting(follow, jobs);
		if (build_is_final(build)) {
			*ret_build = build;
			return 0;
		}
		if (atomic_load(&interrupts) > (follow->options->is_cancelling_on_interrupt ? 1 : 0)) {
			json_decref(build);
			return FOLLOW_INTERRUPTED;
		}
		if (atomic_load(&interrupts) && !is_cancelled) {
			is_cancelled = true;
			follow_cancel(follow);
		}
		pause_ms(follow_pause_ms(follow, jobs));
		json_decref(build);
	}
}

/* All bytes of logs that have an end are printed; streams of a build left alone are cut. */
static void follow_end_streams(struct follow *follow, bool is_cut)
{
	for (size_t i = 0; i < follow->stream_count; i++)
		log_stream_join(follow->streams[i], is_cut);
}

int follow_build(struct client *client, int64_t build, const struct follow_options *options, json_t **ret_build,
		 struct error *err)
{
	struct follow follow = { .client = client, .options = options, .build = build };
	struct sigaction action = { .sa_handler = on_interrupt }, before_int, before_term;
	json_t *final = NULL;
	int rc;

	wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (wake_fd < 0)
		return error_set(err, ERR_IO, "no eventfd: %s", strerror(errno));
	pthread_mutex_init(&follow.out_lock, NULL);
	sigaction(SIGINT, &action, &before_int);
	sigaction(SIGTERM, &action, &before_term);
	rc = follow_loop(&follow, &final, err);
	follow_end_streams(&follow, rc != 0);
	sigaction(SIGINT, &before_int, NULL);
	sigaction(SIGTERM, &before_term, NULL);
	pthread_mutex_destroy(&follow.out_lock);
	close(wake_fd);
	if (rc < 0)
		return -1;
	*ret_build = final;
	return atomic_load(&interrupts) ? FOLLOW_INTERRUPTED : 0;
}
