/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/health.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/version.h"

int64_t health_disk_free_bytes(const char *path)
{
	struct statvfs fs;

	if (statvfs(path, &fs) < 0)
		return 0;
	return (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
}

int health_load_percent(void)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	double load;

	if (processors < 1 || getloadavg(&load, 1) != 1 || load < 0)
		return 0;
	return (int)(load * 100 / (double)processors);
}

static bool has_platform(const struct facts *facts, const struct platform *platform)
{
	for (size_t i = 0; i < facts->platform_count; i++) {
		if (platform_equal(&facts->platforms[i], platform))
			return true;
	}
	return false;
}

bool health_refuses(const struct facts *facts, const struct platform *platform, const char *path, int64_t min_bytes,
		    char ret_reason[HEALTH_REASON_MAX])
{
	int64_t free_bytes = health_disk_free_bytes(path);
	char text[PLATFORM_TEXT_MAX];

	if (!has_platform(facts, platform)) {
		platform_format(platform, text);
		snprintf(ret_reason, HEALTH_REASON_MAX, "this host does not execute %s", text);
		return true;
	}
	if (free_bytes < min_bytes) {
		snprintf(ret_reason, HEALTH_REASON_MAX, "disk: %" PRId64 " MiB free, less than the %" PRId64
			 " MiB that are kept free", free_bytes >> 20, min_bytes >> 20);
		return true;
	}
	return false;
}

void health_hello(const struct facts *facts, struct wire_hello *hello)
{
	hello->protocol = WIRE_PROTOCOL;
	text_copy(hello->version, sizeof(hello->version), version_text());
	text_copy(hello->kernel_arch, sizeof(hello->kernel_arch), facts->kernel_arch);
	text_copy(hello->cpu, sizeof(hello->cpu), facts->cpu);
	text_copy(hello->proof, sizeof(hello->proof), facts->proof);
	text_copy(hello->refused_because, sizeof(hello->refused_because), facts->refused_because);
	text_copy(hello->remedy, sizeof(hello->remedy), facts->remedy);
	hello->is_native = facts->is_native;
	hello->platform_count = facts->platform_count;
	for (size_t i = 0; i < facts->platform_count; i++)
		hello->platforms[i] = facts->platforms[i];
}

static void print_line(const char *what, const char *text)
{
	if (!*text)
		return;
	fprintf(stderr, "manifold-worker: %s: ", what);
	for (; *text; text++)
		fputc(iscntrl((unsigned char)*text) ? '?' : *text, stderr);
	fputc('\n', stderr);
}

void health_print_refusal(const struct wire_bye *bye)
{
	print_line("the coordinator does not take this worker", bye->reason);
	print_line("what mends it", bye->remedy);
	fprintf(stderr, "manifold-worker: the next try is in %d s\n", bye->retry_after_s);
}
