/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/process_cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/mem.h"

#define CGROUP_ROOT "/sys/fs/cgroup"
#define CGROUP2_MAGIC 0x63677270
#define EMPTY_TRIES 200

/* FNV-1a: which worker's it is, not a secret. */
static uint32_t mark(const char *text)
{
	uint32_t hash = 2166136261u;

	while (*text)
		hash = (hash ^ (unsigned char)*text++) * 16777619u;
	return hash;
}

/* Our own group in the hierarchy with this controller; NULL for v2's. False when it is not told. */
static bool own_group(const char *controller, char group[CGROUP_PATH_MAX])
{
	FILE *file = fopen("/proc/self/cgroup", "re");
	char line[CGROUP_PATH_MAX + 64];
	bool is_found = false;

	while (file && !is_found && fgets(line, sizeof(line), file)) {
		char *names = strchr(line, ':');
		char *path = names ? strchr(names + 1, ':') : NULL;

		if (!path)
			continue;
		*path++ = '\0';
		path[strcspn(path, "\n")] = '\0';
		is_found = controller ? strcmp(names + 1, controller) == 0 : names[1] == '\0';
		if (is_found)
			text_copy(group, CGROUP_PATH_MAX, strcmp(path, "/") == 0 ? "" : path);
	}
	if (file)
		fclose(file);
	return is_found;
}

static bool add(struct cgroup *cgroup, const char *root, const char *controller, const char *name)
{
	char group[CGROUP_PATH_MAX], procs[CGROUP_PATH_MAX + 16];
	char *dir = cgroup->dirs[cgroup->count];
	int len, fd;

	if (!own_group(controller, group))
		return false;
	len = snprintf(dir, CGROUP_PATH_MAX, "%s%s/%s", root, group, name);
	if (len < 0 || len >= CGROUP_PATH_MAX || (mkdir(dir, 0755) < 0 && errno != EEXIST))
		return false;
	snprintf(procs, sizeof(procs), "%s/cgroup.procs", dir);
	fd = open(procs, O_WRONLY | O_CLOEXEC);
	if (fd < 0) {
		rmdir(dir);
		return false;
	}
	cgroup->procs_fds[cgroup->count++] = fd;
	return true;
}

void cgroup_name(const char *state_dir, int64_t attempt, char ret_name[CGROUP_NAME_MAX])
{
	snprintf(ret_name, CGROUP_NAME_MAX, "manifold-%" PRId64 "-%08" PRIx32, attempt, mark(state_dir));
}

void cgroup_make(struct cgroup *cgroup, const char *state_dir, int64_t attempt)
{
	char name[CGROUP_NAME_MAX];
	struct statfs fs;

	*cgroup = (struct cgroup){ 0 };
	cgroup_name(state_dir, attempt, name);
	if (statfs(CGROUP_ROOT, &fs) < 0)
		return;
	if ((unsigned long)fs.f_type == CGROUP2_MAGIC) {
		add(cgroup, CGROUP_ROOT, NULL, name);
		return;
	}
	add(cgroup, CGROUP_ROOT "/memory", "memory", name);
	add(cgroup, CGROUP_ROOT "/pids", "pids", name);
}

/* "key N" in a file of the group; -1 when there is no such line. */
static int64_t number_read(const char *dir, const char *file_name, const char *key)
{
	char path[CGROUP_PATH_MAX + 32], line[128];
	int64_t value = -1;
	size_t len = strlen(key);
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, file_name);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, key, len) == 0 && line[len] == ' ')
			value = strtoll(line + len, NULL, 10);
	}
	if (file)
		fclose(file);
	return value;
}

int64_t cgroup_oom_kills(const struct cgroup *cgroup)
{
	for (int i = 0; i < cgroup->count; i++) {
		int64_t kills = number_read(cgroup->dirs[i], "memory.events", "oom_kill");

		if (kills < 0)
			kills = number_read(cgroup->dirs[i], "memory.oom_control", "oom_kill");
		if (kills > 0)
			return kills;
	}
	return 0;
}

static void file_put(const char *dir, const char *name, const char *text)
{
	char path[CGROUP_PATH_MAX + 32];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	/* A file that is not there or not willing is made up for by the loop of kills. */
	if (write(fd, text, strlen(text)) < 0)
		errno = 0;
	close(fd);
}

/* SIGKILL to each of its processes; how many there were. */
static int kill_once(const char *dir)
{
	char path[CGROUP_PATH_MAX + 32];
	int pid, count = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	file = fopen(path, "re");
	while (file && fscanf(file, "%d", &pid) == 1) {
		if (pid > 1)
			kill(pid, SIGKILL);
		count++;
	}
	if (file)
		fclose(file);
	return count;
}

static void dir_remove(const char *dir)
{
	if (rmdir(dir) == 0 || errno == ENOENT)
		return;
	file_put(dir, "pids.max", "0"); /* nothing new while we kill */
	file_put(dir, "cgroup.kill", "1");
	for (int tries = 0; tries < EMPTY_TRIES; tries++) {
		kill_once(dir);
		if (rmdir(dir) == 0 || errno == ENOENT)
			return;
		poll(NULL, 0, 10);
	}
}

void cgroup_remove(struct cgroup *cgroup)
{
	for (int i = cgroup->count - 1; i >= 0; i--) {
		close(cgroup->procs_fds[i]);
		dir_remove(cgroup->dirs[i]);
	}
	cgroup->count = 0;
}
