/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/facts.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/mem.h"
#include "worker/probe.h"

#define KERNEL_ARCH_FILE "/proc/sys/kernel/arch"
#define OWN_IMAGE "/proc/thread-self/exe" /* qemu-user fakes /proc/self/exe, not this one */
#define BINFMT_DIR "/proc/sys/fs/binfmt_misc"

/* What runs on a kernel: whose programs, under which platforms' names. */
static const struct native {
	const char *kernel_arch; /* as the kernel names itself */
	unsigned elf;
	const char *baseline;
	unsigned also;           /* the CPU's 32-bit mode, where it has one; 0: none */
	const char *also_platform;
} natives[] = {
	{ "x86_64", EM_X86_64, "linux/amd64", EM_386, "linux/386" },
	{ "i386", EM_386, "linux/386", 0, NULL },
	{ "i686", EM_386, "linux/386", 0, NULL },
	{ "aarch64", EM_AARCH64, "linux/arm64", EM_ARM, "linux/arm/v7" },
	{ "arm64", EM_AARCH64, "linux/arm64", EM_ARM, "linux/arm/v7" },
	{ "arm", EM_ARM, "linux/arm/v7", 0, NULL },
	{ "armv7l", EM_ARM, "linux/arm/v7", 0, NULL },
	{ "riscv64", EM_RISCV, "linux/riscv64", 0, NULL },
	{ "ppc64le", EM_PPC64, "linux/ppc64le", 0, NULL },
	{ "s390x", EM_S390, "linux/s390x", 0, NULL },
	{ "mips64", EM_MIPS, "linux/mips64le", 0, NULL },
	{ "loongarch64", 258, "linux/loong64", 0, NULL },
};

struct taking {
	const char *scratch_dir;
	struct facts *facts;
	const struct native *native;
	struct utsname uname;
	struct probe_cpu cpu;
	struct buf executed, refused;
	struct error *err;
};

static void taking_clear(struct taking *taking)
{
	buf_clear(&taking->executed);
	buf_clear(&taking->refused);
}

static void kernel_arch_take(struct taking *taking)
{
	char text[32] = { 0 };
	int fd = open(KERNEL_ARCH_FILE, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	text[strcspn(text, "\n")] = '\0';
	uname(&taking->uname);
	/* uname lies under personality(PER_LINUX32): only where the kernel has no better word. */
	snprintf(taking->facts->kernel_arch, sizeof(taking->facts->kernel_arch), "%.31s",
		 got > 0 ? text : taking->uname.machine);
	for (size_t i = 0; i < sizeof(natives) / sizeof(natives[0]); i++) {
		if (strcmp(natives[i].kernel_arch, taking->facts->kernel_arch) == 0)
			taking->native = &natives[i];
	}
}

static void refuse(struct taking *taking, const char *because, const char *remedy)
{
	struct facts *facts = taking->facts;

	facts->is_native = false;
	if (facts->refused_because[0])
		return; /* the first is the one to mend first */
	text_copy(facts->refused_because, sizeof(facts->refused_because), because);
	text_copy(facts->remedy, sizeof(facts->remedy), remedy);
}

static bool is_emulator_name(const char *path)
{
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;

	return strncmp(name, "qemu-", 5) == 0 || strncmp(name, "FEX", 3) == 0 || strncmp(name, "box64", 5) == 0 ||
	       strncmp(name, "rosetta", 7) == 0;
}

/* This program's own image, as the kernel sees it, must be of the machine it was compiled for. */
static void own_image_check(struct taking *taking)
{
	const struct probe_machine *own = probe_machine_own();
	unsigned char header[20] = { 0 };
	char image[256] = { 0 }, text[512];
	int fd = open(OWN_IMAGE, O_RDONLY | O_CLOEXEC);
	unsigned machine;

	if (readlink(OWN_IMAGE, image, sizeof(image) - 1) < 0 || fd < 0 || read(fd, header, sizeof(header)) != sizeof(header))
		snprintf(image, sizeof(image), "an image that cannot be read");
	if (fd >= 0)
		close(fd);
	machine = header[EI_DATA] == ELFDATA2MSB ? header[18] * 256u + header[19] : header[19] * 256u + header[18];
	if (own && machine == own->elf && !is_emulator_name(image))
		return;
	snprintf(text, sizeof(text), "this program, made for %s, is run by %s on a kernel of %s", own ? own->name : "an unknown machine",
		 image, taking->facts->kernel_arch);
	refuse(taking, text, "install the manifold-worker made for this host's own architecture");
}

static void kernel_check(struct taking *taking)
{
	const struct probe_machine *own = probe_machine_own();
	char text[256];

	if (taking->native && own && (own->elf == taking->native->elf || own->elf == taking->native->also))
		return;
	snprintf(text, sizeof(text), "the kernel's architecture is %s, this program's is %s", taking->facts->kernel_arch,
		 own ? own->name : "not known to it");
	refuse(taking, text, "install the manifold-worker made for this host's own architecture");
}

static void platform_add(struct taking *taking, const char *text)
{
	struct facts *facts = taking->facts;
	struct error ignored;

	if (facts->platform_count < SPEC_PLATFORMS_MAX &&
	    platform_parse(text, &facts->platforms[facts->platform_count], &ignored) == 0)
		facts->platform_count++;
}

static void emulation_found(struct taking *taking, const struct probe_machine *machine, const char *how)
{
	struct probe_handlers handlers;
	char because[512], remedy[512];

	probe_handlers_find(machine, &handlers);
	if (handlers.match[0]) {
		snprintf(because, sizeof(because), "an enabled binfmt_misc handler (%s, by %.127s) emulates %s", handlers.match,
			 handlers.interpreter, machine->name);
		snprintf(remedy, sizeof(remedy), "echo -1 > " BINFMT_DIR "/%s"
			 " # if it comes back at the next start: apt-get remove qemu-user-static binfmt-support", handlers.match);
	} else {
		snprintf(because, sizeof(because), "a program for %s is not refused by the kernel, but run by %s: a binfmt_misc"
			 " handler emulates %s%s", machine->name, how, machine->name,
			 handlers.is_mounted ? "" : " (binfmt_misc is not mounted here, so its name cannot be told)");
		snprintf(remedy, sizeof(remedy), "%secho -1 > " BINFMT_DIR "/status%s",
			 handlers.is_mounted ? "" : "mount -t binfmt_misc binfmt_misc " BINFMT_DIR " && ",
			 handlers.is_mounted ? "" : " # on the host itself when this is a container; it removes every handler");
	}
	refuse(taking, because, remedy);
}

/* The CPU's 32-bit mode is native too, but only where the CPU and not a handler executed it. */
static void also_check(struct taking *taking, const struct probe_machine *machine)
{
	struct probe_handlers handlers;

	probe_handlers_find(machine, &handlers);
	if (handlers.match[0])
		emulation_found(taking, machine, handlers.interpreter);
	else
		platform_add(taking, taking->native->also_platform);
}

static int machine_check(struct taking *taking, const struct probe_machine *machine)
{
	bool is_also = taking->native && machine->elf == taking->native->also;
	enum probe_outcome outcome;
	char how[128];

	if (probe_run(machine, taking->scratch_dir, &outcome, how, taking->err) < 0)
		return -1;
	if (outcome == PROBE_REFUSED) {
		buf_printf(&taking->refused, " %s", machine->name);
		return 0;
	}
	if (outcome == PROBE_EXECUTED) {
		buf_printf(&taking->executed, " %s", machine->name);
		if (is_also)
			also_check(taking, machine);
		return 0;
	}
	emulation_found(taking, machine, how);
	return 0;
}

static int own_run(struct taking *taking)
{
	const struct probe_machine *own = probe_machine_own();
	enum probe_outcome outcome = PROBE_REFUSED;
	char how[128] = { 0 }, text[512];

	if (own && probe_run(own, taking->scratch_dir, &outcome, how, taking->err) < 0)
		return -1;
	if (outcome == PROBE_EXECUTED) {
		buf_printf(&taking->executed, " %s", own->name);
		return 0;
	}
	snprintf(text, sizeof(text), "a program of this program's own machine (%s) is not executed by this CPU but by %s",
		 own ? own->name : "unknown", how[0] ? how : "nothing");
	refuse(taking, text, "install the manifold-worker made for this host's own architecture");
	return 0;
}

static void platforms_take(struct taking *taking)
{
	static const char *const x86_levels[] = { "linux/amd64/v2", "linux/amd64/v3", "linux/amd64/v4" };

	if (!taking->native)
		return;
	platform_add(taking, taking->native->baseline);
	for (int level = 2; level <= taking->cpu.x86_level && taking->native->elf == EM_X86_64; level++)
		platform_add(taking, x86_levels[level - 2]);
}

static void proof_write(struct taking *taking)
{
	struct facts *facts = taking->facts;

	snprintf(facts->proof, sizeof(facts->proof),
		 "kernel %.31s %.40s; CPU %.100s%s%.12s; executed:%.60s; refused by the kernel (ENOEXEC):%.120s",
		 facts->kernel_arch, taking->uname.release, facts->cpu, taking->cpu.hypervisor[0] ? "; hypervisor " : "",
		 taking->cpu.hypervisor, taking->executed.len ? buf_text(&taking->executed) : " nothing",
		 taking->refused.len ? buf_text(&taking->refused) : " nothing");
}

int facts_take(const char *scratch_dir, struct facts *ret_facts, struct error *err)
{
	struct facts facts = { .is_native = true };
	CLEANUP(taking_clear) struct taking taking = { .scratch_dir = scratch_dir, .facts = &facts, .err = err };
	const struct probe_machine *own = probe_machine_own();
	size_t count;
	const struct probe_machine *machines = probe_machines(&count);

	kernel_arch_take(&taking);
	probe_cpu_take(&taking.cpu);
	text_copy(facts.cpu, sizeof(facts.cpu), taking.cpu.name);
	own_image_check(&taking);
	kernel_check(&taking);
	if (own_run(&taking) < 0)
		return -1;
	platforms_take(&taking);
	for (size_t i = 0; i < count; i++) {
		if (&machines[i] != own && machine_check(&taking, &machines[i]) < 0)
			return -1;
	}
	proof_write(&taking);
	if (!facts.is_native)
		facts.platform_count = 0;
	*ret_facts = facts;
	return 0;
}

static bool platform_is_listed(const struct facts *facts, const struct platform *platform)
{
	for (size_t i = 0; i < facts->platform_count; i++) {
		if (platform_equal(&facts->platforms[i], platform))
			return true;
	}
	return false;
}

static void platforms_text(const struct facts *facts, struct buf *text)
{
	for (size_t i = 0; i < facts->platform_count; i++) {
		char one[PLATFORM_TEXT_MAX];

		platform_format(&facts->platforms[i], one);
		buf_printf(text, "%s%s", i ? ", " : "", one);
	}
	if (facts->platform_count == 0)
		buf_puts(text, "none");
}

static int narrow_one(struct facts *narrow, const struct facts *facts, const char *text, struct error *err)
{
	CLEANUP(buf_clear) struct buf has = { 0 };
	struct platform platform;

	if (platform_parse(text, &platform, err) < 0)
		return -1;
	platforms_text(facts, &has);
	if (!platform_is_listed(facts, &platform))
		return error_set(err, ERR_INVALID, "%s is not native here; this CPU executes %.300s%s%.100s", text, buf_text(&has),
				 facts->is_native ? "" : ": ", facts->refused_because);
	if (!platform_is_listed(narrow, &platform))
		narrow->platforms[narrow->platform_count++] = platform;
	return 0;
}

int facts_narrow(struct facts *facts, const char *platforms, struct error *err)
{
	struct facts narrow = *facts;

	narrow.platform_count = 0;
	while (*platforms) {
		size_t len = strcspn(platforms, ",");
		char text[PLATFORM_TEXT_MAX];

		if (len >= sizeof(text))
			return error_set(err, ERR_INVALID, "\"%.60s\" is no list of platforms like linux/amd64,linux/amd64/v3",
					 platforms);
		memcpy(text, platforms, len);
		text[len] = '\0';
		if (narrow_one(&narrow, facts, text, err) < 0)
			return -1;
		platforms += len + (platforms[len] == ',');
	}
	*facts = narrow;
	return 0;
}

int facts_prove(const char *scratch_dir, const struct platform *platform, char ret_proof[512], struct error *err)
{
	CLEANUP(buf_clear) struct buf has = { 0 };
	char text[PLATFORM_TEXT_MAX];
	struct facts facts;

	if (facts_take(scratch_dir, &facts, err) < 0)
		return -1;
	if (!facts.is_native)
		return error_set(err, ERR_CONFLICT, "this host is not native any more: %.250s; to mend it: %.180s",
				 facts.refused_because, facts.remedy);
	platform_format(platform, text);
	platforms_text(&facts, &has);
	if (!platform_is_listed(&facts, platform))
		return error_set(err, ERR_CONFLICT, "this CPU does not execute %s; it executes %.300s", text, buf_text(&has));
	text_copy(ret_proof, 512, facts.proof);
	return 0;
}
