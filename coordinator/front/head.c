/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/front/head.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/mem.h"

/* Headers whose doubling changes what a request means. */
enum single { SINGLE_HOST, SINGLE_LENGTH, SINGLE_ENCODING, SINGLE_AUTHORIZATION, SINGLE_EXPECT, SINGLE_RANGE, SINGLE_COUNT };

static const char *const singles[SINGLE_COUNT] = {
	[SINGLE_HOST] = "Host",
	[SINGLE_LENGTH] = "Content-Length",
	[SINGLE_ENCODING] = "Transfer-Encoding",
	[SINGLE_AUTHORIZATION] = "Authorization",
	[SINGLE_EXPECT] = "Expect",
	[SINGLE_RANGE] = "Range",
};

int refuse(struct refusal *ret_refusal, int status, const char *code, const char *fmt, ...)
{
	va_list args;

	ret_refusal->status = status;
	ret_refusal->allow[0] = '\0';
	snprintf(ret_refusal->code, sizeof(ret_refusal->code), "%s", code);
	va_start(args, fmt);
	vsnprintf(ret_refusal->message, sizeof(ret_refusal->message), fmt, args);
	va_end(args);
	return -1;
}

static int malformed(struct refusal *ret, const char *what)
{
	return refuse(ret, 400, "invalid", "malformed request: %s", what);
}

static bool is_token(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)text[i]) && (!text[i] || !strchr("!#$%&'*+-.^_`|~", text[i])))
			return false;
	}
	return len > 0;
}

static bool is_known_method(const char *method)
{
	static const char *const methods[] = { "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS" };

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (!strcmp(methods[i], method))
			return true;
	}
	return false;
}

static int check_target(const char *target, struct refusal *ret)
{
	if (target[0] != '/')
		return malformed(ret, "the target must be a path that begins with /");
	if (target[1] == '/')
		return malformed(ret, "the path begins with //");
	for (const char *at = target; *at; at++) {
		if (*at <= ' ' || *at >= 0x7f || *at == '#')
			return malformed(ret, "a byte in the target that must be percent-encoded");
	}
	return 0;
}

/* line: METHOD SP target SP HTTP/1.x, cut in place. */
static int read_request_line(struct head *head, char *line, struct refusal *ret)
{
	char *target = strchr(line, ' ');
	char *version = target ? strchr(target + 1, ' ') : NULL;

	if (!version)
		return malformed(ret, "the first line must be METHOD /path HTTP/1.1");
	*target++ = '\0';
	*version++ = '\0';
	if (!strcmp(version, "HTTP/1.1"))
		head->minor = 1;
	else if (!strcmp(version, "HTTP/1.0"))
		head->minor = 0;
	else
		return malformed(ret, "the version must be HTTP/1.1 or HTTP/1.0");
	if (!is_token(line, strlen(line)))
		return malformed(ret, "the method is not a word");
	if (text_copy(head->method, sizeof(head->method), line) < 0 || !is_known_method(line))
		return refuse(ret, 501, "unsupported", "method %.16s is not known here", line);
	if (check_target(target, ret) < 0)
		return -1;
	head->target = target;
	return 0;
}

static void read_bearer(struct head *head, const char *value)
{
	head->has_authorization = true;
	if (strncasecmp(value, "Bearer ", 7))
		return;
	value += 7 + strspn(value + 7, " ");
	text_copy(head->bearer, sizeof(head->bearer), value);
}

static int read_length(struct head *head, const char *value, struct refusal *ret)
{
	size_t len = strlen(value);

	if (!len || strspn(value, "0123456789") != len)
		return malformed(ret, "Content-Length must be digits only");
	if (len > 18)
		return refuse(ret, 413, "too_large", "Content-Length %.20s is more than anything here takes", value);
	head->content_length = strtoll(value, NULL, 10);
	return 0;
}

static int read_single(struct head *head, enum single which, const char *value, struct refusal *ret)
{
	switch (which) {
	case SINGLE_LENGTH:
		return read_length(head, value, ret);
	case SINGLE_ENCODING:
		return refuse(ret, 411, "length_required",
			      "a body must come with Content-Length, not with Transfer-Encoding");
	case SINGLE_AUTHORIZATION:
		read_bearer(head, value);
		return 0;
	case SINGLE_EXPECT:
		if (strcasecmp(value, "100-continue"))
			return refuse(ret, 417, "invalid", "Expect: only 100-continue is understood");
		return 0;
	default:
		return 0;
	}
}

/* Splits line in place; *ret_value is trimmed. */
static int split_header(char *line, char **ret_value, struct refusal *ret)
{
	char *colon = strchr(line, ':');
	char *end;

	if (line[0] == ' ' || line[0] == '\t')
		return malformed(ret, "a header continued on a second line");
	if (!colon || !is_token(line, (size_t)(colon - line)))
		return malformed(ret, "a header must be Name: value, without a blank before the colon");
	*colon++ = '\0';
	colon += strspn(colon, " \t");
	end = colon + strlen(colon);
	while (end > colon && (end[-1] == ' ' || end[-1] == '\t'))
		*--end = '\0';
	for (const char *at = colon; *at; at++) {
		if (((unsigned char)*at < ' ' && *at != '\t') || *at == 0x7f)
			return malformed(ret, "a control byte in a header");
	}
	*ret_value = colon;
	return 0;
}

static int read_header(struct head *head, char *line, unsigned *seen, struct refusal *ret)
{
	char *value = NULL;

	if (split_header(line, &value, ret) < 0)
		return -1;
	for (int i = 0; i < SINGLE_COUNT; i++) {
		if (strcasecmp(line, singles[i]))
			continue;
		if (*seen & 1u << i)
			return refuse(ret, 400, "invalid", "malformed request: more than one %s", singles[i]);
		*seen |= 1u << i;
		return read_single(head, (enum single)i, value, ret);
	}
	return 0;
}

/* raw is whole lines that end in CRLF, the last one empty; no NUL, no other CR or LF. */
static int read_head(struct head *head, struct refusal *ret)
{
	char *line = head->raw.data;
	bool has_body_method;
	unsigned seen = 0;

	for (bool is_first = true;; is_first = false) {
		char *end = strstr(line, "\r\n");

		if (end == line && !is_first)
			break;
		*end = '\0';
		if ((is_first ? read_request_line(head, line, ret) : read_header(head, line, &seen, ret)) < 0)
			return -1;
		line = end + 2;
	}
	if (head->minor >= 1 && !(seen & 1u << SINGLE_HOST))
		return malformed(ret, "no Host header");
	has_body_method = !strcmp(head->method, "POST") || !strcmp(head->method, "PUT") || !strcmp(head->method, "PATCH");
	if (head->content_length > 0 && !has_body_method)
		return refuse(ret, 400, "invalid", "malformed request: a %s with a body", head->method);
	return HEAD_COMPLETE;
}

int head_feed(struct head *head, const char *data, size_t len, struct refusal *ret_refusal)
{
	for (size_t i = 0; i < len; i++) {
		char last = head->raw.len ? head->raw.data[head->raw.len - 1] : '\0';

		if (!head->raw.len && !isupper((unsigned char)data[i]))
			return malformed(ret_refusal, data[i] == 0x16 ? "TLS was spoken, this port speaks plain HTTP" :
									"it does not begin with a method");
		if (!data[i])
			return malformed(ret_refusal, "a NUL byte in the head");
		if ((data[i] == '\n') != (last == '\r'))
			return malformed(ret_refusal, "a line that does not end in CR LF");
		if (head->raw.len >= HEAD_BYTES_MAX)
			return refuse(ret_refusal, 431, "too_large", "the head of the request is longer than %d bytes",
				      HEAD_BYTES_MAX);
		buf_append(&head->raw, &data[i], 1);
		if (data[i] == '\n' && head->raw.len >= 4 && !memcmp(head->raw.data + head->raw.len - 4, "\r\n\r\n", 4))
			return read_head(head, ret_refusal);
	}
	return 0;
}

void head_clear(struct head *head)
{
	buf_clear(&head->raw);
	memset(head, 0, sizeof(*head));
}
