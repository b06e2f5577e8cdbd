/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "common/buf.h"
#include "common/fault.h"
#include "common/mem.h"
#include "coordinator/store/inside.h"

#define TOKEN_RANDOM_BYTES 32
#define TOKEN_NAME_MAX 64

static const struct { unsigned bit; const char *name; } scope_names[] = {
	{ SCOPE_SUBMIT, "submit" }, { SCOPE_READ, "read" }, { SCOPE_ADMIN, "admin" }, { SCOPE_WORKER, "worker" },
};
#define SCOPE_COUNT (sizeof(scope_names) / sizeof(scope_names[0]))

static unsigned scope_bit(const char *word, size_t len)
{
	for (size_t i = 0; i < SCOPE_COUNT; i++) {
		if (strlen(scope_names[i].name) == len && strncmp(scope_names[i].name, word, len) == 0)
			return scope_names[i].bit;
	}
	return 0;
}

int scopes_parse(const char *text, unsigned *ret_scopes, struct error *err)
{
	unsigned scopes = 0;

	for (const char *word = text;; word++) {
		size_t len = strcspn(word, ",");
		unsigned bit = scope_bit(word, len);

		if (bit == 0)
			return error_set(err, ERR_INVALID, "scope \"%.*s\" is none of submit, read, admin, worker "
					 "(write several as submit,read)", len > 40 ? 40 : (int)len, word);
		scopes |= bit;
		word += len;
		if (*word == '\0')
			break;
	}
	*ret_scopes = scopes;
	return 0;
}

void scopes_format(unsigned scopes, char *text, size_t size)
{
	CLEANUP(buf_clear) struct buf buf = { 0 };

	for (size_t i = 0; i < SCOPE_COUNT; i++) {
		if (scopes & scope_names[i].bit)
			buf_printf(&buf, "%s%s", buf.len ? "," : "", scope_names[i].name);
	}
	snprintf(text, size, "%s", buf_text(&buf));
}

int token_hash(const char *text, unsigned char ret_hash[TOKEN_HASH_BYTES], struct error *err)
{
	if (FAULT() || !EVP_Digest(text, strlen(text), ret_hash, NULL, EVP_sha256(), NULL))
		return error_set(err, ERR_INTERNAL, "hash a token: OpenSSL failed");
	return 0;
}

/* "mfd_" and base64url without padding: 43 characters for 32 bytes. */
static int make_text(char text[64], struct error *err)
{
	unsigned char random[TOKEN_RANDOM_BYTES];
	unsigned char base64[48];
	ssize_t n = FAULT() ? -1 : getrandom(random, sizeof(random), 0);

	if (n != (ssize_t)sizeof(random))
		return error_set(err, ERR_IO, "make a token: no random bytes: %s", strerror(errno));
	EVP_EncodeBlock(base64, random, sizeof(random));
	for (unsigned char *c = base64; *c; c++) {
		if (*c == '+' || *c == '/')
			*c = *c == '+' ? '-' : '_';
	}
	snprintf(text, 64, "mfd_%.43s", (const char *)base64);
	explicit_bzero(random, sizeof(random));
	explicit_bzero(base64, sizeof(base64));
	return 0;
}

static int save_token(struct store *store, const struct token_grant *grant, const unsigned char *hash,
		      struct error *err)
{
	CLEANUP(db_reset) sqlite3_stmt *stmt = store->db.stmt[Q_SAVE_TOKEN];

	db_bind_blob(stmt, ":hash", hash, TOKEN_HASH_BYTES);
	db_bind_text(stmt, ":name", grant->name);
	db_bind_int64(stmt, ":scopes", grant->scopes);
	db_bind_int64(stmt, ":project", grant->project);
	db_bind_int64(stmt, ":created_ms", grant->now_ms);
	db_bind_int64(stmt, ":expires_ms", grant->expires_ms);
	return db_step(&store->db, stmt, "save token", err);
}

static int save_audit(struct store *store, const struct token_grant *grant, struct error *err)
{
	CLEANUP(db_reset) sqlite3_stmt *stmt = store->db.stmt[Q_SAVE_AUDIT];
	char scopes[64];

	scopes_format(grant->scopes, scopes, sizeof(scopes));
	db_bind_int64(stmt, ":at_ms", grant->now_ms);
	db_bind_text(stmt, ":actor", "command line");
	db_bind_text(stmt, ":action", "token.created");
	db_bind_text(stmt, ":subject", grant->name);
	db_bind_text(stmt, ":detail", scopes);
	return db_step(&store->db, stmt, "save audit", err);
}

int store_create_token(struct store *store, const struct token_grant *grant, char ret_text[64], struct error *err)
{
	unsigned char hash[TOKEN_HASH_BYTES];
	char text[64];

	if (!grant->name[0] || strlen(grant->name) >= TOKEN_NAME_MAX)
		return error_set(err, ERR_INVALID, "name of a token: 1 to %d characters", TOKEN_NAME_MAX - 1);
	if (make_text(text, err) < 0 || token_hash(text, hash, err) < 0 ||
	    db_run(&store->db, Q_BEGIN_WRITE, "begin", err) < 0)
		return -1;
	if (save_token(store, grant, hash, err) < 0 || save_audit(store, grant, err) < 0 ||
	    db_run(&store->db, Q_COMMIT, "commit", err) < 0) {
		db_rollback(&store->db);
		return -1;
	}
	memcpy(ret_text, text, sizeof(text));
	return 0;
}
