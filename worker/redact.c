/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/redact.h"

#include <openssl/crypto.h>
#include <stdbool.h>
#include <string.h>

#include "common/mem.h"

struct redact {
	char **secrets;
	size_t count;
	struct buf held; /* may be the beginning of a secret */
};

struct redact *redact_new(void)
{
	return mem_alloc(sizeof(struct redact));
}

void redact_free(struct redact *redact)
{
	if (!redact)
		return;
	for (size_t i = 0; i < redact->count; i++) {
		OPENSSL_cleanse(redact->secrets[i], strlen(redact->secrets[i]));
		mem_free(redact->secrets[i]);
	}
	if (redact->held.data)
		OPENSSL_cleanse(redact->held.data, redact->held.cap);
	buf_clear(&redact->held);
	mem_free(redact->secrets);
	mem_free(redact);
}

void redact_add(struct redact *redact, const char *secret)
{
	if (!secret || strlen(secret) < REDACT_SECRET_MIN)
		return;
	redact->secrets = mem_realloc(redact->secrets, (redact->count + 1) * sizeof(*redact->secrets));
	redact->secrets[redact->count++] = mem_strdup(secret);
}

/* The longest secret at this place; 0 when none is. */
static size_t secret_at(const struct redact *redact, const char *at, size_t left)
{
	size_t longest = 0;

	for (size_t i = 0; i < redact->count; i++) {
		size_t len = strlen(redact->secrets[i]);

		if (len > longest && len <= left && memcmp(at, redact->secrets[i], len) == 0)
			longest = len;
	}
	return longest;
}

/* The bytes end in what may become a secret. */
static bool may_begin_at(const struct redact *redact, const char *at, size_t left)
{
	for (size_t i = 0; i < redact->count; i++) {
		if (strlen(redact->secrets[i]) > left && memcmp(at, redact->secrets[i], left) == 0)
			return true;
	}
	return false;
}

void redact_bytes(struct redact *redact, const char *data, size_t len, struct buf *out)
{
	struct buf *held = &redact->held;
	size_t at = 0, clean = 0;

	if (redact->count == 0 && held->len == 0) {
		buf_append(out, data, len);
		return;
	}
	buf_append(held, data, len);
	while (at < held->len) {
		size_t secret;

		/* First whether more bytes could make it a longer one. */
		if (may_begin_at(redact, held->data + at, held->len - at))
			break;
		secret = secret_at(redact, held->data + at, held->len - at);
		if (secret == 0) {
			at++;
			continue;
		}
		buf_append(out, held->data + clean, at - clean);
		buf_puts(out, "***");
		at += secret;
		clean = at;
	}
	buf_append(out, held->data + clean, at - clean);
	memmove(held->data, held->data + at, held->len - at);
	held->len -= at;
}

void redact_end(struct redact *redact, struct buf *out)
{
	struct buf *held = &redact->held;
	size_t at = 0;

	while (at < held->len) {
		size_t secret = secret_at(redact, held->data + at, held->len - at);

		if (secret)
			buf_puts(out, "***");
		else
			buf_append(out, held->data + at, 1);
		at += secret ? secret : 1;
	}
	held->len = 0;
}
