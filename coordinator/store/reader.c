/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/store/reader.h"

#include <stdio.h>
#include <string.h>

#include "common/fault.h"
#include "common/mem.h"
#include "coordinator/store/fields.h"
#include "coordinator/store/inside.h"
#include "coordinator/store/migrate.h"

struct reader {
	struct db db;
};

/* Who gets the rows of a list; one member is set, by the row's kind. */
struct visit {
	union {
		void (*build)(const struct build_row *row, void *arg);
		void (*attempt)(const struct attempt_row *row, void *arg);
		void (*step)(const struct step_row *row, void *arg);
		void (*tag)(const struct tag_row *row, void *arg);
		void (*publish)(const struct publish_row *row, void *arg);
		void (*publish_step)(const struct publish_step_row *row, void *arg);
		void (*worker)(const struct worker_row *row, int live_attempts, void *arg);
		void (*event)(const struct event_row *row, void *arg);
	};
	void *arg;
};

int reader_open(const char *dir, struct reader **ret_reader, struct error *err)
{
	CLEANUP(reader_closep) struct reader *reader = mem_alloc(sizeof(*reader));
	int64_t version;

	if (db_open(&reader->db, dir, true, err) < 0)
		return error_wrap(err, "open reader");
	/* Reads, so that the shared memory of the log is there before a disk can be full. */
	if (db_number(&reader->db, "PRAGMA user_version", &version, err) < 0)
		return error_wrap(err, "open reader");
	if (version != migrate_newest()->count)
		return error_set(err, ERR_CONFLICT, "%s has schema %lld, this reader wants %d", reader->db.path,
				 (long long)version, migrate_newest()->count);
	if (db_prepare(&reader->db, Q_BEGIN_READ, Q_STORE_FIRST, err) < 0 ||
	    db_prepare(&reader->db, Q_READER_FIRST, Q_READER_END, err) < 0)
		return error_wrap(err, "open reader");
	*ret_reader = TAKE(reader);
	return 0;
}

void reader_close(struct reader *reader)
{
	if (!reader)
		return;
	db_close(&reader->db);
	mem_free(reader);
}

int reader_begin(struct reader *reader, struct error *err)
{
	return db_run(&reader->db, Q_BEGIN_READ, "begin", err);
}

void reader_end(struct reader *reader)
{
	db_rollback(&reader->db);
}

int reader_token(struct reader *reader, const char *token_text, int64_t now_ms, struct token_info *ret_info,
		 struct error *err)
{
	CLEANUP(db_reset) sqlite3_stmt *stmt = reader->db.stmt[Q_TOKEN];
	unsigned char hash[TOKEN_HASH_BYTES];
	int64_t expires_ms, revoked_ms;
	struct token_info info;
	int rc;

	/* What is compared is the hash: how long it takes tells nothing about a text that would be good. */
	if (token_hash(token_text, hash, err) < 0)
		return -1;
	db_bind_blob(stmt, ":hash", hash, sizeof(hash));
	rc = db_step(&reader->db, stmt, "look up token", err);
	if (rc <= 0)
		return rc < 0 ? -1 : READER_NONE;
	info.id = sqlite3_column_int64(stmt, 0);
	info.project = sqlite3_column_int64(stmt, 1);
	info.scopes = (unsigned)sqlite3_column_int(stmt, 2);
	snprintf(info.name, sizeof(info.name), "%s", (const char *)sqlite3_column_text(stmt, 3));
	expires_ms = sqlite3_column_int64(stmt, 4);
	revoked_ms = sqlite3_column_int64(stmt, 5);
	if (revoked_ms != 0 || (expires_ms != 0 && expires_ms <= now_ms))
		return READER_NONE;
	*ret_info = info;
	return 0;
}

static void call(const struct visit *visit, sqlite3_stmt *stmt, const struct row *row)
{
	switch (row->kind) {
	case ROW_BUILD: visit->build(&row->build, visit->arg); break;
	case ROW_ATTEMPT: visit->attempt(&row->attempt, visit->arg); break;
	case ROW_STEP: visit->step(&row->step, visit->arg); break;
	case ROW_TAG: visit->tag(&row->tag, visit->arg); break;
	case ROW_PUBLISH: visit->publish(&row->publish, visit->arg); break;
	case ROW_PUBLISH_STEP: visit->publish_step(&row->publish_step, visit->arg); break;
	case ROW_EVENT: visit->event(&row->event, visit->arg); break;
	case ROW_WORKER:
		visit->worker(&row->worker, sqlite3_column_int(stmt, fields_of(ROW_WORKER)->count), visit->arg);
		break;
	case ROW_JOB: break; /* a job is shown as a job_view */
	}
}

/* Calls visit for each row of a statement whose parameters are bound; resets it. */
static int visit_rows(struct reader *reader, enum query query, const struct visit *visit, struct error *err)
{
	CLEANUP(db_reset) sqlite3_stmt *stmt = reader->db.stmt[query];
	struct row row = { .kind = (enum row_kind)query_row_kind(query) };
	const struct fields *fields = fields_of(row.kind);
	int rc;

	while ((rc = db_step(&reader->db, stmt, "list", err)) > 0) {
		if (fields_read(fields, stmt, &row.build, err) < 0)
			return -1;
		call(visit, stmt, &row);
		fields_clear(fields, &row.build);
	}
	return rc;
}

static int visit_of(struct reader *reader, enum query query, int64_t id, const struct visit *visit, struct error *err)
{
	db_bind_int64(reader->db.stmt[query], ":id", id);
	return visit_rows(reader, query, visit, err);
}

static int read_one(struct reader *reader, enum query query, int64_t id, void *ret_row, struct error *err)
{
	CLEANUP(db_reset) sqlite3_stmt *stmt = reader->db.stmt[query];
	struct row row;
	const struct fields *fields = fields_of((enum row_kind)query_row_kind(query));
	int rc;

	db_bind_int64(stmt, ":id", id);
	rc = db_step(&reader->db, stmt, "read", err);
	if (rc <= 0)
		return rc < 0 ? -1 : READER_NONE;
	if (fields_read(fields, stmt, &row.build, err) < 0)
		return -1;
	memcpy(ret_row, &row.build, fields->row_size);
	return 0;
}

int reader_build(struct reader *reader, int64_t id, struct build_row *ret_build, struct error *err)
{
	return read_one(reader, Q_BUILD, id, ret_build, err);
}

int reader_attempt(struct reader *reader, int64_t id, struct attempt_row *ret_row, struct error *err)
{
	return read_one(reader, Q_ATTEMPT, id, ret_row, err);
}

static void bind_page(sqlite3_stmt *stmt, int64_t before, int limit)
{
	db_bind_int64(stmt, ":before", before > 0 ? before : INT64_MAX);
	db_bind_int64(stmt, ":limit", limit < 1 ? 1 : limit > READER_LIMIT_MAX ? READER_LIMIT_MAX : limit);
}

int reader_builds(struct reader *reader, const struct build_filter *filter,
		  void (*on_build)(const struct build_row *build, void *arg), void *arg, struct error *err)
{
	enum query query = Q_BUILDS;
	sqlite3_stmt *stmt;

	if (filter->state == -2)
		query = Q_BUILDS_LIVE;
	else if (filter->project)
		query = filter->state < 0 ? Q_BUILDS_PROJECT : Q_BUILDS_PROJECT_STATE;
	else if (filter->state >= 0)
		query = Q_BUILDS_STATE;
	stmt = reader->db.stmt[query];
	bind_page(stmt, filter->before, filter->limit);
	db_bind_int64(stmt, ":state", filter->state);
	db_bind_int64(stmt, ":project", filter->project);
	return visit_rows(reader, query, &(struct visit){ .build = on_build, .arg = arg }, err);
}

int reader_attempts(struct reader *reader, int64_t job, void (*on_attempt)(const struct attempt_row *row, void *arg),
		    void *arg, struct error *err)
{
	return visit_of(reader, Q_ATTEMPTS, job, &(struct visit){ .attempt = on_attempt, .arg = arg }, err);
}

int reader_steps(struct reader *reader, int64_t attempt, void (*on_step)(const struct step_row *row, void *arg),
		 void *arg, struct error *err)
{
	return visit_of(reader, Q_STEPS, attempt, &(struct visit){ .step = on_step, .arg = arg }, err);
}

int reader_tags(struct reader *reader, int64_t build, void (*on_tag)(const struct tag_row *row, void *arg),
		void *arg, struct error *err)
{
	return visit_of(reader, Q_TAGS, build, &(struct visit){ .tag = on_tag, .arg = arg }, err);
}

int reader_publishes(struct reader *reader, int64_t build,
		     void (*on_publish)(const struct publish_row *row, void *arg), void *arg, struct error *err)
{
	return visit_of(reader, Q_PUBLISHES, build, &(struct visit){ .publish = on_publish, .arg = arg }, err);
}

int reader_publish_steps(struct reader *reader, int64_t publish,
			 void (*on_step)(const struct publish_step_row *row, void *arg), void *arg, struct error *err)
{
	return visit_of(reader, Q_PUBLISH_STEPS, publish, &(struct visit){ .publish_step = on_step, .arg = arg }, err);
}

int reader_workers(struct reader *reader, void (*on_worker)(const struct worker_row *row, int live_attempts, void *arg),
		   void *arg, struct error *err)
{
	return visit_rows(reader, Q_WORKERS, &(struct visit){ .worker = on_worker, .arg = arg }, err);
}

int reader_events(struct reader *reader, int64_t build, void (*on_event)(const struct event_row *row, void *arg),
		  void *arg, struct error *err)
{
	return visit_of(reader, Q_EVENTS, build, &(struct visit){ .event = on_event, .arg = arg }, err);
}

int reader_context_is_wanted(struct reader *reader, const char *digest, bool *ret_wanted, struct error *err)
{
	CLEANUP(db_reset) sqlite3_stmt *stmt = reader->db.stmt[Q_CONTEXT_WANTED];

	db_bind_text(stmt, ":digest", digest);
	if (db_step(&reader->db, stmt, "look up context", err) < 0)
		return -1;
	*ret_wanted = sqlite3_column_int(stmt, 0) != 0;
	return 0;
}

/* Jobs: the job table's rows ------------------------------------------------------------------- */

static void text_column(sqlite3_stmt *stmt, int at, char *text, size_t size)
{
	const char *value = (const char *)sqlite3_column_text(stmt, at);

	snprintf(text, size, "%s", value ? value : "");
}

static int read_view(sqlite3_stmt *stmt, struct job_view *view, struct error *err)
{
	int at = fields_of(ROW_JOB)->count;

	if (fields_read(fields_of(ROW_JOB), stmt, &view->job, err) < 0)
		return -1;
	view->project = sqlite3_column_int64(stmt, at++);
	text_column(stmt, at++, view->repository, sizeof(view->repository));
	text_column(stmt, at++, view->worker, sizeof(view->worker));
	view->attempt_number = sqlite3_column_int(stmt, at++);
	view->build_state = (enum build_state)sqlite3_column_int(stmt, at++);
	text_column(stmt, at++, view->step, sizeof(view->step));
	view->step_n = sqlite3_column_int(stmt, at++);
	view->step_total = sqlite3_column_int(stmt, at++);
	view->log_bytes = sqlite3_column_int64(stmt, at);
	return 0;
}

int reader_job(struct reader *reader, int64_t id, struct job_view *ret_view, struct error *err)
{
	CLEANUP(db_reset) sqlite3_stmt *stmt = reader->db.stmt[Q_JOB];
	struct job_view view;
	int rc;

	db_bind_int64(stmt, ":id", id);
	rc = db_step(&reader->db, stmt, "read job", err);
	if (rc <= 0)
		return rc < 0 ? -1 : READER_NONE;
	if (read_view(stmt, &view, err) < 0)
		return -1;
	*ret_view = view;
	return 0;
}

/* The index that leaves the fewest rows to compare. */
static enum query job_query(const struct job_filter *filter)
{
	if (filter->build)
		return Q_JOBS_BUILD;
	if (filter->state == -2)
		return Q_JOBS_LIVE;
	if (filter->project)
		return filter->state < 0 ? Q_JOBS_PROJECT : Q_JOBS_PROJECT_STATE;
	if (filter->platform)
		return Q_JOBS_PLATFORM;
	return filter->state < 0 ? Q_JOBS : Q_JOBS_STATE;
}

int reader_jobs(struct reader *reader, const struct job_filter *filter,
		void (*on_job)(const struct job_view *view, void *arg), void *arg, struct error *err)
{
	enum query query = job_query(filter);
	CLEANUP(db_reset) sqlite3_stmt *stmt = reader->db.stmt[query];
	struct job_view view;
	int rc;

	bind_page(stmt, filter->before, filter->limit);
	db_bind_int64(stmt, ":state", filter->state);
	db_bind_int64(stmt, ":project", filter->project);
	db_bind_text(stmt, ":platform", filter->platform);
	if (query == Q_JOBS_BUILD)
		db_bind_int64(stmt, ":build", filter->build);
	while ((rc = db_step(&reader->db, stmt, "list jobs", err)) > 0) {
		if (read_view(stmt, &view, err) < 0)
			return -1;
		on_job(&view, arg);
	}
	return rc;
}
