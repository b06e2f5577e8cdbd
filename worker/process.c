/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clone, not fork: between it and execve the child calls nothing but the kernel, as a child of a
 * process with threads must. The first process of a pid namespace takes all others with it, and
 * waiting for it returns when the last is gone.
 */
#include "worker/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* What the child failed at, told through a pipe that execve closes. */
struct child_failure {
	int error;
	char doing[48];
};

struct child {
	const struct process_spec *spec;
	int life_fd;   /* its other end is open as long as our parent lives */
	int report_fd;
};

int64_t monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static _Noreturn void child_fail(const struct child *child, const char *doing)
{
	struct child_failure failure = { .error = errno };

	strncpy(failure.doing, doing, sizeof(failure.doing) - 1);
	if (write(child->report_fd, &failure, sizeof(failure)) < 0)
		_exit(126);
	_exit(127);
}

static void child_signals(void)
{
	struct sigaction action = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		sigaction(number, &action, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void child_files(const struct child *child)
{
	int null = open("/dev/null", O_RDONLY);

	if (null < 0 || dup2(null, 0) < 0 || dup2(child->spec->output_fd, 1) < 0 ||
	    dup2(child->spec->output_fd, 2) < 0)
		child_fail(child, "its standard files");
}

static _Noreturn void child_run(const struct child *child)
{
	const struct process_spec *spec = child->spec;
	struct pollfd life = { .fd = child->life_fd };

	/* Before the parent can die unseen; if it already has, the pipe is closed. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		child_fail(child, "PR_SET_PDEATHSIG");
	if (poll(&life, 1, 0) != 0)
		_exit(126);
	child_signals();
	for (int i = 0; i < spec->cgroup_fd_count; i++) {
		if (write(spec->cgroup_fds[i], "0", 1) < 0)
			child_fail(child, "joining its cgroup");
	}
	if (setsid() < 0)
		child_fail(child, "setsid");
	/* Nothing it mounts is to be seen outside; nothing mounted outside needs to stay busy by it. */
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		child_fail(child, "making mounts private");
	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		child_fail(child, "mounting /proc");
	if (chdir(spec->dir) < 0)
		child_fail(child, "chdir");
	child_files(child);
	execve(spec->path, (char *const *)(uintptr_t)spec->argv, (char *const *)(uintptr_t)spec->env);
	child_fail(child, "execve");
}

static pid_t clone_namespaces(int *ret_pid_fd)
{
	unsigned long flags = CLONE_NEWPID | CLONE_NEWNS | CLONE_PIDFD | (unsigned long)SIGCHLD;

#if defined(__s390x__)
	return (pid_t)syscall(SYS_clone, NULL, flags, ret_pid_fd, NULL, 0);
#else
	return (pid_t)syscall(SYS_clone, flags, NULL, ret_pid_fd, NULL, 0);
#endif
}

static int start_failed(const struct process_spec *spec, const struct child_failure *failure, struct error *err)
{
	return error_set(err, failure->error == EPERM || failure->error == EACCES ? ERR_DENIED : ERR_IO,
			 "start %.100s: %s: %s", spec->path, failure->doing, strerror(failure->error));
}

int process_start(const struct process_spec *spec, struct process *ret_process, struct error *err)
{
	int life[2] = { -1, -1 }, report[2] = { -1, -1 }, pid_fd = -1;
	struct child_failure failure = { 0 };
	struct child child;
	ssize_t got;
	pid_t pid;

	if (pipe2(life, O_CLOEXEC) < 0)
		return error_set(err, ERR_IO, "start %s: %s", spec->path, strerror(errno));
	if (pipe2(report, O_CLOEXEC) < 0) {
		close(life[0]);
		close(life[1]);
		return error_set(err, ERR_IO, "start %s: %s", spec->path, strerror(errno));
	}
	child = (struct child){ spec, life[0], report[1] };
	pid = clone_namespaces(&pid_fd);
	if (pid == 0) {
		close(life[1]);
		child_run(&child);
	}
	close(life[0]);
	close(report[1]);
	if (pid < 0) {
		failure.error = errno;
		strncpy(failure.doing, "a pid and mount namespace (needs root)", sizeof(failure.doing) - 1);
	}
	do {
		got = pid < 0 ? 0 : read(report[0], &failure, sizeof(failure));
	} while (got < 0 && errno == EINTR);
	close(report[0]);
	close(life[1]);
	if (pid >= 0 && got > 0) {
		close(pid_fd);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	if (failure.error)
		return start_failed(spec, &failure, err);
	*ret_process = (struct process){ pid, pid_fd };
	return 0;
}

/* The time left, for poll; -1 for no limit. */
static int left_ms(int64_t deadline_ms)
{
	int64_t left = deadline_ms - monotonic_ms();

	if (deadline_ms == 0)
		return -1;
	return left < 0 ? 0 : left > 3600000 ? 3600000 : (int)left;
}

void process_wait(struct process *process, int cancel_fd, int64_t deadline_ms, struct process_end *ret_end)
{
	struct process_end end = { 0 };
	int64_t kill_ms = 0;
	int status = 0;

	for (;;) {
		bool is_ending = kill_ms != 0;
		struct pollfd fds[2] = {
			{ .fd = process->pid_fd, .events = POLLIN },
			{ .fd = is_ending ? -1 : cancel_fd, .events = POLLIN },
		};

		if (poll(fds, 2, left_ms(is_ending ? kill_ms : deadline_ms)) < 0 && errno != EINTR)
			break;
		if (fds[0].revents)
			break;
		end.is_cancelled |= fds[1].revents != 0;
		end.is_timeout |= !is_ending && deadline_ms != 0 && monotonic_ms() >= deadline_ms;
		if (is_ending && monotonic_ms() >= kill_ms) {
			kill(process->pid, SIGKILL);
			break;
		}
		if (!is_ending && (end.is_cancelled || end.is_timeout)) {
			kill(process->pid, SIGTERM);
			kill_ms = monotonic_ms() + PROCESS_TERM_WAIT_MS;
		}
	}
	while (waitpid(process->pid, &status, 0) < 0 && errno == EINTR)
		;
	close(process->pid_fd);
	*process = (struct process){ .pid_fd = -1 };
	end.term_signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	end.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
	*ret_end = end;
}
