/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line of a .dockerignore, compiled. Matching takes time proportional to pattern times path,
 * whatever stars there are. Only for ignore.c. Pure.
 */
#ifndef COMMON_CONTEXT_PATTERN_H
#define COMMON_CONTEXT_PATTERN_H

#include <stdbool.h>

#include "common/error.h"

struct pattern;

/* text: cleaned, without `!`. ERR_INVALID says what is wrong. */
int pattern_new(const char *text, struct pattern **ret_pattern, struct error *err);
void pattern_free(struct pattern *pattern);

bool pattern_matches(const struct pattern *pattern, const char *path);

/* As given; and whether it is plain text, matched by that path alone. */
const char *pattern_text(const struct pattern *pattern);
bool pattern_is_literal(const struct pattern *pattern);

#endif
