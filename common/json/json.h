/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON as we take it from outside: with a size limit, a depth limit and an error
 * that names what is wrong. The one door to jansson for everything outside
 * common/wire and common/oci, which may include it themselves.
 */
#ifndef COMMON_JSON_JSON_H
#define COMMON_JSON_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

#define JSON_DEPTH_MAX 32
#define JSON_TEXT_MAX (8 * 1024 * 1024)

/* The document's root (json_decref; json_auto_t fits), or NULL with ERR_INVALID and line:column in *err. */
json_t *json_parse(const char *text, size_t len, struct error *err);

/* Compact text with sorted keys, so that equal documents are equal bytes. The caller frees it; never NULL. */
char *json_text(const json_t *root);

/* For text that may hold anything (error messages, names from a build): bytes that are not UTF-8 become '?'. Never NULL. */
json_t *json_clean_string(const char *text);

/*
 * Members of an object. `where` names the object in errors ("hello").
 * A missing or wrongly typed member is ERR_INVALID that names it. The _or forms give the
 * fallback when the member is absent or null, and still refuse a wrong type.
 * json_get_strdup copies to the heap (mem_free), for text longer than a fixed array; at most max bytes.
 */
#define json_get_text(obj, where, key, dst, size, err) \
	json_member_text(JSON_MEMBER(obj, where, key), dst, size, err)
#define json_get_text_or(obj, where, key, dst, size, fallback, err) \
	json_member_text_or(JSON_MEMBER(obj, where, key), dst, size, fallback, err)
#define json_get_strdup(obj, where, key, max, ret, err) \
	json_member_strdup(JSON_MEMBER(obj, where, key), max, ret, err)
#define json_get_int(obj, where, key, ret, err) \
	json_member_int(JSON_MEMBER(obj, where, key), ret, err)
#define json_get_int_or(obj, where, key, ret, fallback, err) \
	json_member_int_or(JSON_MEMBER(obj, where, key), ret, fallback, err)
#define json_get_bool_or(obj, where, key, ret, fallback, err) \
	json_member_bool_or(JSON_MEMBER(obj, where, key), ret, fallback, err)

struct json_member {
	const json_t *obj;
	const char *where, *key;
};
#define JSON_MEMBER(obj, where, key) ((struct json_member){ (obj), (where), (key) })

int json_member_text(struct json_member member, char *dst, size_t size, struct error *err);
int json_member_text_or(struct json_member member, char *dst, size_t size, const char *fallback, struct error *err);
int json_member_strdup(struct json_member member, size_t max, char **ret, struct error *err);
int json_member_int(struct json_member member, int64_t *ret, struct error *err);
int json_member_int_or(struct json_member member, int64_t *ret, int64_t fallback, struct error *err);
int json_member_bool_or(struct json_member member, bool *ret, bool fallback, struct error *err);

/* The member when it is a list of at most max elements; missing is an error. Borrowed from obj. */
int json_member_list(struct json_member member, size_t max, const json_t **ret_list, struct error *err);

/* ERR_INVALID naming the first member of obj that is not in the NULL-ended list. */
int json_only_members(const json_t *obj, const char *where, const char *const *known, struct error *err);

#endif
