/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of this folder: what replies say. */
#ifndef COORDINATOR_FRONT_TEST_JSON_H
#define COORDINATOR_FRONT_TEST_JSON_H

#include "common/json/json.h"
#include "coordinator/front/test_reply.h"

/* The reply's JSON, which the caller frees; the reply is cleared. */
TESTING json_t *json_of(struct reply *reply, int status)
{
	struct error err;
	json_t *root;

	ck_assert_msg(reply->status == status, "%d, not %d: %s", reply->status, status, buf_text(&reply->body));
	root = json_parse(buf_text(&reply->body), reply->body.len, &err);
	ck_assert_msg(root != NULL, "%s: %s", err.msg, buf_text(&reply->body));
	reply_clear(reply);
	return root;
}

/* The reply is an error in our form, about text; cleared. */
TESTING void is_error(struct reply *reply, int status, const char *code, const char *text)
{
	json_auto_t *root = NULL;
	CLEANUP(mem_freep) char *id = mem_strdup(header(reply, "X-Request-Id"));
	json_t *error;

	ck_assert_str_eq(header(reply, "Content-Type"), "application/json");
	root = json_of(reply, status);
	error = json_object_get(root, "error");
	ck_assert_str_eq(json_string_value(json_object_get(error, "code")), code);
	ck_assert_str_eq(json_string_value(json_object_get(error, "request")), id);
	ck_assert_msg(strstr(json_string_value(json_object_get(error, "message")), text) != NULL, "%s: not about %s",
		      json_string_value(json_object_get(error, "message")), text);
}

/* json_text of the member at "a.0.b"; until the next call. */
TESTING const char *at(const json_t *root, const char *path)
{
	static char text[4096];
	CLEANUP(mem_freep) char *copy = mem_strdup(path);
	CLEANUP(mem_freep) char *found = NULL;
	char *rest = copy, *word;

	while (root && (word = strsep(&rest, ".")))
		root = json_is_array(root) ? json_array_get(root, strtoul(word, NULL, 10)) : json_object_get(root, word);
	found = root ? json_text(root) : mem_strdup("(absent)");
	snprintf(text, sizeof(text), "%s", found);
	return text;
}

#endif
