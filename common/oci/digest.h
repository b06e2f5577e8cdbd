/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "sha256:" and 64 lower-case hex digits: the only digests we make or take. Pure but for
 * digest_of_fd, which reads.
 */
#ifndef COMMON_OCI_DIGEST_H
#define COMMON_OCI_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cleanup.h"
#include "common/error.h"

#define DIGEST_TEXT_MAX 72

bool digest_is_valid(const char *text);

/* Copies a valid one; ERR_INVALID quotes any other. `where` names its origin ("layer 3"). */
int digest_parse(const char *text, const char *where, char ret_digest[DIGEST_TEXT_MAX], struct error *err);

/* For bytes that come piece by piece. One thread at a time. */
struct digest_state;

struct digest_state *digest_new(void);
void digest_free(struct digest_state *state);
DEFINE_CLEANUP(struct digest_state *, digest_free)
void digest_update(struct digest_state *state, const void *data, size_t len);
/* After this the state can only be freed. */
void digest_final(struct digest_state *state, char ret_digest[DIGEST_TEXT_MAX]);

void digest_of_bytes(const void *data, size_t len, char ret_digest[DIGEST_TEXT_MAX]);

/* The whole file from offset 0, wherever its position is. ret_size_bytes may be NULL. ERR_IO. */
int digest_of_fd(int fd, char ret_digest[DIGEST_TEXT_MAX], int64_t *ret_size_bytes, struct error *err);

#endif
