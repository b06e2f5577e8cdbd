/* SPDX-License-Identifier: Apache-2.0 */
/* For tests only: real programs around a worker. */
#ifndef WORKER_TEST_WORLD_H
#define WORKER_TEST_WORLD_H

#include <stdbool.h>
#include <sys/types.h>

#define TEST_BUSYBOX "/bin/busybox"
#define TEST_USER "tester"
#define TEST_SECRET "correct-horse-battery"

/* A folder of its own, in memory where that can be had. */
void test_folder(char *path, size_t size, const char *name);

/* With a fixed time, so that what is copied is the same each time. */
void test_copy_busybox(const char *dir);

/* docker-registry on a free loopback port, its files in dir; ret_host is "127.0.0.1:PORT". With a password: TEST_USER. */
pid_t test_registry_start(const char *dir, bool has_password, char *ret_host, size_t size);
void test_registry_stop(pid_t pid);

#endif
