/* SPDX-License-Identifier: Apache-2.0 */
#include "common/oci/digest.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/fault.h"
#include "common/mem.h"

#define SCHEME "sha256:"
#define HEX_LEN 64
#define READ_BYTES (256 * 1024)

struct digest_state {
	EVP_MD_CTX *ctx;
};

bool digest_is_valid(const char *text)
{
	size_t scheme = strlen(SCHEME);

	return strncmp(text, SCHEME, scheme) == 0 && strspn(text + scheme, "0123456789abcdef") == HEX_LEN &&
	       text[scheme + HEX_LEN] == '\0';
}

int digest_parse(const char *text, const char *where, char ret_digest[DIGEST_TEXT_MAX], struct error *err)
{
	if (!digest_is_valid(text))
		return error_set(err, ERR_INVALID,
				 "%s: the digest \"%.80s\" is not sha256: and 64 lower-case hex digits", where, text);
	memcpy(ret_digest, text, DIGEST_TEXT_MAX);
	return 0;
}

/* OpenSSL fails here only without memory or without SHA-256: neither leaves anything to go on with. */
static void must(int ok)
{
	if (ok)
		return;
	fputs("OpenSSL gives no SHA-256\n", stderr);
	abort();
}

struct digest_state *digest_new(void)
{
	struct digest_state *state = mem_alloc(sizeof(*state));

	state->ctx = EVP_MD_CTX_new();
	must(state->ctx != NULL);
	must(EVP_DigestInit_ex(state->ctx, EVP_sha256(), NULL));
	return state;
}

void digest_free(struct digest_state *state)
{
	if (!state)
		return;
	EVP_MD_CTX_free(state->ctx);
	mem_free(state);
}

void digest_update(struct digest_state *state, const void *data, size_t len)
{
	if (len)
		must(EVP_DigestUpdate(state->ctx, data, len));
}

void digest_final(struct digest_state *state, char ret_digest[DIGEST_TEXT_MAX])
{
	static const char hex[] = "0123456789abcdef";
	unsigned char raw[HEX_LEN / 2];
	char *at = ret_digest + strlen(SCHEME);

	must(EVP_DigestFinal_ex(state->ctx, raw, NULL));
	memcpy(ret_digest, SCHEME, strlen(SCHEME));
	for (size_t i = 0; i < sizeof(raw); i++) {
		*at++ = hex[raw[i] >> 4];
		*at++ = hex[raw[i] & 15];
	}
	*at = '\0';
}

void digest_of_bytes(const void *data, size_t len, char ret_digest[DIGEST_TEXT_MAX])
{
	CLEANUP(digest_freep) struct digest_state *state = digest_new();

	digest_update(state, data, len);
	digest_final(state, ret_digest);
}

int digest_of_fd(int fd, char ret_digest[DIGEST_TEXT_MAX], int64_t *ret_size_bytes, struct error *err)
{
	CLEANUP(digest_freep) struct digest_state *state = digest_new();
	CLEANUP(mem_freep) char *chunk = mem_alloc(READ_BYTES);
	int64_t size = 0;
	ssize_t got;

	while ((got = FAULT() ? -1 : pread(fd, chunk, READ_BYTES, (off_t)size)) > 0) {
		digest_update(state, chunk, (size_t)got);
		size += got;
	}
	if (got < 0)
		return error_set(err, ERR_IO, "read at byte %lld: %s", (long long)size, strerror(errno));
	digest_final(state, ret_digest);
	if (ret_size_bytes)
		*ret_size_bytes = size;
	return 0;
}
