/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Executing a tiny static ELF of a machine, to see who runs it: nobody (ENOEXEC), this CPU, or an
 * emulator the kernel was told of. Only for facts.c. Any thread.
 */
#ifndef WORKER_PROBE_H
#define WORKER_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

#define PROBE_ELF_MAX 256
#define PROBE_EXIT_CODE 42

struct probe_machine {
	const char *name;  /* "aarch64" */
	uint16_t elf;      /* e_machine */
	bool is_64, is_big_endian;
	uint32_t flags;    /* e_flags */
	unsigned char code[48]; /* reads a byte from stdin, then exits with PROBE_EXIT_CODE */
	size_t code_len;
};

const struct probe_machine *probe_machines(size_t *ret_count);
/* NULL when there is none of that e_machine. */
const struct probe_machine *probe_machine_find(unsigned elf);
/* The one this program was compiled for; NULL when we have no ELF of it. */
const struct probe_machine *probe_machine_own(void);

size_t probe_elf(const struct probe_machine *machine, unsigned char out[PROBE_ELF_MAX]);

enum probe_outcome { PROBE_REFUSED, PROBE_EXECUTED, PROBE_EMULATED };

/* EMULATED: how says by what ("/usr/bin/qemu-arm") or what happened instead of ENOEXEC. -1: it cannot be told, ERR_IO. */
int probe_run(const struct probe_machine *machine, const char *scratch_dir, enum probe_outcome *ret_outcome,
	      char ret_how[128], struct error *err);

/* What the kernel's list of handlers says. */
struct probe_handlers {
	bool is_mounted;
	char match[64]; /* the enabled entry that takes this ELF; "" for none */
	char interpreter[128];
};
void probe_handlers_find(const struct probe_machine *machine, struct probe_handlers *ret);

/* This CPU: its name, and of x86-64 the level (1 to 4; 0 elsewhere) and the hypervisor's own name ("KVMKVMKVM"). */
struct probe_cpu {
	char name[128];
	int x86_level;
	char hypervisor[16];
};
void probe_cpu_take(struct probe_cpu *ret);

#endif
