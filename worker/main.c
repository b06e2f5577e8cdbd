/* SPDX-License-Identifier: Apache-2.0 */
/* manifold-worker: settings, signals, and the agent in between. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/config.h"
#include "common/http/http.h"
#include "common/log.h"
#include "common/mem.h"
#include "worker/agent.h"

#define SLOTS_MAX 32
#define EXIT_USAGE 2

struct settings {
	char *coordinator, *token_file, *ca_file, *name, *state_dir;
	char *platforms, *engine, *isolation, *runtime, *log_level;
	int64_t slots, disk_free_min;
};

#define AT(member) offsetof(struct settings, member)

static const struct setting table[] = {
	{ "coordinator", SETTING_TEXT, AT(coordinator), "ws://127.0.0.1:7481", 0, 0,
	  "where to dial: ws://HOST:PORT (loopback) or wss://HOST:PORT" },
	{ "token-file", SETTING_TEXT, AT(token_file), NULL, 0, 0, "file with a token of scope worker" },
	{ "ca-file", SETTING_TEXT, AT(ca_file), NULL, 0, 0, "certificates to trust, PEM; else the system's" },
	{ "name", SETTING_TEXT, AT(name), NULL, 0, 0, "what this worker is called; else the host's name" },
	{ "state-dir", SETTING_TEXT, AT(state_dir), "/var/lib/manifold-worker", 0, 0, "attempts, contexts, layers" },
	{ "slots", SETTING_INT, AT(slots), "1", 1, SLOTS_MAX, "jobs at the same time" },
	{ "platforms", SETTING_TEXT, AT(platforms), NULL, 0, 0, "offer only these, comma-separated; else all native ones" },
	{ "engine", SETTING_TEXT, AT(engine), "auto", 0, 0, "what runs Dockerfiles: auto, buildah" },
	{ "isolation", SETTING_TEXT, AT(isolation), "auto", 0, 0, "of RUN steps: auto, chroot, oci" },
	{ "runtime", SETTING_TEXT, AT(runtime), "runc", 0, 0, "with isolation oci" },
	{ "disk-free-min", SETTING_BYTES, AT(disk_free_min), "1GiB", 0, 0, "with less free no offer is taken" },
	{ "log-level", SETTING_TEXT, AT(log_level), "info", 0, 0, "error, warn, info, debug" },
};

static const struct config_program program = {
	.name = "manifold-worker",
	.usage = "manifold-worker --coordinator URL --token-file FILE [SETTING...]\n       manifold-worker facts",
	.summary = "Builds container images for the platforms that this host's own CPU executes. With the word facts it "
		   "prints what this host is and what proves it.",
	.default_file = "/etc/manifold/worker.conf",
	.settings = table,
	.count = sizeof(table) / sizeof(table[0]),
	.has_arguments = true,
};

static int fail(const char *what, const struct error *err)
{
	fprintf(stderr, "manifold-worker: %s%s%s\n", what, *what ? ": " : "", err->msg);
	return EXIT_FAILURE;
}

static int take_facts(struct facts *ret_facts, struct error *err, void *arg)
{
	const struct settings *settings = arg;
	const char *scratch_dir = access(settings->state_dir, W_OK) == 0 ? settings->state_dir : "/tmp";
	struct facts facts;

	if (facts_take(scratch_dir, &facts, err) < 0)
		return -1;
	if (settings->platforms && facts.is_native && facts_narrow(&facts, settings->platforms, err) < 0)
		return error_wrap(err, "platforms");
	*ret_facts = facts;
	return 0;
}

static int print_facts(struct settings *settings)
{
	struct facts facts;
	struct error err;

	if (take_facts(&facts, &err, settings) < 0)
		return fail("this host cannot be examined", &err);
	printf("kernel     %s\ncpu        %s\n", facts.kernel_arch, facts.cpu);
	for (size_t i = 0; i < facts.platform_count; i++) {
		char text[PLATFORM_TEXT_MAX];

		platform_format(&facts.platforms[i], text);
		printf("%s %s\n", i == 0 ? "platforms " : "          ", text);
	}
	printf("proof      %s\nnative     %s\n", facts.proof, facts.is_native ? "yes" : "no");
	if (!facts.is_native)
		printf("because    %s\nremedy     %s\n", facts.refused_because, facts.remedy);
	return facts.is_native ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* A name may hold letters, digits, dot, dash and underscore. */
static int check_name(struct settings *settings, struct error *err)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	char host[256] = "";

	if (!settings->name) {
		gethostname(host, sizeof(host) - 1);
		settings->name = mem_strndup(host, 63);
	}
	if (!*settings->name || strlen(settings->name) > 63 || settings->name[strspn(settings->name, plain)])
		return error_set(err, ERR_INVALID, "name \"%.100s\": 1 to 63 letters, digits, dots, dashes or underscores",
				 settings->name);
	return 0;
}

static int check_settings(struct settings *settings, struct error *err)
{
	static const char *const levels[] = { "error", "warn", "info", "debug" };
	size_t level = 0;

	while (level < 4 && strcmp(settings->log_level, levels[level]) != 0)
		level++;
	if (level == 4)
		return error_set(err, ERR_INVALID, "log-level \"%.100s\": error, warn, info or debug", settings->log_level);
	log_set_level((enum log_level)level);
	if (!settings->token_file)
		return error_set(err, ERR_INVALID, "--token-file FILE is missing: a file with a token of scope worker");
	return check_name(settings, err);
}

/* One worker per state folder: two would take each other's attempts for remains of an earlier life. */
static int lock_state(const char *dir, int *ret_fd, struct error *err)
{
	char path[4096];
	int fd;

	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return error_set(err, ERR_IO, "state-dir %s: %s", dir, strerror(errno));
	if ((size_t)snprintf(path, sizeof(path), "%s/lock", dir) >= sizeof(path))
		return error_set(err, ERR_INVALID, "state-dir: the path is too long");
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return error_set(err, ERR_IO, "%s: %s", path, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		close(fd);
		return error_set(err, ERR_CONFLICT, "state-dir %s is used by another worker; give each its own", dir);
	}
	*ret_fd = fd;
	return 0;
}

/* A handler and not a blocked signal: engines would inherit the mask. */
static int signal_pipe[2] = { -1, -1 };
static volatile sig_atomic_t signal_count;

static void on_signal(int number)
{
	int saved = errno;
	ssize_t n = write(signal_pipe[1], "", 1);

	(void)number;
	(void)n;
	/* Whoever asks twice does not want to wait; processes of jobs end with us in any case. */
	if (signal_count++ > 0)
		_exit(EXIT_FAILURE);
	errno = saved;
}

static void *wait_for_signal(void *arg)
{
	char byte;
	ssize_t n;

	do {
		n = read(signal_pipe[0], &byte, 1);
	} while (n < 0 && errno == EINTR);
	if (n == 1)
		agent_stop(arg);
	return NULL;
}

static int run_agent(struct agent *agent)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	pthread_t thread;

	if (pipe2(signal_pipe, O_CLOEXEC) < 0 || pthread_create(&thread, NULL, wait_for_signal, agent) != 0)
		return EXIT_FAILURE;
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	agent_run(agent);
	action.sa_handler = SIG_IGN;
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	close(signal_pipe[1]);
	pthread_join(thread, NULL);
	close(signal_pipe[0]);
	return EXIT_SUCCESS;
}

static const struct agent_world world_functions = {
	.job_start = job_start, .job_cancel = job_cancel, .job_free = job_free, .clean_orphans = job_clean_orphans,
	.take_facts = take_facts,
};

static int run_with(struct settings *settings, const struct engine *engine)
{
	struct agent_world world = world_functions;
	const struct agent_settings agent_settings = {
		.coordinator = settings->coordinator, .token_file = settings->token_file, .ca_file = settings->ca_file,
		.name = settings->name, .state_dir = settings->state_dir, .engine = engine,
		.engine_text = engine->text, .slots = (int)settings->slots,
		.disk_free_min_bytes = settings->disk_free_min, .world = &world,
	};
	struct agent *agent;
	struct error err;
	int rc;

	world.arg = settings;
	if (agent_new(&agent_settings, &agent, &err) < 0)
		return fail("", &err);
	LOG(LOG_INFO, "worker.started", KV("name", settings->name), KV("engine", engine->text),
	    KV("slots", settings->slots), KV("coordinator", settings->coordinator));
	rc = run_agent(agent);
	agent_free(agent);
	LOG(LOG_INFO, "worker.stopped", KV("name", settings->name));
	return rc;
}

static int run(struct settings *settings)
{
	const struct engine_settings engine_settings = {
		.name = settings->engine, .isolation = settings->isolation, .runtime = settings->runtime,
		.state_dir = settings->state_dir,
	};
	struct engine *engine;
	struct error err;
	int lock = -1, rc;

	if (check_settings(settings, &err) < 0) {
		fail("", &err);
		return EXIT_USAGE;
	}
	if (lock_state(settings->state_dir, &lock, &err) < 0)
		return fail("", &err);
	if (engine_open(&engine_settings, &engine, &err) < 0) {
		close(lock);
		return fail("engine", &err);
	}
	http_global_init();
	rc = run_with(settings, engine);
	engine_close(engine);
	close(lock);
	return rc;
}

int main(int argc, char **argv)
{
	struct settings settings = { 0 };
	struct error err;
	int rest, rc;

	rc = config_load(&program, &settings, argc, argv, &rest, &err);
	if (rc == CONFIG_DONE)
		return EXIT_SUCCESS;
	if (rc < 0) {
		fail("", &err);
		return EXIT_USAGE;
	}
	if (rest == 1 && strcmp(argv[1], "facts") == 0) {
		rc = print_facts(&settings);
	} else if (rest > 0) {
		fprintf(stderr, "manifold-worker: \"%s\" is not a command; the only one is facts\n", argv[1]);
		rc = EXIT_USAGE;
	} else {
		rc = run(&settings);
	}
	config_clear(&program, &settings);
	return rc;
}
