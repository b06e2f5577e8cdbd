/* SPDX-License-Identifier: Apache-2.0 */
#include "common/oci/challenge.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define BLANK " \t"

/* RFC 9110 5.6.2 */
static size_t token_len(const char *text)
{
	size_t len = 0;

	while (isalnum((unsigned char)text[len]) || (text[len] && strchr("!#$%&'*+-.^_`|~", text[len])))
		len++;
	return len;
}

/* One value, quoted or not, into dst ("" when it does not fit); returns where it ends. */
static const char *read_value(const char *at, char *dst, size_t size)
{
	size_t len = 0;
	bool is_quoted = *at == '"';

	at += is_quoted;
	while (*at && (is_quoted ? *at != '"' : !strchr(", \t", *at))) {
		if (is_quoted && *at == '\\' && at[1])
			at++;
		if (len + 1 < size)
			dst[len] = *at;
		len++;
		at++;
	}
	dst[len < size ? len : 0] = '\0';
	return is_quoted && *at ? at + 1 : at;
}

static const char *read_params(const char *at, struct challenge *one)
{
	for (;;) {
		const char *begin = at + strspn(at, BLANK ",");
		size_t name = token_len(begin);
		const char *equals = begin + name + strspn(begin + name, BLANK);
		char value[512];

		/* A word without "=" is the next challenge's scheme. */
		if (!name || *equals != '=')
			return begin;
		at = read_value(equals + 1 + strspn(equals + 1, BLANK), value, sizeof(value));
		if (name == 5 && strncasecmp(begin, "realm", name) == 0)
			snprintf(one->realm, sizeof(one->realm), "%s", value);
		else if (name == 7 && strncasecmp(begin, "service", name) == 0)
			snprintf(one->service, sizeof(one->service), "%.255s", value);
		else if (name == 5 && strncasecmp(begin, "scope", name) == 0)
			snprintf(one->scope, sizeof(one->scope), "%s", value);
	}
}

void challenge_read(const char *header, struct challenge *challenge)
{
	const char *at = header + strspn(header, BLANK ",");
	size_t scheme;

	while ((scheme = token_len(at)) > 0) {
		struct challenge one = { .kind = CHALLENGE_NONE };

		if (scheme == 5 && strncasecmp(at, "basic", scheme) == 0)
			one.kind = CHALLENGE_BASIC;
		else if (scheme == 6 && strncasecmp(at, "bearer", scheme) == 0)
			one.kind = CHALLENGE_BEARER;
		at = read_params(at + scheme, &one);
		if (one.kind == CHALLENGE_BEARER && !one.realm[0])
			continue;
		if (one.kind > challenge->kind)
			*challenge = one;
	}
}
