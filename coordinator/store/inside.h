/* SPDX-License-Identifier: Apache-2.0 */
/* What a store is, for the files of coordinator/store that share it. */
#ifndef COORDINATOR_STORE_INSIDE_H
#define COORDINATOR_STORE_INSIDE_H

#include "coordinator/store/db.h"
#include "coordinator/store/store.h"

struct store {
	struct db db;
	int wal_pages; /* in the log after the last commit */
};

#define TOKEN_HASH_BYTES 32

/* SHA-256 of the text. */
int token_hash(const char *text, unsigned char ret_hash[TOKEN_HASH_BYTES], struct error *err);

#endif
