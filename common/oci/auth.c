/* SPDX-License-Identifier: Apache-2.0 */
#include "common/oci/auth.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/json/json.h"
#include "common/mem.h"
#include "common/oci/reference.h"

#define FILE_MAX_BYTES (1024 * 1024)
#define ENTRIES_MAX 1000
#define KEY_MAX 512

struct entry {
	char key[KEY_MAX];       /* host or host/path, normalised */
	char *username;
	char *password;
	const char *unusable;    /* what it has instead, or NULL */
};

struct auth {
	char *path;
	struct entry *entries;
	size_t count;
};

static void wipe_free(char *secret)
{
	if (!secret)
		return;
	OPENSSL_cleanse(secret, strlen(secret));
	mem_free(secret);
}

void credential_clear(struct credential *credential)
{
	wipe_free(credential->username);
	wipe_free(credential->password);
	*credential = (struct credential){ 0 };
}

void auth_free(struct auth *auth)
{
	if (!auth)
		return;
	for (size_t i = 0; i < auth->count; i++) {
		wipe_free(auth->entries[i].username);
		wipe_free(auth->entries[i].password);
	}
	mem_free(auth->entries);
	mem_free(auth->path);
	mem_free(auth);
}

static void wipe_buf(struct buf *buf)
{
	if (buf->data)
		OPENSSL_cleanse(buf->data, buf->cap);
	buf_clear(buf);
}

static int read_file(const char *path, struct buf *out, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *chunk = mem_alloc(FILE_MAX_BYTES + 1);
	ssize_t got = 0;

	if (fd < 0) {
		mem_free(chunk);
		return error_set(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "registry credentials %s: %s", path,
				 strerror(errno));
	}
	/* Read into one block: a growing buffer would leave copies of secrets behind. */
	while (out->len <= FILE_MAX_BYTES && (got = read(fd, chunk + out->len, FILE_MAX_BYTES + 1 - out->len)) > 0)
		out->len += (size_t)got;
	close(fd);
	out->data = chunk;
	out->cap = FILE_MAX_BYTES + 1;
	if (got < 0)
		return error_set(err, ERR_IO, "registry credentials %s: %s", path, strerror(errno));
	if (out->len > FILE_MAX_BYTES)
		return error_set(err, ERR_INVALID, "registry credentials %s: larger than 1 MiB", path);
	return 0;
}

/* "https://index.docker.io/v1/" -> "docker.io", "http://h:1/v2/" -> "h:1", "h/team/" -> "h/team" */
static void normalise_key(const char *text, char key[KEY_MAX])
{
	static const char *const hubs[] = { "index.docker.io", "registry-1.docker.io" };
	const char *start = strstr(text, "://");
	size_t len;

	start = start ? start + 3 : text;
	snprintf(key, KEY_MAX, "%s", start);
	len = strlen(key);
	while (len && key[len - 1] == '/')
		key[--len] = '\0';
	if (len > 3 && (strcmp(key + len - 3, "/v1") == 0 || strcmp(key + len - 3, "/v2") == 0))
		key[len - 3] = '\0';
	for (size_t i = 0; i < sizeof(hubs) / sizeof(*hubs); i++) {
		size_t hub = strlen(hubs[i]);

		if (strncmp(key, hubs[i], hub) == 0 && (!key[hub] || key[hub] == '/')) {
			memmove(key + strlen("docker.io"), key + hub, strlen(key + hub) + 1);
			memcpy(key, "docker.io", strlen("docker.io"));
		}
	}
}

/* Standard base64 of "user:password"; false when it is anything else. */
static bool decode_pair(const char *text, struct entry *entry)
{
	size_t len = strlen(text);
	unsigned char *raw = mem_alloc(len + 4);
	int got = len % 4 ? -1 : EVP_DecodeBlock(raw, (const unsigned char *)text, (int)len);
	char *colon;

	for (size_t i = len; got > 0 && i > 0 && text[i - 1] == '='; i--)
		got--;
	if (got >= 0)
		raw[got] = '\0';
	colon = got > 0 ? strchr((char *)raw, ':') : NULL;
	if (colon && colon != (char *)raw) {
		entry->username = mem_strndup((char *)raw, (size_t)(colon - (char *)raw));
		entry->password = mem_strdup(colon + 1);
	}
	OPENSSL_cleanse(raw, len + 4);
	mem_free(raw);
	return entry->username != NULL;
}

static const char *text_of(const json_t *obj, const char *key)
{
	const char *text = json_string_value(json_object_get(obj, key));

	return text && *text ? text : NULL;
}

static int entry_decode(const struct auth *auth, const char *key, const json_t *value, struct entry *entry,
			struct error *err)
{
	const char *pair = text_of(value, "auth");
	const char *username = text_of(value, "username");

	normalise_key(key, entry->key);
	if (!json_is_object(value))
		return error_set(err, ERR_INVALID, "registry credentials %s: auths \"%.200s\" is not an object", auth->path,
				 key);
	if (text_of(value, "identitytoken")) {
		entry->unusable = "an identity token";
	} else if (text_of(value, "registrytoken")) {
		entry->unusable = "a registry token";
	} else if (pair) {
		if (!decode_pair(pair, entry))
			return error_set(err, ERR_INVALID,
					 "registry credentials %s: auths \"%.200s\": \"auth\" is not base64 of user:password",
					 auth->path, key);
	} else if (username) {
		entry->username = mem_strdup(username);
		entry->password = mem_strdup(text_of(value, "password") ? text_of(value, "password") : "");
	} else {
		entry->unusable = "no user and password (they may be in a credential store)";
	}
	return 0;
}

static struct entry *entry_add(struct auth *auth)
{
	auth->entries = mem_realloc(auth->entries, (auth->count + 1) * sizeof(*auth->entries));
	auth->entries[auth->count] = (struct entry){ .key = "" };
	return &auth->entries[auth->count++];
}

/* jansson keeps its own copies of what we read: wipe those in place before they are freed. */
static void wipe_strings(json_t *value)
{
	const char *key;
	json_t *member;

	if (json_is_string(value))
		OPENSSL_cleanse((char *)json_string_value(value), json_string_length(value));
	json_object_foreach(value, key, member)
		wipe_strings(member);
}

static int decode(struct auth *auth, const json_t *root, struct error *err)
{
	json_t *auths = json_object_get(root, "auths");
	json_t *helpers = json_object_get(root, "credHelpers");
	const char *key;
	json_t *value;

	if (!json_is_object(root) || (auths && !json_is_object(auths)))
		return error_set(err, ERR_INVALID, "registry credentials %s: not of the form {\"auths\": {\"host\": {...}}}",
				 auth->path);
	if (json_object_size(auths) + json_object_size(helpers) > ENTRIES_MAX)
		return error_set(err, ERR_INVALID, "registry credentials %s: more than %d entries", auth->path, ENTRIES_MAX);
	json_object_foreach(auths, key, value) {
		if (entry_decode(auth, key, value, entry_add(auth), err) < 0)
			return -1;
	}
	json_object_foreach(helpers, key, value) {
		struct entry *entry = entry_add(auth);

		normalise_key(key, entry->key);
		entry->unusable = "a credential helper";
	}
	return 0;
}

int auth_load(const char *path, struct auth **ret_auth, struct error *err)
{
	CLEANUP(auth_freep) struct auth *auth = mem_alloc(sizeof(*auth));
	CLEANUP(wipe_buf) struct buf text = { 0 };
	json_t *root;
	int rc;

	auth->path = mem_strdup(path);
	if (read_file(path, &text, err) < 0)
		return -1;
	root = json_parse(text.data, text.len, err);
	if (!root)
		return error_wrap(err, "registry credentials %s", path);
	rc = decode(auth, root, err);
	wipe_strings(root);
	json_decref(root);
	if (rc < 0)
		return -1;
	*ret_auth = TAKE(auth);
	return 0;
}

/* An entry with user and password beats an unusable one of the same key (a helper besides a login). */
static const struct entry *entry_find(const struct auth *auth, const char *key)
{
	const struct entry *found = NULL;

	for (size_t i = 0; i < auth->count; i++) {
		if (strcmp(auth->entries[i].key, key) == 0 && (!found || found->unusable))
			found = &auth->entries[i];
	}
	return found;
}

int auth_find(const struct auth *auth, const char *host, const char *path, struct credential *ret_credential,
	      struct error *err)
{
	char key[KEY_MAX];
	const struct entry *entry;
	char *slash;

	snprintf(key, sizeof(key), "%.250s/%.250s", host, path ? path : "");
	while (!(entry = entry_find(auth, key))) {
		slash = strrchr(key, '/');
		if (!slash)
			return 1;
		*slash = '\0';
	}
	if (entry->unusable)
		return error_set(err, ERR_INVALID,
				 "registry credentials %s: the entry for %.200s has %s: log in with user and password",
				 auth->path, entry->key, entry->unusable);
	ret_credential->username = mem_strdup(entry->username);
	ret_credential->password = mem_strdup(entry->password);
	return 0;
}
