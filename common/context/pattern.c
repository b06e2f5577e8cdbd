/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BuildKit turns a pattern into a regular expression, with short cuts for plain text, "text**" and
 * "**text" that match differently from the expression: the short cuts are kept here for that reason.
 * The expression is a list of tokens, run as a set of states.
 */
#include "common/context/pattern.h"

#include <stdint.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/mem.h"

enum kind { EXACT, PREFIX, SUFFIX, TOKENS };

enum token_kind {
	T_RUNE,
	T_ANY,       /* ?: one that is not a slash */
	T_STAR,      /* *: any number that are not slashes */
	T_CLASS,
	T_DEEP,      /* **: "(.*" then "/)?", the way in */
	T_DEEP_LOOP, /* follows each T_DEEP: inside the .* */
	T_ALL,       /* ** at the end */
};

struct range {
	uint32_t low, high;
};

struct token {
	enum token_kind kind;
	uint32_t rune;
	bool is_negated;
	size_t first_range, range_count;
};

struct pattern {
	enum kind kind;
	char *text;
	struct token *tokens;
	size_t token_count;
	struct range *ranges;
	size_t range_count;
};

/* An invalid byte is one rune of its own, out of Unicode's range so that only itself equals it. */
static size_t rune_read(const char *text, uint32_t *ret_rune)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t len = s[0] < 0x80 ? 1 : s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : s[0] >= 0xc2 ? 2 : 0;
	uint32_t rune = len == 1 ? s[0] : len ? s[0] & (0xffu >> (len + 1)) : 0;

	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			len = 0;
		else
			rune = rune << 6 | (s[i] & 0x3f);
	}
	if (len == 0) {
		*ret_rune = 0x110000u + s[0];
		return 1;
	}
	*ret_rune = rune;
	return len;
}

void pattern_free(struct pattern *pattern)
{
	if (!pattern)
		return;
	mem_free(pattern->text);
	mem_free(pattern->tokens);
	mem_free(pattern->ranges);
	mem_free(pattern);
}
DEFINE_CLEANUP(struct pattern *, pattern_free)

const char *pattern_text(const struct pattern *pattern)
{
	return pattern->text;
}

bool pattern_is_literal(const struct pattern *pattern)
{
	return pattern->kind == EXACT;
}

static struct token *token_add(struct pattern *pattern, enum token_kind kind)
{
	struct token *token = &pattern->tokens[pattern->token_count++];

	*token = (struct token){ .kind = kind };
	return token;
}

/* One end of a range, or a single character, in brackets. */
static int class_rune(const char **at, uint32_t *ret_rune)
{
	if (**at == '\0' || **at == '-' || **at == ']')
		return -1;
	if (**at == '\\')
		(*at)++;
	if (**at == '\0')
		return -1;
	*at += rune_read(*at, ret_rune);
	return 0;
}

/* at stands behind the bracket, and behind its partner afterwards. */
static int class_parse(struct pattern *pattern, const char **at, struct error *err)
{
	struct token *token = token_add(pattern, T_CLASS);

	token->first_range = pattern->range_count;
	if (**at == '^') {
		token->is_negated = true;
		(*at)++;
	}
	while (**at != ']' || token->range_count == 0) {
		struct range *range = &pattern->ranges[pattern->range_count];

		if (class_rune(at, &range->low) < 0)
			return error_set(err, ERR_INVALID, "the [...] in it is not closed or empty");
		range->high = range->low;
		if (**at == '-') {
			(*at)++;
			if (class_rune(at, &range->high) < 0)
				return error_set(err, ERR_INVALID, "a range in [...] has no end");
		}
		if (range->high < range->low)
			return error_set(err, ERR_INVALID, "a range in [...] runs backwards");
		pattern->range_count++;
		token->range_count++;
	}
	(*at)++;
	return 0;
}

/* at stands behind the first star. */
static void stars_parse(struct pattern *pattern, const char **at)
{
	bool is_first = *at == pattern->text + 1;

	if (**at != '*') {
		token_add(pattern, T_STAR);
		pattern->kind = TOKENS;
		return;
	}
	(*at)++;
	if (**at == '/')
		(*at)++;
	if (**at == '\0') {
		token_add(pattern, T_ALL);
		pattern->kind = pattern->kind == EXACT ? PREFIX : TOKENS;
	} else {
		token_add(pattern, T_DEEP);
		token_add(pattern, T_DEEP_LOOP);
		pattern->kind = TOKENS;
	}
	if (is_first)
		pattern->kind = SUFFIX;
}

static int token_parse(struct pattern *pattern, const char **at, struct error *err)
{
	char c = **at;

	if (c == '*') {
		(*at)++;
		stars_parse(pattern, at);
		return 0;
	}
	if (c == '?' || c == '[' || c == '\\') {
		(*at)++;
		pattern->kind = TOKENS;
	}
	if (c == '?') {
		token_add(pattern, T_ANY);
		return 0;
	}
	if (c == '[')
		return class_parse(pattern, at, err);
	if (c == '\\' && **at == '\0')
		return error_set(err, ERR_INVALID, "it ends in a backslash");
	if (c == ']')
		pattern->kind = TOKENS;
	*at += rune_read(*at, &token_add(pattern, T_RUNE)->rune);
	return 0;
}

int pattern_new(const char *text, struct pattern **ret_pattern, struct error *err)
{
	CLEANUP(pattern_freep) struct pattern *pattern = mem_alloc(sizeof(*pattern));
	size_t len = strlen(text);
	const char *at;

	pattern->text = mem_strdup(text);
	pattern->tokens = mem_alloc((len + 2) * sizeof(*pattern->tokens));
	pattern->ranges = mem_alloc((len + 1) * sizeof(*pattern->ranges));
	at = pattern->text;
	while (*at) {
		if (token_parse(pattern, &at, err) < 0)
			return -1;
	}
	*ret_pattern = TAKE(pattern);
	return 0;
}

static bool class_has(const struct pattern *pattern, const struct token *token, uint32_t rune)
{
	for (size_t i = 0; i < token->range_count; i++) {
		const struct range *range = &pattern->ranges[token->first_range + i];

		if (rune >= range->low && rune <= range->high)
			return !token->is_negated;
	}
	return token->is_negated;
}

/* States that need no character to be reached. */
static void states_settle(const struct pattern *pattern, bool *states)
{
	for (size_t i = 0; i < pattern->token_count; i++) {
		enum token_kind kind = pattern->tokens[i].kind;

		if (!states[i])
			continue;
		if (kind == T_STAR || kind == T_ALL || kind == T_DEEP)
			states[i + 1] = true;
		if (kind == T_DEEP)
			states[i + 2] = true;
		/* The loop is left by a slash only: the state behind it is set by T_DEEP or by states_step. */
	}
}

static void state_step(const struct pattern *pattern, size_t i, uint32_t rune, bool *next)
{
	const struct token *token = &pattern->tokens[i];

	switch (token->kind) {
	case T_RUNE:
		next[i + 1] |= rune == token->rune;
		break;
	case T_ANY:
		next[i + 1] |= rune != '/';
		break;
	case T_CLASS:
		next[i + 1] |= class_has(pattern, token, rune);
		break;
	case T_STAR:
		next[i] |= rune != '/';
		break;
	case T_ALL:
		next[i] |= rune != '\n';
		break;
	case T_DEEP_LOOP:
		next[i] |= rune != '\n';
		next[i + 1] |= rune == '/';
		break;
	case T_DEEP:
		break;
	}
}

static bool tokens_match(const struct pattern *pattern, const char *path)
{
	size_t count = pattern->token_count + 1;
	CLEANUP(mem_freep) bool *states = mem_alloc(2 * count + 1);
	bool *now = states, *next = states + count;

	now[0] = true;
	states_settle(pattern, now);
	while (*path) {
		bool *swap = now;
		uint32_t rune;

		path += rune_read(path, &rune);
		memset(next, 0, count);
		for (size_t i = 0; i < pattern->token_count; i++) {
			if (now[i])
				state_step(pattern, i, rune, next);
		}
		states_settle(pattern, next);
		now = next;
		next = swap;
	}
	return now[pattern->token_count];
}

static bool suffix_matches(const char *suffix, const char *path)
{
	size_t len = strlen(path), suffix_len = strlen(suffix);

	if (len >= suffix_len && strcmp(path + len - suffix_len, suffix) == 0)
		return true;
	return suffix[0] == '/' && strcmp(path, suffix + 1) == 0;
}

bool pattern_matches(const struct pattern *pattern, const char *path)
{
	switch (pattern->kind) {
	case EXACT:
		return strcmp(path, pattern->text) == 0;
	case PREFIX:
		return strncmp(path, pattern->text, strlen(pattern->text) - 2) == 0;
	case SUFFIX:
		return suffix_matches(pattern->text + 2, path);
	case TOKENS:
		break;
	}
	return tokens_match(pattern, path);
}
