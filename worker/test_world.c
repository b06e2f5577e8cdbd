/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/test_world.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "worker/files.h"

/* TEST_USER:TEST_SECRET, as `htpasswd -Bbn` writes it. */
#define HTPASSWD "tester:$2y$05$gpoYIJ/ZRt3Y9U2K6YiXB.LEzL8zw.taxhPPt5VVLhESvEmDhJlAu\n"

void test_folder(char *path, size_t size, const char *name)
{
	snprintf(path, size, "%s/%s-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", name);
	if (!mkdtemp(path))
		abort();
}

void test_copy_busybox(const char *dir)
{
	struct timespec times[2] = { { .tv_sec = 1000000000 }, { .tv_sec = 1000000000 } };
	int in = open(TEST_BUSYBOX, O_RDONLY | O_CLOEXEC), out;
	char path[256], piece[65536];
	ssize_t got;

	snprintf(path, sizeof(path), "%s/busybox", dir);
	out = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	while ((got = read(in, piece, sizeof(piece))) > 0) {
		if (write(out, piece, (size_t)got) != got)
			abort();
	}
	futimens(out, times);
	close(in);
	close(out);
}

/* A port nobody has at the moment. */
static int port_free(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (bind(fd, (struct sockaddr *)&address, len) < 0 || getsockname(fd, (struct sockaddr *)&address, &len) < 0)
		abort();
	close(fd);
	return ntohs(address.sin_port);
}

static void port_wait(int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	for (int tries = 0; tries < 600; tries++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		int rc = connect(fd, (struct sockaddr *)&address, sizeof(address));

		close(fd);
		if (rc == 0)
			return;
		poll(NULL, 0, 50);
	}
	abort();
}

static void config_write(const char *dir, bool has_password, int port, const char *path)
{
	char text[1024], auth[400] = "", htpasswd[256];
	struct error err;

	if (has_password) {
		snprintf(htpasswd, sizeof(htpasswd), "%s/htpasswd", dir);
		if (file_write_text(htpasswd, HTPASSWD, &err) < 0)
			abort();
		snprintf(auth, sizeof(auth), "auth: {htpasswd: {realm: r, path: %s}}\n", htpasswd);
	}
	snprintf(text, sizeof(text), "version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\n"
		 "storage: {filesystem: {rootdirectory: %.200s/blobs}}\nhttp: {addr: '127.0.0.1:%d'}\n%s", dir, port, auth);
	if (file_write_text(path, text, &err) < 0)
		abort();
}

pid_t test_registry_start(const char *dir, bool has_password, char *ret_host, size_t size)
{
	int port = port_free();
	char path[256];
	pid_t pid;

	mkdir(dir, 0700);
	snprintf(ret_host, size, "127.0.0.1:%d", port);
	snprintf(path, sizeof(path), "%s/config.yml", dir);
	config_write(dir, has_password, port, path);
	pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, 1);
		dup2(null, 2);
		execlp("docker-registry", "docker-registry", "serve", path, NULL);
		_exit(127);
	}
	port_wait(port);
	return pid;
}

void test_registry_stop(pid_t pid)
{
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
}
