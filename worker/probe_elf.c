/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The programs, by hand. Each is read(0, stack, 1) and exit(42): it waits until its stdin is closed,
 * so that the kernel can be asked whose image the process is.
 */
#include <elf.h>
#include <string.h>

#include "worker/probe.h"

#define CODE(...) .code = { __VA_ARGS__ }, .code_len = sizeof((const unsigned char[]){ __VA_ARGS__ })

static const struct probe_machine machines[] = {
	{ .name = "x86-64", .elf = EM_X86_64, .is_64 = true,
	  CODE(0x31, 0xc0,                          /* xor eax, eax: read */
	       0x31, 0xff,                          /* xor edi, edi */
	       0x48, 0x89, 0xe6,                    /* mov rsi, rsp */
	       0xba, 1, 0, 0, 0,                    /* mov edx, 1 */
	       0x0f, 0x05,                          /* syscall */
	       0xbf, 42, 0, 0, 0,                   /* mov edi, 42 */
	       0xb8, 60, 0, 0, 0,                   /* mov eax, 60: exit */
	       0x0f, 0x05) },
	{ .name = "i386", .elf = EM_386,
	  CODE(0xb8, 3, 0, 0, 0,                    /* mov eax, 3: read */
	       0x31, 0xdb,                          /* xor ebx, ebx */
	       0x89, 0xe1,                          /* mov ecx, esp */
	       0xba, 1, 0, 0, 0,                    /* mov edx, 1 */
	       0xcd, 0x80,                          /* int 0x80 */
	       0xbb, 42, 0, 0, 0,                   /* mov ebx, 42 */
	       0xb8, 1, 0, 0, 0,                    /* mov eax, 1: exit */
	       0xcd, 0x80) },
	{ .name = "aarch64", .elf = EM_AARCH64, .is_64 = true,
	  CODE(0x00, 0x00, 0x80, 0xd2,              /* mov x0, #0 */
	       0xe1, 0x03, 0x00, 0x91,              /* mov x1, sp */
	       0x22, 0x00, 0x80, 0xd2,              /* mov x2, #1 */
	       0xe8, 0x07, 0x80, 0xd2,              /* mov x8, #63: read */
	       0x01, 0x00, 0x00, 0xd4,              /* svc #0 */
	       0x40, 0x05, 0x80, 0xd2,              /* mov x0, #42 */
	       0xa8, 0x0b, 0x80, 0xd2,              /* mov x8, #93: exit */
	       0x01, 0x00, 0x00, 0xd4) },
	{ .name = "arm", .elf = EM_ARM, .flags = 0x05000000, /* EABI5 */
	  CODE(0x00, 0x00, 0xa0, 0xe3,              /* mov r0, #0 */
	       0x0d, 0x10, 0xa0, 0xe1,              /* mov r1, sp */
	       0x01, 0x20, 0xa0, 0xe3,              /* mov r2, #1 */
	       0x03, 0x70, 0xa0, 0xe3,              /* mov r7, #3: read */
	       0x00, 0x00, 0x00, 0xef,              /* svc 0 */
	       0x2a, 0x00, 0xa0, 0xe3,              /* mov r0, #42 */
	       0x01, 0x70, 0xa0, 0xe3,              /* mov r7, #1: exit */
	       0x00, 0x00, 0x00, 0xef) },
	{ .name = "riscv64", .elf = EM_RISCV, .is_64 = true,
	  CODE(0x13, 0x05, 0x00, 0x00,              /* li a0, 0 */
	       0x93, 0x05, 0x01, 0x00,              /* mv a1, sp */
	       0x13, 0x06, 0x10, 0x00,              /* li a2, 1 */
	       0x93, 0x08, 0xf0, 0x03,              /* li a7, 63: read */
	       0x73, 0x00, 0x00, 0x00,              /* ecall */
	       0x13, 0x05, 0xa0, 0x02,              /* li a0, 42 */
	       0x93, 0x08, 0xd0, 0x05,              /* li a7, 93: exit */
	       0x73, 0x00, 0x00, 0x00) },
	{ .name = "ppc64le", .elf = EM_PPC64, .is_64 = true, .flags = 2, /* ABI v2 */
	  CODE(0x03, 0x00, 0x00, 0x38,              /* li r0, 3: read */
	       0x00, 0x00, 0x60, 0x38,              /* li r3, 0 */
	       0x78, 0x0b, 0x24, 0x7c,              /* mr r4, r1 */
	       0x01, 0x00, 0xa0, 0x38,              /* li r5, 1 */
	       0x02, 0x00, 0x00, 0x44,              /* sc */
	       0x01, 0x00, 0x00, 0x38,              /* li r0, 1: exit */
	       0x2a, 0x00, 0x60, 0x38,              /* li r3, 42 */
	       0x02, 0x00, 0x00, 0x44) },
	{ .name = "s390x", .elf = EM_S390, .is_64 = true, .is_big_endian = true,
	  CODE(0xa7, 0x29, 0x00, 0x00,              /* lghi %r2, 0 */
	       0xb9, 0x04, 0x00, 0x3f,              /* lgr %r3, %r15 */
	       0xa7, 0x49, 0x00, 0x01,              /* lghi %r4, 1 */
	       0x0a, 0x03,                          /* svc 3: read */
	       0xa7, 0x29, 0x00, 0x2a,              /* lghi %r2, 42 */
	       0x0a, 0x01) },                       /* svc 1: exit */
	{ .name = "mips64le", .elf = EM_MIPS, .is_64 = true, .flags = 0x80000007, /* r2, pic, cpic */
	  CODE(0x88, 0x13, 0x02, 0x24,              /* li v0, 5000: read */
	       0x00, 0x00, 0x04, 0x24,              /* li a0, 0 */
	       0x25, 0x28, 0xa0, 0x03,              /* move a1, sp */
	       0x01, 0x00, 0x06, 0x24,              /* li a2, 1 */
	       0x0c, 0x00, 0x00, 0x00,              /* syscall */
	       0xc2, 0x13, 0x02, 0x24,              /* li v0, 5058: exit */
	       0x2a, 0x00, 0x04, 0x24,              /* li a0, 42 */
	       0x0c, 0x00, 0x00, 0x00) },
	{ .name = "loongarch64", .elf = 258, .is_64 = true, .flags = 0x43, /* objabi v1, lp64d */
	  CODE(0x04, 0x00, 0x80, 0x03,              /* li.w a0, 0 */
	       0x65, 0x00, 0x15, 0x00,              /* move a1, sp */
	       0x06, 0x04, 0x80, 0x03,              /* li.w a2, 1 */
	       0x0b, 0xfc, 0x80, 0x03,              /* li.w a7, 63: read */
	       0x00, 0x00, 0x2b, 0x00,              /* syscall 0 */
	       0x04, 0xa8, 0x80, 0x03,              /* li.w a0, 42 */
	       0x0b, 0x74, 0x81, 0x03,              /* li.w a7, 93: exit */
	       0x00, 0x00, 0x2b, 0x00) },
};

const struct probe_machine *probe_machines(size_t *ret_count)
{
	*ret_count = sizeof(machines) / sizeof(machines[0]);
	return machines;
}

const struct probe_machine *probe_machine_find(unsigned elf)
{
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		if (machines[i].elf == elf)
			return &machines[i];
	}
	return NULL;
}

const struct probe_machine *probe_machine_own(void)
{
#if defined(__x86_64__)
	return probe_machine_find(EM_X86_64);
#elif defined(__i386__)
	return probe_machine_find(EM_386);
#elif defined(__aarch64__) && !defined(__AARCH64EB__)
	return probe_machine_find(EM_AARCH64);
#elif defined(__arm__) && !defined(__ARMEB__)
	return probe_machine_find(EM_ARM);
#elif defined(__riscv) && __riscv_xlen == 64
	return probe_machine_find(EM_RISCV);
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
	return probe_machine_find(EM_PPC64);
#elif defined(__s390x__)
	return probe_machine_find(EM_S390);
#elif defined(__mips64) && defined(__MIPSEL__)
	return probe_machine_find(EM_MIPS);
#elif defined(__loongarch64)
	return probe_machine_find(258);
#else
	return NULL;
#endif
}

struct writer {
	unsigned char *out;
	size_t len;
	bool is_big_endian;
};

static void put(struct writer *writer, size_t size, uint64_t value)
{
	for (size_t i = 0; i < size; i++) {
		size_t shift = 8 * (writer->is_big_endian ? size - 1 - i : i);

		writer->out[writer->len++] = (unsigned char)(value >> shift);
	}
}

static void program_header(struct writer *writer, const struct probe_machine *machine, uint64_t base, uint64_t size)
{
	size_t word = machine->is_64 ? 8 : 4;

	put(writer, 4, PT_LOAD);
	if (machine->is_64)
		put(writer, 4, PF_R | PF_X);
	put(writer, word, 0);    /* offset: the whole file */
	put(writer, word, base);
	put(writer, word, base);
	put(writer, word, size);
	put(writer, word, size);
	if (!machine->is_64)
		put(writer, 4, PF_R | PF_X);
	put(writer, word, 0x10000);
}

size_t probe_elf(const struct probe_machine *machine, unsigned char out[PROBE_ELF_MAX])
{
	struct writer writer = { .out = out, .is_big_endian = machine->is_big_endian };
	size_t word = machine->is_64 ? 8 : 4, header = machine->is_64 ? 64 : 52, program = machine->is_64 ? 56 : 32;
	uint64_t base = 0x10000000, size = header + program + machine->code_len;

	memset(out, 0, PROBE_ELF_MAX);
	memcpy(out, ELFMAG, SELFMAG);
	out[EI_CLASS] = machine->is_64 ? ELFCLASS64 : ELFCLASS32;
	out[EI_DATA] = machine->is_big_endian ? ELFDATA2MSB : ELFDATA2LSB;
	out[EI_VERSION] = EV_CURRENT;
	writer.len = EI_NIDENT;
	put(&writer, 2, ET_EXEC);
	put(&writer, 2, machine->elf);
	put(&writer, 4, EV_CURRENT);
	put(&writer, word, base + header + program); /* entry */
	put(&writer, word, header);                  /* program headers */
	put(&writer, word, 0);
	put(&writer, 4, machine->flags);
	put(&writer, 2, header);
	put(&writer, 2, program);
	put(&writer, 2, 1);
	put(&writer, 2, 0);
	put(&writer, 2, 0);
	put(&writer, 2, 0);
	program_header(&writer, machine, base, size);
	memcpy(out + writer.len, machine->code, machine->code_len);
	return size;
}
