/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cgroup per attempt, v2 or v1, where we may make one: it outlives us, so that a later life of this
 * worker finds and ends what is in it, and it counts kills for want of memory. Without the right to
 * make one everything here does nothing, and the pid namespace is what holds the attempt.
 */
#ifndef WORKER_PROCESS_CGROUP_H
#define WORKER_PROCESS_CGROUP_H

#include <stdint.h>

#define CGROUP_DIRS_MAX 2
#define CGROUP_PATH_MAX 512

struct cgroup {
	int count;                                  /* of hierarchies it is in; 0: none could be made */
	char dirs[CGROUP_DIRS_MAX][CGROUP_PATH_MAX];
	int procs_fds[CGROUP_DIRS_MAX];             /* for process_spec */
};

#define CGROUP_NAME_MAX 64

/* manifold-<attempt>-<a mark of state_dir>: workers of one host do not meet. */
void cgroup_name(const char *state_dir, int64_t attempt, char ret_name[CGROUP_NAME_MAX]);

/* Of that name, below our own groups. */
void cgroup_make(struct cgroup *cgroup, const char *state_dir, int64_t attempt);

/* Processes that the kernel killed in it for want of memory; 0 when that is not told. */
int64_t cgroup_oom_kills(const struct cgroup *cgroup);

/* Ends whatever is still in it and removes it. Fits CLEANUP(cgroup_remove). */
void cgroup_remove(struct cgroup *cgroup);

#endif
