/* SPDX-License-Identifier: Apache-2.0 */
#include "common/nearest.h"

#include <ctype.h>
#include <string.h>

#define NAME_MAX_LEN 64

static int fold(char c)
{
	return c == '_' ? '-' : tolower((unsigned char)c);
}

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Letters to add, drop or change (Levenshtein), one row at a time. Both shorter than NAME_MAX_LEN. */
static size_t distance(const char *a, const char *b)
{
	size_t row[NAME_MAX_LEN + 1];
	size_t b_len = strlen(b);

	for (size_t j = 0; j <= b_len; j++)
		row[j] = j;
	for (size_t i = 0; a[i]; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < b_len; j++) {
			size_t above = row[j + 1];

			row[j + 1] = min3(above + 1, row[j] + 1, diagonal + (fold(a[i]) != fold(b[j])));
			diagonal = above;
		}
	}
	return row[b_len];
}

const char *nearest_name(const char *name, const char *const *known, size_t count)
{
	size_t len = strlen(name);
	size_t best = len / 3 + 1; /* more mistakes than this is another word */
	const char *nearest = NULL;

	if (len < 2 || len >= NAME_MAX_LEN)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		size_t far;

		if (strlen(known[i]) >= NAME_MAX_LEN)
			continue;
		far = distance(name, known[i]);
		if (far < best || (far == best && !nearest)) {
			best = far;
			nearest = known[i];
		}
	}
	return nearest;
}
