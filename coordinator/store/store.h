/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything the coordinator remembers: one SQLite file in WAL mode. The only files that speak SQL
 * are in this folder; callers use the domain's words and never see a statement. The store decides
 * nothing: the core hands it rows as they must be. One struct store (or reader, see reader.h) per thread.
 */
#ifndef COORDINATOR_STORE_STORE_H
#define COORDINATOR_STORE_STORE_H

#include "common/cleanup.h"
#include "coordinator/core/rows.h"

struct store;

/*
 * Makes DIR when it is missing and locks DIR/lock for this process: two coordinators on one folder would each
 * believe to be the only one. close(*ret_fd) gives it back. ERR_CONFLICT names the pid that has it.
 */
int store_lock_dir(const char *dir, int *ret_fd, struct error *err);

/*
 * Opens DIR/manifold.db, makes or migrates it (schema/sql, counted in user_version), synchronous=FULL.
 * ERR_CONFLICT when the file is from a newer Manifold.
 */
int store_open(const char *dir, struct store **ret_store, struct error *err);
void store_close(struct store *store);
DEFINE_CLEANUP(struct store *, store_close)

/*
 * Writes all rows in one transaction, new or changed, and returns when they are on disk. On -1 none
 * is (rolled back by whoever came first, SQLite or us); ERR_FULL may be tried again as it is, whole.
 */
int store_commit(struct store *store, struct row *const *rows, size_t count, struct error *err);

/* What a core is rebuilt from. rows_clear() it. */
int store_load(struct store *store, struct rows *ret_rows, struct error *err);

/* Moves WAL pages into the database, PASSIVE: never waits for readers and never blocks the writer. */
int store_checkpoint(struct store *store, struct error *err);

/* The log of changes is so long that who writes should checkpoint, before it commits again. */
bool store_needs_checkpoint(const struct store *store);

/* Moves all and empties the log, waiting a while for readers; for a clean stop. */
int store_truncate(struct store *store, struct error *err);

#define SCOPE_SUBMIT 1u
#define SCOPE_READ   2u
#define SCOPE_ADMIN  4u
#define SCOPE_WORKER 8u

/* "submit,read" to bits and back; ERR_INVALID names the unknown word. */
int scopes_parse(const char *text, unsigned *ret_scopes, struct error *err);
void scopes_format(unsigned scopes, char *text, size_t size);

/*
 * Makes a token of 256 random bits, keeps its SHA-256 only, gives its text ("mfd_" and 43 characters) once.
 * May be called from a process of its own while a coordinator runs on the same file.
 */
struct token_grant {
	const char *name;
	unsigned scopes;
	int64_t project, now_ms, expires_ms; /* 0: never */
};
int store_create_token(struct store *store, const struct token_grant *grant, char ret_text[64], struct error *err);

#endif
