/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program run in a pid and mount namespace of its own, with its own /proc: whatever it starts sees
 * no process of the host and ends with it, also when we are killed. Needs root. One thread starts and
 * waits; when that thread ends, so does the program.
 */
#ifndef WORKER_PROCESS_H
#define WORKER_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/error.h"

#define PROCESS_TERM_WAIT_MS 10000

struct process_spec {
	const char *path;        /* of the program, absolute; no shell, no search */
	const char *const *argv; /* NULL-ended, from argv[0] */
	const char *const *env;  /* NULL-ended, all of it */
	const char *dir;         /* working directory */
	int output_fd;           /* stdout and stderr; stdin is /dev/null */
	const int *cgroup_fds;   /* cgroup.procs files it joins before it begins; or NULL */
	int cgroup_fd_count;
};

struct process {
	pid_t pid;
	int pid_fd;
};

/* ERR_DENIED: no right to make namespaces; ERR_IO. */
int process_start(const struct process_spec *spec, struct process *ret_process, struct error *err);

struct process_end {
	int exit_code;   /* when term_signal is 0 */
	int term_signal;
	bool is_cancelled, is_timeout; /* why we ended it */
};

/*
 * Blocks until it has ended, and with it everything it started. cancel_fd readable or deadline_ms
 * (CLOCK_MONOTONIC, 0: none) passed: SIGTERM, after PROCESS_TERM_WAIT_MS SIGKILL.
 */
void process_wait(struct process *process, int cancel_fd, int64_t deadline_ms, struct process_end *ret_end);

int64_t monotonic_ms(void);

#endif
