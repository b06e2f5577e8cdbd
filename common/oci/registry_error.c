/* SPDX-License-Identifier: Apache-2.0 */
/* What a registry's refusal means for the caller, in one code and one sentence. */
#include <stdio.h>
#include <string.h>

#include "common/json/json.h"
#include "common/oci/registry_call.h"

/* What others wrote ends in our logs and JSON: one line of plain ASCII. */
static void copy_plain(char *dst, size_t size, const char *text)
{
	size_t len = 0;

	for (; *text && len + 1 < size; text++)
		dst[len++] = *text >= ' ' && *text <= '~' ? *text : '?';
	dst[len] = '\0';
}

static void first_error(const struct http_response *response, char *code, size_t code_size, char *words,
			size_t words_size)
{
	struct error ignored;
	json_auto_t *root = json_parse(buf_text(&response->body), response->body.len, &ignored);
	const json_t *first = json_array_get(json_object_get(root, "errors"), 0);
	const char *text = json_string_value(json_object_get(first, "code"));
	const char *detail = json_string_value(json_object_get(first, "detail"));
	char part[160];

	code[0] = words[0] = '\0';
	if (text)
		copy_plain(code, code_size, text);
	text = json_string_value(json_object_get(first, "message"));
	if (!text && root)
		text = json_string_value(json_object_get(root, "details")); /* some token servers */
	copy_plain(part, sizeof(part), text ? text : "");
	if (detail) {
		char more[120];

		copy_plain(more, sizeof(more), detail);
		snprintf(words, words_size, "%s (%s)", part, more);
	} else {
		snprintf(words, words_size, "%s", part);
	}
}

void registry_error_code(const struct http_response *response, char *code, size_t size)
{
	char words[300];

	first_error(response, code, size, words, sizeof(words));
}

static enum err_code code_of(long status)
{
	switch (status) {
	case 401:
	case 403:
		return ERR_DENIED;
	case 404:
		return ERR_NOT_FOUND;
	case 408:
	case 429:
		return ERR_UNAVAILABLE;
	default:
		return status >= 500 && status != 501 && status != 505 ? ERR_UNAVAILABLE : ERR_INVALID;
	}
}

int registry_refuse(const struct registry *registry, const struct registry_call *call,
		    const struct http_response *response, struct error *err)
{
	char code[64], words[300];
	const char *hint = "";

	first_error(response, code, sizeof(code), words, sizeof(words));
	if (response->status == 401)
		hint = registry->username ? ": it does not accept these credentials for this"
					  : ": it asks for credentials and there are none for this host";
	return error_set(err, code_of(response->status), "registry %.100s: %s %.160s: status %ld%s%s%s%s%s", registry->host,
			 call->what, call->subject, response->status, code[0] ? " " : "", code, words[0] ? ": " : "", words,
			 hint);
}
