/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/build_args.h"
#include "cli/follow.h"
#include "cli/job_view.h"
#include "common/context/context.h"
#include "common/mem.h"

#define TAIL_BYTES 4096
#define TAIL_LINES 12

static void on_warning(const char *text, void *arg)
{
	(void)arg;
	fprintf(stderr, "manifold build: %s\n", text);
}

/* Packs the context into an unnamed file and uploads it when the coordinator does not have it. */
static int send_context(struct client *client, struct build_args *args, struct error *err)
{
	struct context_options options = {
		.dir = args->dir, .dockerfile = args->spec.dockerfile, .on_warning = on_warning,
	};
	struct context_summary summary;
	CLEANUP(file_closep) FILE *file = tmpfile();
	char path[128], size[32];
	int rc;

	if (!file)
		return error_set(err, ERR_IO, "no temporary file for the context; is TMPDIR writable?");
	if (context_pack(&options, fileno(file), &summary, err) < 0)
		return error_wrap(err, "context %s", args->dir);
	snprintf(path, sizeof(path), "/v1/contexts/%s", summary.digest);
	view_size(summary.size_bytes, size, sizeof(size));
	rc = client_head(client, path, err);
	if (rc < 0)
		return -1;
	if (!args->is_quiet)
		fprintf(stderr, "context %.19s, %s, %lld entr%s%s\n", summary.digest, size,
			(long long)summary.entry_count, summary.entry_count == 1 ? "y" : "ies", rc == CLIENT_ABSENT ? ": uploading" : ": known already");
	if (rc == CLIENT_ABSENT && client_put_fd(client, path, fileno(file), summary.size_bytes, err) < 0)
		return error_wrap(err, "upload the context");
	return text_copy(args->spec.context, sizeof(args->spec.context), summary.digest);
}

static int submit(struct client *client, const struct build_args *args, int64_t *ret_build, struct error *err)
{
	CLEANUP(mem_freep) char *body = spec_encode(&args->spec);
	json_t *root = NULL;

	if (client_post(client, "/v1/builds", body, &root, err) < 0)
		return -1;
	*ret_build = view_int(root, "id");
	json_decref(root);
	return 0;
}

/* Of the failed jobs the one that says most: the Dockerfile's fault before the infrastructure's. */
static int status_of(const json_t *build)
{
	const char *state = view_text(build, "state");
	int status = EXIT_INFRASTRUCTURE;
	size_t i;
	json_t *job;

	if (strcmp(state, "succeeded") == 0)
		return EXIT_OK;
	if (strcmp(state, "cancelled") == 0)
		return EXIT_INTERRUPTED;
	json_array_foreach(json_object_get(build, "jobs"), i, job) {
		const char *failure = view_text(job, "failure");

		if (strcmp(failure, "build") == 0 || strcmp(failure, "timeout") == 0)
			return EXIT_BUILD_FAILED;
		if (strcmp(failure, "policy") == 0)
			status = EXIT_REFUSED;
	}
	return status;
}

struct tail {
	char text[TAIL_BYTES + 1];
	size_t len;
};

static int on_tail(const char *data, size_t len, void *arg)
{
	struct tail *tail = arg;

	if (len > TAIL_BYTES - tail->len)
		len = TAIL_BYTES - tail->len;
	memcpy(tail->text + tail->len, data, len);
	tail->len += len;
	return 0;
}

/* The last lines of a job's log; a log that cannot be had is no reason to say less of the rest. */
static void print_tail(struct client *client, int64_t job)
{
	struct tail tail = { .len = 0 };
	struct client_stream stream = { .on_data = on_tail, .arg = &tail };
	struct error err;
	char path[64];
	char *from;
	int lines = 0;

	snprintf(path, sizeof(path), "/v1/jobs/%lld/log?offset=-%d", (long long)job, TAIL_BYTES);
	if (client_stream(client, path, &stream, &err) < 0 || !tail.len)
		return;
	tail.text[tail.len] = '\0';
	if (tail.text[tail.len - 1] == '\n')
		tail.text[tail.len - 1] = '\0';
	for (from = tail.text + strlen(tail.text); from > tail.text && lines < TAIL_LINES; from--)
		lines += from[-1] == '\n';
	fprintf(stderr, "its last lines:\n%s\n", lines == TAIL_LINES ? from + 1 : from);
}

static void print_failures(struct client *client, const json_t *build)
{
	size_t i;
	json_t *item;

	fprintf(stderr, "\nbuild %lld %s: %s\n", (long long)view_int(build, "id"), view_text(build, "state"),
		view_text(build, "reason"));
	json_array_foreach(json_object_get(build, "jobs"), i, item) {
		if (strcmp(view_text(item, "state"), "failed") != 0)
			continue;
		fprintf(stderr, "%s failed on worker %s: %s\n", view_text(item, "platform"), view_text(item, "worker"),
			view_text(item, "reason"));
		print_tail(client, view_int(item, "id"));
	}
	json_array_foreach(json_object_get(build, "tags"), i, item) {
		if (strcmp(view_text(item, "state"), "moved") != 0)
			fprintf(stderr, "tag %s not moved (%s): %s\n", view_text(item, "reference"),
				view_text(item, "state"), view_text(item, "reason"));
	}
}

static void print_success(const json_t *build, bool is_quiet)
{
	size_t i;
	json_t *tag;

	if (is_quiet) {
		printf("%s\n", view_text(build, "index_digest"));
		return;
	}
	printf("build %lld succeeded", (long long)view_int(build, "id"));
	if (*view_text(build, "index_digest"))
		printf(": index %s", view_text(build, "index_digest"));
	putchar('\n');
	json_array_foreach(json_object_get(build, "tags"), i, tag)
		printf("%s %s\n", view_text(tag, "reference"), view_text(tag, "state"));
}

static int follow(struct client *client, int64_t build, const struct build_args *args, json_t **ret_root,
		  struct error *err)
{
	CLEANUP(file_closep) FILE *nowhere = args->is_quiet ? fopen("/dev/null", "we") : NULL;
	struct follow_options options = {
		.out = nowhere ? nowhere : stderr, .is_cancelling_on_interrupt = true,
	};

	return follow_build(client, build, &options, ret_root, err);
}

/* What the final build means for the caller. */
static int conclude(struct client *client, const struct build_args *args, const json_t *root, int rc)
{
	int status = status_of(root);

	if (args->is_json) {
		view_json(root);
	}
	if (status != EXIT_OK)
		print_failures(client, root);
	else if (!args->is_json)
		print_success(root, args->is_quiet);
	return rc == FOLLOW_INTERRUPTED && status != EXIT_OK ? EXIT_INTERRUPTED : status;
}

static int build_with(const struct command *command, struct client *client, struct build_args *args)
{
	struct error err;
	json_t *root = NULL;
	int64_t build;
	int rc;

	if (send_context(client, args, &err) < 0 || submit(client, args, &build, &err) < 0)
		return command_fail(command, &err);
	if (args->is_detached) {
		printf("%lld\n", (long long)build);
		return EXIT_OK;
	}
	if (!args->is_quiet)
		fprintf(stderr, "build %lld accepted\n", (long long)build);
	rc = follow(client, build, args, &root, &err);
	if (rc < 0) {
		fprintf(stderr, "manifold build: build %lld goes on without us: manifold logs -f %lld\n",
			(long long)build, (long long)build);
		return command_fail(command, &err);
	}
	if (!root)
		return EXIT_INTERRUPTED;
	rc = conclude(client, args, root, rc);
	json_decref(root);
	return rc;
}

static int build_run(const struct command *command, int argc, char **argv)
{
	CLEANUP(build_args_clear) struct build_args args = { 0 };
	struct client *client = NULL;
	struct error err;
	int rc = build_args_parse(command, argc, argv, &args);

	if (rc != EXIT_OK)
		return rc;
	if (client_open(&args.client, &client, &err) < 0)
		return command_fail(command, &err);
	rc = build_with(command, client, &args);
	client_close(client);
	return rc;
}

static const struct command build_command = {
	.name = "build",
	.usage = "[-f FILE] -t NAME:TAG --platform P,P [--build-arg K=V] [--no-push] CONTEXT",
	.summary = "builds for each platform on a machine of that platform, publishes under one tag",
	.help = BUILD_ARGS_HELP,
	.run = build_run,
};

const struct command *cmd_build(void)
{
	return &build_command;
}
