/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/mem.h"

#define RUN_LIMIT_MS 2000
#define BUSY_TRIES 50

static void fd_close(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static int elf_write(const struct probe_machine *machine, char *path, struct error *err)
{
	CLEANUP(fd_close) int fd = mkostemp(path, O_CLOEXEC);
	unsigned char elf[PROBE_ELF_MAX];
	size_t len = probe_elf(machine, elf);

	if (fd < 0)
		return error_set(err, ERR_IO, "probe %s: %s", path, strerror(errno));
	if (write(fd, elf, len) != (ssize_t)len || fchmod(fd, 0500) < 0) {
		unlink(path);
		return error_set(err, ERR_IO, "probe %s: %s", path, strerror(errno));
	}
	return 0;
}

/* Returns what execve said, 0 when it took the file. */
static int spawn(const char *path, int stdin_fd, pid_t *ret_pid)
{
	char *const argv[] = { (char *)(uintptr_t)path, NULL };
	char *const env[] = { NULL };
	posix_spawn_file_actions_t actions;
	int rc;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, stdin_fd, 0);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	rc = posix_spawn(ret_pid, path, &actions, NULL, argv, env);
	/* Another thread forked while the file was open for writing; its child lets go at its own exec. */
	for (int tries = 0; rc == ETXTBSY && tries < BUSY_TRIES; tries++) {
		poll(NULL, 0, 2);
		rc = posix_spawn(ret_pid, path, &actions, NULL, argv, env);
	}
	posix_spawn_file_actions_destroy(&actions);
	return rc;
}

/* The process is a program of ours when the kernel says that its image is our file. */
static bool is_own_image(pid_t pid, const char *path, char image[128])
{
	char link[64];
	struct stat own, theirs;
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/%d/exe", (int)pid);
	len = readlink(link, image, 127);
	image[len < 0 ? 0 : len] = '\0';
	return stat(path, &own) == 0 && stat(link, &theirs) == 0 && own.st_ino == theirs.st_ino &&
	       own.st_dev == theirs.st_dev;
}

/* An emulator may do anything, also never end. */
static int wait_limited(pid_t pid)
{
	CLEANUP(fd_close) int pid_fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd wait = { .fd = pid_fd, .events = POLLIN };
	int status = 0;

	if (pid_fd >= 0 && poll(&wait, 1, RUN_LIMIT_MS) == 0)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

static enum probe_outcome watch(pid_t pid, int stdin_fd, const char *path, char ret_how[128])
{
	char image[128];
	bool is_own = is_own_image(pid, path, image);
	int status;

	close(stdin_fd);
	status = wait_limited(pid);
	if (is_own && WIFEXITED(status) && WEXITSTATUS(status) == PROBE_EXIT_CODE)
		return PROBE_EXECUTED;
	if (image[0] && !is_own)
		text_copy(ret_how, 128, image);
	else if (WIFEXITED(status))
		snprintf(ret_how, 128, "something that exits with %d", WEXITSTATUS(status));
	else
		snprintf(ret_how, 128, "something that ends by signal %d", WTERMSIG(status));
	return PROBE_EMULATED;
}

static int run_file(const char *path, enum probe_outcome *ret_outcome, char ret_how[128], struct error *err)
{
	int pipe_fds[2], rc;
	pid_t pid;

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return error_set(err, ERR_IO, "probe: %s", strerror(errno));
	rc = spawn(path, pipe_fds[0], &pid);
	close(pipe_fds[0]);
	if (rc == 0) {
		*ret_outcome = watch(pid, pipe_fds[1], path, ret_how);
		return 0;
	}
	close(pipe_fds[1]);
	if (rc == EAGAIN || rc == ENOMEM || rc == ETXTBSY || rc == EMFILE || rc == ENFILE)
		return error_set(err, ERR_IO, "probe: %s", strerror(rc));
	*ret_outcome = rc == ENOEXEC ? PROBE_REFUSED : PROBE_EMULATED;
	if (rc != ENOEXEC)
		snprintf(ret_how, 128, "a handler that cannot be started (%s)", strerror(rc));
	return 0;
}

int probe_run(const struct probe_machine *machine, const char *scratch_dir, enum probe_outcome *ret_outcome,
	      char ret_how[128], struct error *err)
{
	size_t size = strlen(scratch_dir) + 64;
	CLEANUP(mem_freep) char *path = mem_alloc(size);
	struct statvfs fs = { 0 };
	int rc;

	snprintf(path, size, "%s/probe-%s-XXXXXX", scratch_dir, machine->name);
	ret_how[0] = '\0';
	if (statvfs(scratch_dir, &fs) < 0 || fs.f_flag & ST_NOEXEC)
		return error_set(err, ERR_IO, "probe: nothing can be executed in %.200s: %s", scratch_dir,
				 fs.f_flag & ST_NOEXEC ? "it is mounted noexec, choose another state directory"
						       : strerror(errno));
	if (elf_write(machine, path, err) < 0)
		return -1;
	rc = run_file(path, ret_outcome, ret_how, err);
	unlink(path);
	return rc;
}
