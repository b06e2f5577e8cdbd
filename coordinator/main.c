/* SPDX-License-Identifier: Apache-2.0 */
/* The coordinator: settings, then one part after the other, then the hub until a signal comes. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/config.h"
#include "common/http/http.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/oci/auth.h"
#include "coordinator/front/front.h"
#include "coordinator/hub.h"
#include "coordinator/logs/logs.h"
#include "coordinator/publish/publish_pool.h"
#include "coordinator/sessions/sessions.h"
#include "coordinator/store/store.h"
#include "coordinator/store/writer.h"

struct settings {
	char *data_dir, *listen, *worker_listen, *front_url, *registry_auth, *ca_file, *log_level;
	char *create_token, *scope;
	int64_t lease_s, restart_lease_s, beat_s, offer_timeout_s, attempts, backoff_s, run_timeout_s;
	int64_t context_max, log_window, ballast, connections, sessions, idle_timeout_s, request_timeout_s;
};

#define AT(member) offsetof(struct settings, member)

static const struct setting table[] = {
	{ "data-dir", SETTING_TEXT, AT(data_dir), "/var/lib/manifold", 0, 0, "database, logs and contexts live here" },
	{ "listen", SETTING_TEXT, AT(listen), "127.0.0.1:7480", 0, 0, "address of the REST API" },
	{ "worker-listen", SETTING_TEXT, AT(worker_listen), "127.0.0.1:7481", 0, 0, "address workers dial (WebSocket)" },
	{ "front-url", SETTING_TEXT, AT(front_url), NULL, 0, 0, "URL under which workers reach the REST API; from listen when unset" },
	{ "registry-auth", SETTING_TEXT, AT(registry_auth), NULL, 0, 0, "registry credentials, a docker config.json" },
	{ "ca-file", SETTING_TEXT, AT(ca_file), NULL, 0, 0, "CA certificates of registries; the system's when unset" },
	{ "log-level", SETTING_TEXT, AT(log_level), "info", 0, 0, "error, warn, info or debug" },
	{ "create-token", SETTING_TEXT, AT(create_token), NULL, 0, 0, "make a token of this name, print it, exit" },
	{ "scope", SETTING_TEXT, AT(scope), "submit,read", 0, 0, "of --create-token: submit, read, admin, worker" },
	{ "lease", SETTING_SECONDS, AT(lease_s), "30s", 2, 3600, "a worker silent for so long is lost" },
	{ "restart-lease", SETTING_SECONDS, AT(restart_lease_s), "60s", 2, 3600, "workers have so long to come back after a start" },
	{ "beat", SETTING_SECONDS, AT(beat_s), "10s", 1, 600, "workers report so often" },
	{ "offer-timeout", SETTING_SECONDS, AT(offer_timeout_s), "10s", 1, 600, "an offer not answered goes back to the queue" },
	{ "attempts", SETTING_INT, AT(attempts), "3", 1, 100, "tries of a job when workers are lost or infrastructure fails" },
	{ "backoff", SETTING_SECONDS, AT(backoff_s), "2s", 0, 3600, "wait before the second try; doubles" },
	{ "run-timeout", SETTING_SECONDS, AT(run_timeout_s), "2h", 1, 604800, "of one attempt" },
	{ "context-max", SETTING_BYTES, AT(context_max), "8MiB", 1024, 64 << 20, "of one build context" },
	{ "log-window", SETTING_BYTES, AT(log_window), "4MiB", 65536, 1 << 30, "log bytes an attempt may be ahead of the disk" },
	{ "ballast", SETTING_BYTES, AT(ballast), "16MiB", 0, 1LL << 40, "kept free for the database when the disk is full" },
	{ "connections", SETTING_INT, AT(connections), "1024", 8, 100000, "REST connections at once" },
	{ "sessions", SETTING_INT, AT(sessions), "4096", 1, 100000, "workers at once" },
	{ "idle-timeout", SETTING_SECONDS, AT(idle_timeout_s), "60s", 1, 3600, "a silent REST connection is closed" },
	{ "request-timeout", SETTING_SECONDS, AT(request_timeout_s), "60s", 1, 3600, "a request must be in whole within" },
};

static const struct config_program program = {
	.name = "manifold-coordinator",
	.usage = "manifold-coordinator [--data-dir DIR] [--listen ADDRESS:PORT] [--worker-listen ADDRESS:PORT] ...\n"
		 "       manifold-coordinator --data-dir DIR --create-token NAME [--scope submit,read]",
	.summary = "Keeps the queue of builds, gives each platform's job to a worker of that platform, assembles "
		   "the index and moves the tags.",
	.default_file = "/etc/manifold/coordinator.conf",
	.settings = table,
	.count = sizeof(table) / sizeof(table[0]),
};

/* Everything that runs; stopped in the reverse order of its start. */
struct coordinator {
	struct settings settings;
	struct store *store;
	struct auth *auth;
	struct hub *hub;
	struct logs *logs;
	struct front *front;
	struct sessions *sessions;
	struct publish_pool *publish_pool;
	struct writer *writer;
	int lock_fd; /* held until the process ends */
	pthread_mutex_t starting; /* held while all->sessions is being set */
	sigset_t signals;
};

static void on_event(struct core_event *event, void *arg)
{
	struct coordinator *all = arg;

	hub_post(all->hub, event);
}

static void on_publish_outcome(const struct publish_outcome *outcome, void *arg)
{
	struct coordinator *all = arg;
	struct core_event *event = mem_alloc(sizeof(*event));

	event->type = EVENT_PUBLISH_STEP;
	event->publish_step = *outcome;
	hub_post(all->hub, event);
}

static int credential_of(const char *host, const char *path, struct credential *ret_credential, struct error *err,
			 void *arg)
{
	const struct coordinator *all = arg;

	return all->auth ? auth_find(all->auth, host, path, ret_credential, err) : 1;
}

/* A session may ask for credit before its start has returned to us. */
static void on_log_durable(int64_t attempt, int64_t durable_bytes, void *arg)
{
	struct coordinator *all = arg;

	pthread_mutex_lock(&all->starting);
	pthread_mutex_unlock(&all->starting);
	sessions_log_durable(all->sessions, attempt, durable_bytes);
	front_log_grew(all->front, attempt, durable_bytes);
}

static void on_durable(struct batch *batch, void *arg)
{
	struct coordinator *all = arg;

	hub_on_durable(batch, all->hub);
}

/* The process ends when this returns: what was told is on disk, and the next start goes on from there. */
static void on_failed(const struct error *err, void *arg)
{
	struct coordinator *all = arg;

	LOG(LOG_ERROR, "database.failed", KV("dir", all->settings.data_dir), KV("why", err->msg));
}

static void on_full(bool is_full, void *arg)
{
	struct coordinator *all = arg;

	LOG(is_full ? LOG_ERROR : LOG_WARN, is_full ? "disk.full" : "disk.free_again",
	    KV("dir", all->settings.data_dir));
	front_set_full(all->front, is_full);
}

static void *wait_for_signal(void *arg)
{
	struct coordinator *all = arg;
	int sig = 0;

	sigwait(&all->signals, &sig);
	LOG(LOG_INFO, "coordinator.stopping", KV("signal", sig));
	hub_stop(all->hub);
	return NULL;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int create_token(struct coordinator *all, struct error *err)
{
	char text[64];
	struct token_grant grant = { .name = all->settings.create_token, .project = 1, .now_ms = now_ms() };

	if (scopes_parse(all->settings.scope, &grant.scopes, err) < 0 ||
	    store_create_token(all->store, &grant, text, err) < 0)
		return -1;
	puts(text);
	return 0;
}

static int start_threads(struct coordinator *all, struct error *err)
{
	const struct settings *s = &all->settings;
	struct front_config front = {
		.dir = s->data_dir, .listen = s->listen, .context_max_bytes = s->context_max,
		.connections_max = (int)s->connections, .idle_timeout_s = (int)s->idle_timeout_s,
		.request_timeout_s = (int)s->request_timeout_s, .on_event = on_event, .arg = all,
	};
	struct publish_pool_options publish = {
		.events = { .credential = credential_of, .on_outcome = on_publish_outcome, .arg = all },
		.ca_file = s->ca_file,
	};
	struct writer_ports writer = {
		.on_durable = on_durable, .on_full = on_full, .on_failed = on_failed, .arg = all,
	};

	if (front_start(&front, &all->front, err) < 0 ||
	    logs_start(s->data_dir, on_log_durable, all, &all->logs, err) < 0 ||
	    publish_pool_start(&publish, &all->publish_pool, err) < 0 ||
	    writer_start(s->data_dir, s->ballast, &writer, &all->writer, err) < 0)
		return -1;
	return 0;
}

static int start_sessions(struct coordinator *all, struct error *err)
{
	const struct settings *s = &all->settings;
	struct sessions_config config = {
		.dir = s->data_dir, .listen = s->worker_listen, .log_window_bytes = s->log_window,
		.sessions_max = (int)s->sessions, .logs = all->logs, .on_event = on_event, .arg = all,
	};

	int rc;

	pthread_mutex_lock(&all->starting);
	rc = sessions_start(&config, &all->sessions, err);
	pthread_mutex_unlock(&all->starting);
	return rc;
}

static void core_configure(const struct coordinator *all, struct core_config *config)
{
	const struct settings *s = &all->settings;
	const char *colon = strrchr(s->listen, ':');
	int host = colon ? (int)(colon - s->listen) : (int)strlen(s->listen);

	*config = (struct core_config){
		.attempts_max = (int)s->attempts, .lease_ms = s->lease_s * 1000,
		.restart_lease_ms = s->restart_lease_s * 1000, .offer_timeout_ms = s->offer_timeout_s * 1000,
		.backoff_ms = s->backoff_s * 1000, .publish_backoff_ms = 1000, .publish_tries_max = 6,
		.run_timeout_s = (int)s->run_timeout_s, .seed = (uint64_t)now_ms() ^ (uint64_t)getpid() << 32,
	};
	config->welcome = (struct wire_welcome){
		.beat_interval_s = (int)s->beat_s, .lease_s = (int)s->lease_s, .log_window_bytes = s->log_window,
	};
	if (s->front_url)
		snprintf(config->welcome.front_url, sizeof(config->welcome.front_url), "%s", s->front_url);
	else
		snprintf(config->welcome.front_url, sizeof(config->welcome.front_url), "http://%.*s:%d", host,
			 s->listen, front_port(all->front));
}

/* Rows are read before anyone can change them: the sessions start last. */
static int run(struct coordinator *all, struct error *err)
{
	CLEANUP(rows_clear) struct rows rows = { 0 };
	struct core_config config;
	pthread_t signal_thread;

	all->hub = hub_new();
	if (start_threads(all, err) < 0 || store_load(all->store, &rows, err) < 0 || start_sessions(all, err) < 0)
		return -1;
	core_configure(all, &config);
	if (pthread_create(&signal_thread, NULL, wait_for_signal, all) != 0)
		return error_set(err, ERR_NO_MEMORY, "cannot start a thread");

	LOG(LOG_INFO, "coordinator.ready", KV("data_dir", all->settings.data_dir),
	    KV("port", front_port(all->front)), KV("worker_port", sessions_port(all->sessions)),
	    KV("open_builds", (long long)rows.build_count));
	front_set_ready(all->front, true);
	hub_run(all->hub, &config,
		&(struct hub_parts){ all->front, all->sessions, all->publish_pool, all->auth, all->writer }, &rows);
	front_set_ready(all->front, false);
	pthread_join(signal_thread, NULL);
	return 0;
}

/*
 * First whoever brings events, then the writer before those it tells: what was accepted is on disk when it
 * has stopped. Telling a session that has ended goes nowhere; its worker comes back and hears it then.
 */
static void coordinator_stop(struct coordinator *all)
{
	sessions_stop(all->sessions);
	writer_stop(all->writer);
	publish_pool_stop(all->publish_pool);
	logs_stop(all->logs);
	sessions_free(all->sessions);
	front_stop(all->front);
	hub_free(all->hub);
	auth_free(all->auth);
	store_close(all->store);
}

static int coordinator_start(struct coordinator *all, struct error *err)
{
	const struct settings *s = &all->settings;

	if (mkdir(s->data_dir, 0700) < 0 && errno != EEXIST)
		return error_set(err, ERR_IO, "make %s: %s; give another with --data-dir", s->data_dir, strerror(errno));
	if (!s->create_token && store_lock_dir(s->data_dir, &all->lock_fd, err) < 0)
		return -1;
	if (store_open(s->data_dir, &all->store, err) < 0)
		return -1;
	if (s->create_token)
		return create_token(all, err);
	if (s->registry_auth && auth_load(s->registry_auth, &all->auth, err) < 0)
		return -1;
	return run(all, err);
}

int main(int argc, char **argv)
{
	struct coordinator all = { .starting = PTHREAD_MUTEX_INITIALIZER };
	struct error err;
	int rest, rc;

	rc = config_load(&program, &all.settings, argc, argv, &rest, &err);
	if (rc == CONFIG_DONE)
		return 0;
	if (rc < 0 || log_set_level_name(all.settings.log_level, &err) < 0) {
		fprintf(stderr, "manifold-coordinator: %s\n", err.msg);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&all.signals);
	sigaddset(&all.signals, SIGTERM);
	sigaddset(&all.signals, SIGINT);
	pthread_sigmask(SIG_BLOCK, &all.signals, NULL);
	http_global_init();

	rc = coordinator_start(&all, &err);
	coordinator_stop(&all);
	if (rc < 0)
		fprintf(stderr, "manifold-coordinator: %s\n", err.msg);
	config_clear(&program, &all.settings);
	return rc < 0 ? 1 : 0;
}
