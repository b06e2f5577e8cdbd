/* SPDX-License-Identifier: Apache-2.0 */
#include "common/oci/platform.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

/* Spellings of architecture and variant, and what they are the same as. NULL: any variant, "" becomes variant. */
static const struct spelling {
	const char *architecture, *variant;
	const char *same_architecture, *same_variant;
} spellings[] = {
	{ "x86_64", NULL, "amd64", NULL },  { "x86-64", NULL, "amd64", NULL }, { "i386", NULL, "386", "" },
	{ "386", NULL, "386", "" },         { "aarch64", NULL, "arm64", NULL }, { "armhf", NULL, "arm", "v7" },
	{ "armel", NULL, "arm", "v6" },     { "amd64", "v1", "amd64", "" },    { "arm64", "8", "arm64", "" },
	{ "arm64", "v8", "arm64", "" },     { "arm64", "v8.0", "arm64", "" },  { "arm64", "8.0", "arm64", "" },
	{ "arm64", "9", "arm64", "v9" },    { "arm64", "9.0", "arm64", "v9" }, { "arm64", "v9.0", "arm64", "v9" },
	{ "arm", "", "arm", "v7" },         { "arm", "5", "arm", "v5" },       { "arm", "6", "arm", "v6" },
	{ "arm", "7", "arm", "v7" },        { "arm", "8", "arm", "v8" },
};

static const char *const known_os[] = { "linux", "windows", "darwin", "freebsd" };
static const char *const known_architectures[] = {
	"amd64", "arm64", "arm", "386", "ppc64le", "s390x", "riscv64", "loong64", "mips64le", "mips64", "mipsle", "mips",
	"ppc64",
};

#define PART_SIZE 32
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool is_one_of(const char *word, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(word, list[i]) == 0)
			return true;
	return false;
}

/* Lower case into dst; -1 when it is too long or holds what no name of a platform holds. */
static int copy_part(char *dst, size_t size, const char *part)
{
	size_t i;

	for (i = 0; part[i]; i++) {
		unsigned char c = (unsigned char)part[i];

		if (i + 1 >= size || c >= 0x80 || (!isalnum(c) && c != '_' && c != '-' && c != '.'))
			return -1;
		dst[i] = (char)tolower(c);
	}
	dst[i] = '\0';
	return 0;
}

static void put(char *dst, size_t size, const char *text)
{
	if (text)
		text_copy(dst, size, text);
}

/* In the order of the table, so that a spelling of the architecture is settled before its variants are. */
static void normalise(struct platform *p)
{
	if (strcmp(p->os, "macos") == 0)
		put(p->os, sizeof(p->os), "darwin");
	for (size_t i = 0; i < COUNT(spellings); i++) {
		const struct spelling *s = &spellings[i];

		if (strcmp(p->architecture, s->architecture) != 0)
			continue;
		if (s->variant && strcmp(p->variant, s->variant) != 0)
			continue;
		put(p->architecture, sizeof(p->architecture), s->same_architecture);
		put(p->variant, sizeof(p->variant), s->same_variant);
	}
}

int platform_from_parts(const char *os, const char *architecture, const char *variant,
			struct platform *ret_platform, struct error *err)
{
	struct platform p;

	if (!os || !*os || copy_part(p.os, sizeof(p.os), os) < 0)
		return error_set(err, ERR_INVALID, "platform: \"%.32s\" is no operating system; linux is one",
				 os ? os : "");
	if (!architecture || !*architecture || copy_part(p.architecture, sizeof(p.architecture), architecture) < 0)
		return error_set(err, ERR_INVALID, "platform: \"%.32s\" is no architecture; amd64 and arm64 are",
				 architecture ? architecture : "");
	if (copy_part(p.variant, sizeof(p.variant), variant ? variant : "") < 0)
		return error_set(err, ERR_INVALID, "platform: \"%.32s\" is no variant; v3 and v7 are", variant);
	normalise(&p);
	*ret_platform = p;
	return 0;
}

/* What is asked for must exist: a misspelt platform would wait for its worker for ever. */
static bool variant_exists(const struct platform *p)
{
	static const char *const amd64[] = { "", "v2", "v3", "v4" };
	static const char *const arm[] = { "v5", "v6", "v7", "v8" };
	const char *v = p->variant;

	if (strcmp(p->architecture, "amd64") == 0)
		return is_one_of(v, amd64, COUNT(amd64));
	if (strcmp(p->architecture, "arm") == 0)
		return is_one_of(v, arm, COUNT(arm));
	if (strcmp(p->architecture, "arm64") != 0 || !*v || strcmp(v, "v9") == 0)
		return true;
	return (strncmp(v, "v8.", 3) == 0 || strncmp(v, "v9.", 3) == 0) && isdigit((unsigned char)v[3]) &&
	       (!v[4] || (isdigit((unsigned char)v[4]) && !v[5]));
}

static const char *variants_of(const struct platform *p)
{
	if (strcmp(p->architecture, "amd64") == 0)
		return "none, v2, v3 and v4";
	if (strcmp(p->architecture, "arm") == 0)
		return "v5, v6, v7 and v8";
	return "none, v8.1 to v8.9, v9 and v9.1 to v9.9";
}

/* Two or three parts, none of them empty; else -1. */
static int split_parts(const char *text, char parts[3][PART_SIZE])
{
	for (int count = 0; count < 3; count++) {
		size_t len = strcspn(text, "/");

		if (len == 0 || len >= PART_SIZE)
			return -1;
		memcpy(parts[count], text, len);
		parts[count][len] = '\0';
		if (!text[len])
			return count > 0 ? 0 : -1;
		text += len + 1;
	}
	return -1;
}

int platform_parse(const char *text, struct platform *ret_platform, struct error *err)
{
	char parts[3][PART_SIZE] = { "", "", "" };
	struct platform p;

	if (split_parts(text, parts) < 0)
		return error_set(err, ERR_INVALID,
				 "platform \"%.48s\": write os/architecture[/variant], for example linux/arm64", text);
	if (platform_from_parts(parts[0], parts[1], parts[2], &p, err) < 0)
		return -1;
	if (!is_one_of(p.os, known_os, COUNT(known_os)))
		return error_set(err, ERR_INVALID, "platform \"%.48s\": unknown operating system %s; "
				 "linux/arm64 is a platform", text, p.os);
	if (!is_one_of(p.architecture, known_architectures, COUNT(known_architectures)))
		return error_set(err, ERR_INVALID, "platform \"%.48s\": unknown architecture %s; amd64, arm64, arm, "
				 "386, ppc64le, s390x, riscv64 and loong64 are known", text, p.architecture);
	if (!variant_exists(&p))
		return error_set(err, ERR_INVALID, "platform \"%.48s\": %s has no variant %s; it has %s", text,
				 p.architecture, p.variant, variants_of(&p));
	*ret_platform = p;
	return 0;
}

void platform_format(const struct platform *platform, char text[PLATFORM_TEXT_MAX])
{
	snprintf(text, PLATFORM_TEXT_MAX, "%s/%s%s%s", platform->os, platform->architecture,
		 platform->variant[0] ? "/" : "", platform->variant);
}

bool platform_equal(const struct platform *a, const struct platform *b)
{
	return platform_compare(a, b) == 0;
}

/* "v8.2" before "v8.10" before "v9"; what is no number is ordered as text. */
static int compare_variants(const char *a, const char *b)
{
	const char *x = a, *y = b;

	while (*x && *y) {
		if (isdigit((unsigned char)*x) && isdigit((unsigned char)*y)) {
			char *x_end, *y_end;
			unsigned long m = strtoul(x, &x_end, 10);
			unsigned long n = strtoul(y, &y_end, 10);

			if (m != n)
				return m < n ? -1 : 1;
			x = x_end;
			y = y_end;
		} else if (*x++ != *y++) {
			return strcmp(a, b);
		}
	}
	if (*x || *y)
		return *x ? 1 : -1;
	return strcmp(a, b);
}

int platform_compare(const struct platform *a, const struct platform *b)
{
	int order = strcmp(a->os, b->os);

	if (order == 0)
		order = strcmp(a->architecture, b->architecture);
	return order != 0 ? order : compare_variants(a->variant, b->variant);
}
