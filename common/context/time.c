/* SPDX-License-Identifier: Apache-2.0 */
/* When a context's files were "modified": what makes two checkouts of one commit equal. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/context/context.h"
#include "common/mem.h"

#define OUTPUT_MAX 4096

/* A hook's GIT_DIR would name another repository than the one dir is in. */
static char **environment_without_git(void)
{
	size_t count = 0, kept = 0;
	char **copy;

	while (environ[count])
		count++;
	copy = mem_alloc((count + 1) * sizeof(*copy));
	for (size_t i = 0; i < count; i++) {
		if (strncmp(environ[i], "GIT_", 4) != 0)
			copy[kept++] = environ[i];
	}
	return copy;
}

static int spawn_git(const char *const *argv, int out_fd, pid_t *ret_pid)
{
	CLEANUP(mem_freep) char **env = environment_without_git();
	posix_spawn_file_actions_t actions;
	int rc;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out_fd, 1);
	posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	rc = posix_spawnp(ret_pid, "git", &actions, NULL, (char *const *)(uintptr_t)argv, env);
	posix_spawn_file_actions_destroy(&actions);
	return rc;
}

/* True when it ran and ended with 0; the first bytes of what it said are in out. */
static bool git_says(const char *const *argv, struct buf *out)
{
	int pipe_fds[2], status = 0;
	char piece[OUTPUT_MAX];
	ssize_t got;
	pid_t pid;

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return false;
	if (spawn_git(argv, pipe_fds[1], &pid) != 0) {
		close(pipe_fds[0]);
		close(pipe_fds[1]);
		return false;
	}
	close(pipe_fds[1]);
	while ((got = read(pipe_fds[0], piece, sizeof(piece))) > 0 || (got < 0 && errno == EINTR)) {
		if (got > 0 && out->len < OUTPUT_MAX)
			buf_append(out, piece, (size_t)got);
	}
	close(pipe_fds[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool number_parse(const char *text, int64_t *ret)
{
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > 12 || (text[digits] != '\0' && text[digits] != '\n'))
		return false;
	*ret = strtoll(text, NULL, 10);
	return true;
}

/* The Dockerfile is tracked (else dir may be an ignored folder of some repository) and nothing below dir differs. */
static bool commit_time(const struct context_options *options, int64_t *ret_time_s)
{
#define GIT "git", "-C", options->dir, "--no-optional-locks", "--literal-pathspecs", "-c", "core.fsmonitor=false"
	const char *const log[] = { GIT, "log", "-1", "--format=%ct", NULL };
	const char *const tracked[] = { GIT, "ls-files", "--error-unmatch", "--", options->dockerfile, NULL };
	const char *const status[] = { GIT, "status", "--porcelain", "--untracked-files=normal", "--", ".", NULL };
#undef GIT
	CLEANUP(buf_clear) struct buf time_text = { 0 };
	CLEANUP(buf_clear) struct buf ignored = { 0 };
	CLEANUP(buf_clear) struct buf changes = { 0 };

	return git_says(log, &time_text) && git_says(tracked, &ignored) && git_says(status, &changes) &&
	       changes.len == 0 && number_parse(buf_text(&time_text), ret_time_s);
}

int context_time(const struct context_options *options, int64_t *ret_time_s, struct error *err)
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");

	if (epoch && epoch[0]) {
		if (!number_parse(epoch, ret_time_s))
			return error_set(err, ERR_INVALID,
					 "SOURCE_DATE_EPOCH is \"%.40s\": it must be seconds since 1970", epoch);
		return CONTEXT_TIME_EPOCH;
	}
	return commit_time(options, ret_time_s) ? CONTEXT_TIME_COMMIT : 0;
}
