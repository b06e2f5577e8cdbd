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
 */
int json_get_text(const json_t *obj, const char *where, const char *key, char *dst, size_t size, struct error *err);
int json_get_text_or(const json_t *obj, const char *where, const char *key, char *dst, size_t size,
		     const char *fallback, struct error *err);
int json_get_int(const json_t *obj, const char *where, const char *key, int64_t *ret, struct error *err);
int json_get_int_or(const json_t *obj, const char *where, const char *key, int64_t *ret, int64_t fallback,
		    struct error *err);
int json_get_bool_or(const json_t *obj, const char *where, const char *key, bool *ret, bool fallback,
		     struct error *err);

/* A copy on the heap (mem_free), for text longer than a fixed array; at most max bytes. */
int json_get_strdup(const json_t *obj, const char *where, const char *key, size_t max, char **ret, struct error *err);

/* ERR_INVALID naming the first member of obj that is not in the NULL-ended list. */
int json_only_members(const json_t *obj, const char *where, const char *const *known, struct error *err);

#endif
