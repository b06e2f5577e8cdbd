/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the kernel's binfmt_misc entries and matches them against an ELF as the kernel does. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "worker/probe.h"

#define BINFMT_DIR "/proc/sys/fs/binfmt_misc"
#define ENTRY_MAX 4096

static bool entry_read(const char *name, char text[ENTRY_MAX])
{
	char path[sizeof(BINFMT_DIR) + 260];
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), BINFMT_DIR "/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	got = read(fd, text, ENTRY_MAX - 1);
	close(fd);
	text[got > 0 ? got : 0] = '\0';
	return got > 0;
}

/* The rest of the line that begins with this word; "" when there is none. */
static void line_find(const char *text, const char *word, char *dst, size_t size)
{
	size_t word_len = strlen(word);

	dst[0] = '\0';
	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		size_t len = strcspn(line, "\n");

		if (strncmp(line, word, word_len) == 0 && len - word_len < size) {
			memcpy(dst, line + word_len, len - word_len);
			dst[len - word_len] = '\0';
			return;
		}
	}
}

static size_t hex_bytes(const char *hex, unsigned char *out, size_t max)
{
	size_t len = 0;
	unsigned value;

	while (len < max && sscanf(hex + 2 * len, "%2x", &value) == 1 && hex[2 * len + 1])
		out[len++] = (unsigned char)value;
	return len;
}

static bool entry_takes(const char *text, const unsigned char elf[PROBE_ELF_MAX])
{
	char magic_text[2 * PROBE_ELF_MAX + 1], mask_text[2 * PROBE_ELF_MAX + 1], offset_text[16];
	unsigned char magic[PROBE_ELF_MAX], mask[PROBE_ELF_MAX];
	size_t len, mask_len, offset;

	line_find(text, "magic ", magic_text, sizeof(magic_text));
	line_find(text, "mask ", mask_text, sizeof(mask_text));
	line_find(text, "offset ", offset_text, sizeof(offset_text));
	len = hex_bytes(magic_text, magic, sizeof(magic));
	mask_len = hex_bytes(mask_text, mask, sizeof(mask));
	offset = strtoul(offset_text, NULL, 10);
	if (len == 0 || offset > PROBE_ELF_MAX - len)
		return false; /* by file name extension, or not our ELF's beginning */
	for (size_t i = 0; i < len; i++) {
		if ((elf[offset + i] ^ magic[i]) & (i < mask_len ? mask[i] : 0xff))
			return false;
	}
	return true;
}

static void closedirp(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

void probe_handlers_find(const struct probe_machine *machine, struct probe_handlers *ret)
{
	CLEANUP(closedirp) DIR *dir = opendir(BINFMT_DIR);
	unsigned char elf[PROBE_ELF_MAX];
	char text[ENTRY_MAX];
	struct dirent *entry;

	*ret = (struct probe_handlers){ 0 };
	probe_elf(machine, elf);
	ret->is_mounted = dir && entry_read("status", text);
	if (!ret->is_mounted || strncmp(text, "enabled", 7) != 0)
		return;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || strcmp(entry->d_name, "register") == 0 ||
		    strcmp(entry->d_name, "status") == 0)
			continue;
		if (!entry_read(entry->d_name, text) || strncmp(text, "enabled", 7) != 0 || !entry_takes(text, elf))
			continue;
		snprintf(ret->match, sizeof(ret->match), "%.63s", entry->d_name);
		line_find(text, "interpreter ", ret->interpreter, sizeof(ret->interpreter));
		return;
	}
}
