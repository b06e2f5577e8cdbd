/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "common/mem.h"
#include "coordinator/store/fields.h"
#include "coordinator/store/inside.h"

/* Appends what the statement gives to the array that list points to. */
struct loading {
	enum query query;
	void **list;
	size_t *count;
};

static int load(struct store *store, const struct loading *loading, struct error *err)
{
	CLEANUP(db_reset) sqlite3_stmt *stmt = store->db.stmt[loading->query];
	const struct fields *fields = fields_of((enum row_kind)query_row_kind(loading->query));
	size_t cap = 0;
	int rc;

	while ((rc = db_step(&store->db, stmt, "load", err)) > 0) {
		if (*loading->count == cap) {
			cap = cap ? cap * 2 : 16;
			*loading->list = mem_realloc(*loading->list, cap * fields->row_size);
		}
		if (fields_read(fields, stmt, (char *)*loading->list + *loading->count * fields->row_size, err) < 0)
			return -1;
		++*loading->count;
	}
	return rc;
}

static int load_last_ids(struct store *store, struct rows *rows, struct error *err)
{
	CLEANUP(db_reset) sqlite3_stmt *stmt = store->db.stmt[Q_LOAD_LAST_IDS];

	if (db_step(&store->db, stmt, "load last ids", err) < 0)
		return -1;
	rows->last_build = sqlite3_column_int64(stmt, 0);
	rows->last_job = sqlite3_column_int64(stmt, 1);
	rows->last_attempt = sqlite3_column_int64(stmt, 2);
	rows->last_tag = sqlite3_column_int64(stmt, 3);
	rows->last_publish = sqlite3_column_int64(stmt, 4);
	return 0;
}

static int load_all(struct store *store, struct rows *rows, struct error *err)
{
	const struct loading loadings[] = {
		{ Q_LOAD_BUILDS, (void **)&rows->builds, &rows->build_count },
		{ Q_LOAD_JOBS, (void **)&rows->jobs, &rows->job_count },
		{ Q_LOAD_ATTEMPTS, (void **)&rows->attempts, &rows->attempt_count },
		{ Q_LOAD_TAGS, (void **)&rows->tags, &rows->tag_count },
		{ Q_LOAD_PUBLISHES, (void **)&rows->publishes, &rows->publish_count },
		{ Q_LOAD_PUBLISH_STEPS, (void **)&rows->publish_steps, &rows->publish_step_count },
		{ Q_LOAD_WORKERS, (void **)&rows->workers, &rows->worker_count },
		{ Q_LOAD_HEADS, (void **)&rows->heads, &rows->head_count },
	};

	for (size_t i = 0; i < sizeof(loadings) / sizeof(loadings[0]); i++) {
		if (load(store, &loadings[i], err) < 0)
			return -1;
	}
	return load_last_ids(store, rows, err);
}

int store_load(struct store *store, struct rows *ret_rows, struct error *err)
{
	CLEANUP(rows_clear) struct rows rows = { 0 };

	/* One moment for all of it, although nobody else should be writing. */
	if (db_run(&store->db, Q_BEGIN_READ, "begin", err) < 0)
		return -1;
	if (load_all(store, &rows, err) < 0 || db_run(&store->db, Q_COMMIT, "end", err) < 0) {
		db_rollback(&store->db);
		return -1;
	}
	*ret_rows = rows;
	memset(&rows, 0, sizeof(rows));
	return 0;
}
