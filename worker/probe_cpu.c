/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "worker/probe.h"

#if defined(__x86_64__) || defined(__i386__)

#include <cpuid.h>

struct registers {
	unsigned a, b, c, d;
};

static struct registers cpuid(unsigned leaf)
{
	struct registers r = { 0 };

	__cpuid_count(leaf, 0, r.a, r.b, r.c, r.d);
	return r;
}

/* gcc and clang do not agree on the sign of it. */
static unsigned leaf_max(unsigned range)
{
	return (unsigned)__get_cpuid_max(range, NULL);
}

static bool has(unsigned value, unsigned bits)
{
	return (value & bits) == bits;
}

/* Which register files the kernel saves: without its consent no AVX. */
static unsigned xcr0(void)
{
	unsigned low, high;

	__asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return low;
}

#define BIT(n) (1u << (n))

static int x86_level(void)
{
	struct registers one, seven, extended;

	if (leaf_max(0) < 7 || leaf_max(0x80000000) < 0x80000001)
		return 1;
	one = cpuid(1);
	seven = cpuid(7);
	extended = cpuid(0x80000001);
	/* SSE3 SSSE3 CX16 SSE4.1 SSE4.2 POPCNT; LAHF */
	if (!has(one.c, BIT(0) | BIT(9) | BIT(13) | BIT(19) | BIT(20) | BIT(23)) || !has(extended.c, BIT(0)))
		return 1;
	/* FMA MOVBE XSAVE OSXSAVE AVX F16C; BMI1 AVX2 BMI2; LZCNT */
	if (!has(one.c, BIT(12) | BIT(22) | BIT(26) | BIT(27) | BIT(28) | BIT(29)) ||
	    !has(seven.b, BIT(3) | BIT(5) | BIT(8)) || !has(extended.c, BIT(5)) || !has(xcr0(), BIT(1) | BIT(2)))
		return 2;
	/* AVX512 F DQ CD BW VL */
	if (!has(seven.b, BIT(16) | BIT(17) | BIT(28) | BIT(30) | BIT(31)) || !has(xcr0(), BIT(5) | BIT(6) | BIT(7)))
		return 3;
	return 4;
}

static void registers_text(const struct registers *r, size_t first, char *dst)
{
	const unsigned words[] = { r->a, r->b, r->c, r->d };

	for (size_t i = first; i < 4; i++)
		memcpy(dst + 4 * (i - first), &words[i], 4);
}

void probe_cpu_take(struct probe_cpu *ret)
{
	char brand[49] = { 0 };
	const char *start = brand;

	*ret = (struct probe_cpu){ .x86_level = x86_level() };
	if (leaf_max(0x80000000) >= 0x80000004) {
		for (unsigned i = 0; i < 3; i++) {
			struct registers r = cpuid(0x80000002 + i);

			registers_text(&r, 0, brand + 16 * (size_t)i);
		}
	}
	while (*start == ' ')
		start++;
	snprintf(ret->name, sizeof(ret->name), "%s", *start ? start : "x86");
	for (size_t len = strlen(ret->name); len > 0 && ret->name[len - 1] == ' ';)
		ret->name[--len] = '\0';
	if (cpuid(1).c & BIT(31)) {
		struct registers r = cpuid(0x40000000);

		registers_text(&r, 1, ret->hypervisor);
	}
}

#else

static const struct {
	unsigned implementer, part;
	const char *name;
} arm_cpus[] = {
	{ 0x41, 0xd03, "Arm Cortex-A53" },
	{ 0x41, 0xd07, "Arm Cortex-A57" },
	{ 0x41, 0xd08, "Arm Cortex-A72" },
	{ 0x41, 0xd0b, "Arm Cortex-A76" },
	{ 0x41, 0xd0c, "Arm Neoverse-N1 (Graviton2, Ampere Altra)" },
	{ 0x41, 0xd40, "Arm Neoverse-V1 (Graviton3)" },
	{ 0x41, 0xd49, "Arm Neoverse-N2 (Yitian 710, Cobalt 100)" },
	{ 0x41, 0xd4f, "Arm Neoverse-V2 (Graviton4, Grace, Axion)" },
	{ 0x48, 0xd01, "HiSilicon TaiShan v110 (Kunpeng 920)" },
	{ 0x48, 0xd02, "HiSilicon TaiShan v120 (Kunpeng 920)" },
	{ 0x61, 0x022, "Apple M1" },
	{ 0x70, 0x662, "Phytium FTC662" },
	{ 0x70, 0x663, "Phytium FTC663" },
	{ 0xc0, 0xac3, "Ampere-1 (AmpereOne)" },
	{ 0xc0, 0xac4, "Ampere-1a (AmpereOne)" },
};

/* "CPU implementer : 0x41" */
static bool line_number(const char *line, const char *key, unsigned *ret)
{
	const char *colon = strchr(line, ':');

	if (strncmp(line, key, strlen(key)) != 0 || !colon)
		return false;
	*ret = (unsigned)strtoul(colon + 1, NULL, 0);
	return true;
}

void probe_cpu_take(struct probe_cpu *ret)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	unsigned implementer = 0, part = 0;
	char line[256];

	*ret = (struct probe_cpu){ .name = "unknown" };
	while (file && fgets(line, sizeof(line), file)) {
		line_number(line, "CPU implementer", &implementer);
		if (line_number(line, "CPU part", &part))
			break;
	}
	if (file)
		fclose(file);
	if (implementer == 0)
		return;
	snprintf(ret->name, sizeof(ret->name), "implementer 0x%02x part 0x%03x", implementer, part);
	for (size_t i = 0; i < sizeof(arm_cpus) / sizeof(arm_cpus[0]); i++) {
		if (arm_cpus[i].implementer == implementer && arm_cpus[i].part == part)
			text_copy(ret->name, sizeof(ret->name), arm_cpus[i].name);
	}
}

#endif
