/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/store/sql.h"

/* In the order of the tables in fields.c; db_prepare() refuses to start when they disagree. */
#define BUILD_COLUMNS \
	"b.id, b.project, b.spec, b.state, b.reason, b.index_digest, b.is_cancelling, b.created_ms, " \
	"b.finished_ms"
#define JOB_COLUMNS \
	"j.id, j.build, j.os, j.architecture, j.variant, j.state, j.attempt, j.attempt_count, " \
	"j.not_before_ms, j.failure, j.reason, j.media_type, j.digest, j.size_bytes, j.queued_ms, " \
	"j.started_ms, j.finished_ms"
#define ATTEMPT_COLUMNS \
	"a.id, a.job, a.number, a.worker, a.state, a.failure, a.reason, a.failed_step, a.exit_code, " \
	"a.last_seq, a.log_bytes, a.is_confirmed, a.proof, a.offered_ms, a.started_ms, a.ended_ms, " \
	"a.engine_started_ms, a.engine_ended_ms, a.pushed_ms"
#define STEP_COLUMNS \
	"s.attempt, s.n, s.total, s.name, s.is_cached, s.started_ms, s.ended_ms"
#define TAG_COLUMNS \
	"t.id, t.build, t.reference, t.state, t.reason, t.digest, t.moved_ms"
#define PUBLISH_COLUMNS \
	"p.id, p.build, p.number, p.state, p.index_digest, p.reason, p.started_ms, p.ended_ms"
#define PUBLISH_STEP_COLUMNS \
	"ps.publish, ps.n, ps.kind, ps.state, ps.repository, ps.job, ps.tag, ps.tries, ps.not_before_ms, " \
	"ps.reason, ps.started_ms, ps.ended_ms"
#define WORKER_COLUMNS \
	"w.name, w.is_connected, w.version, w.engine, w.kernel_arch, w.cpu, w.proof, w.platforms, " \
	"w.slots, w.refused_because, w.remedy, w.first_seen_ms, w.last_seen_ms"
#define EVENT_COLUMNS \
	"e.build, e.job, e.attempt, e.at_ms, e.kind, e.text"

#define IS_LIVE_JOB(j) j ".state IN (0, 1, 2, 5)"

/* A row of the job table. The newest step that runs is shown, or else the last one. */
#define JOB_VIEW(from) \
	"SELECT " JOB_COLUMNS ", j.project AS project," \
	" coalesce((SELECT t.repository FROM tags t WHERE t.build = j.build ORDER BY t.id LIMIT 1), '') AS repository," \
	" coalesce(a.worker, '') AS worker, coalesce(a.number, 0) AS attempt_number, b.state AS build_state," \
	" coalesce(s.name, '') AS step, coalesce(s.n, 0) AS step_n, coalesce(s.total, 0) AS step_total," \
	" coalesce(a.log_bytes, -1) AS log_bytes" \
	" FROM jobs j " from \
	" LEFT JOIN builds b ON b.id = j.build" \
	" LEFT JOIN attempts a ON a.id = j.attempt" \
	" LEFT JOIN steps s ON s.attempt = j.attempt AND s.n = (SELECT n FROM steps" \
	" WHERE attempt = j.attempt ORDER BY ended_ms = 0 DESC, n DESC LIMIT 1)"

/*
 * A list has one statement per index that may lead it; what else the filter says is compared row by
 * row (the + keeps the planner from choosing another index).
 */
#define JOB_FILTER \
	" AND (:state = -1 OR +j.state = :state OR (:state = -2 AND +" IS_LIVE_JOB("j") "))" \
	" AND (:project = 0 OR +j.project = :project)" \
	" AND (:platform IS NULL OR +j.platform = :platform)" \
	" ORDER BY j.id DESC LIMIT :limit"
#define BUILD_FILTER \
	" AND (:state = -1 OR +b.state = :state OR (:state = -2 AND +b.state IN (0, 1)))" \
	" AND (:project = 0 OR +b.project = :project)" \
	" ORDER BY b.id DESC LIMIT :limit"

#define OF_LIVE_BUILD(column) column " IN (SELECT id FROM builds WHERE state IN (0, 1))"

static const char *const sql[QUERY_COUNT] = {
	[Q_BEGIN_READ] = "BEGIN",
	[Q_COMMIT] = "COMMIT",
	[Q_ROLLBACK] = "ROLLBACK",
	[Q_BEGIN_WRITE] = "BEGIN IMMEDIATE",

	[Q_SAVE + ROW_BUILD] =
		("INSERT INTO builds (id, project, spec, state, reason, index_digest, is_cancelling, created_ms, finished_ms, context)"
		 " VALUES (:id, :project, :spec, :state, :reason, :index_digest, :is_cancelling, :created_ms, "
		 ":finished_ms, json_extract(:spec, '$.source.context'))"
		 " ON CONFLICT (id) DO UPDATE SET"
		 " project = excluded.project, state = excluded.state, reason = excluded.reason, "
		 "index_digest = excluded.index_digest, is_cancelling = excluded.is_cancelling, "
		 "created_ms = excluded.created_ms, finished_ms = excluded.finished_ms"),
	[Q_SAVE + ROW_JOB] =
		("INSERT INTO jobs (id, build, os, architecture, variant, state, attempt, attempt_count, not_before_ms, "
		 "failure, reason, media_type, digest, size_bytes, queued_ms, started_ms, finished_ms, "
		 "project)"
		 " VALUES (:id, :build, :os, :architecture, :variant, :state, :attempt, :attempt_count, "
		 ":not_before_ms, :failure, :reason, :media_type, :digest, :size_bytes, :queued_ms, "
		 ":started_ms, :finished_ms, (SELECT project FROM builds WHERE id = :build))"
		 " ON CONFLICT (id) DO UPDATE SET"
		 " build = excluded.build, os = excluded.os, architecture = excluded.architecture, "
		 "variant = excluded.variant, state = excluded.state, attempt = excluded.attempt, "
		 "attempt_count = excluded.attempt_count, not_before_ms = excluded.not_before_ms, "
		 "failure = excluded.failure, reason = excluded.reason, media_type = excluded.media_type, "
		 "digest = excluded.digest, size_bytes = excluded.size_bytes, "
		 "queued_ms = excluded.queued_ms, started_ms = excluded.started_ms, "
		 "finished_ms = excluded.finished_ms"),
	[Q_SAVE + ROW_ATTEMPT] =
		("INSERT INTO attempts (id, job, number, worker, state, failure, reason, failed_step, exit_code, last_seq, "
		 "log_bytes, is_confirmed, proof, offered_ms, started_ms, ended_ms, engine_started_ms, "
		 "engine_ended_ms, pushed_ms)"
		 " VALUES (:id, :job, :number, :worker, :state, :failure, :reason, :failed_step, :exit_code, "
		 ":last_seq, :log_bytes, :is_confirmed, :proof, :offered_ms, :started_ms, :ended_ms, "
		 ":engine_started_ms, :engine_ended_ms, :pushed_ms)"
		 " ON CONFLICT (id) DO UPDATE SET"
		 " job = excluded.job, number = excluded.number, worker = excluded.worker, "
		 "state = excluded.state, failure = excluded.failure, reason = excluded.reason, "
		 "failed_step = excluded.failed_step, exit_code = excluded.exit_code, "
		 "last_seq = excluded.last_seq, log_bytes = excluded.log_bytes, "
		 "is_confirmed = excluded.is_confirmed, proof = excluded.proof, "
		 "offered_ms = excluded.offered_ms, started_ms = excluded.started_ms, "
		 "ended_ms = excluded.ended_ms, engine_started_ms = excluded.engine_started_ms, "
		 "engine_ended_ms = excluded.engine_ended_ms, pushed_ms = excluded.pushed_ms"),
	[Q_SAVE + ROW_STEP] =
		("INSERT INTO steps (attempt, n, total, name, is_cached, started_ms, ended_ms)"
		 " VALUES (:attempt, :n, :total, :name, :is_cached, :started_ms, :ended_ms)"
		 " ON CONFLICT (attempt, n) DO UPDATE SET"
		 " total = excluded.total, name = excluded.name, is_cached = excluded.is_cached, "
		 "started_ms = excluded.started_ms, ended_ms = excluded.ended_ms"),
	[Q_SAVE + ROW_TAG] =
		("INSERT INTO tags (id, build, reference, state, reason, digest, moved_ms)"
		 " VALUES (:id, :build, :reference, :state, :reason, :digest, :moved_ms)"
		 " ON CONFLICT (id) DO UPDATE SET"
		 " build = excluded.build, reference = excluded.reference, state = excluded.state, "
		 "reason = excluded.reason, digest = excluded.digest, moved_ms = excluded.moved_ms"),
	[Q_SAVE + ROW_PUBLISH] =
		("INSERT INTO publishes (id, build, number, state, index_digest, reason, started_ms, ended_ms)"
		 " VALUES (:id, :build, :number, :state, :index_digest, :reason, :started_ms, :ended_ms)"
		 " ON CONFLICT (id) DO UPDATE SET"
		 " build = excluded.build, number = excluded.number, state = excluded.state, "
		 "index_digest = excluded.index_digest, reason = excluded.reason, "
		 "started_ms = excluded.started_ms, ended_ms = excluded.ended_ms"),
	[Q_SAVE + ROW_PUBLISH_STEP] =
		("INSERT INTO publish_steps (publish, n, kind, state, repository, job, tag, tries, not_before_ms, reason, started_ms, "
		 "ended_ms)"
		 " VALUES (:publish, :n, :kind, :state, :repository, :job, :tag, :tries, :not_before_ms, :reason, "
		 ":started_ms, :ended_ms)"
		 " ON CONFLICT (publish, n) DO UPDATE SET"
		 " kind = excluded.kind, state = excluded.state, repository = excluded.repository, "
		 "job = excluded.job, tag = excluded.tag, tries = excluded.tries, "
		 "not_before_ms = excluded.not_before_ms, reason = excluded.reason, "
		 "started_ms = excluded.started_ms, ended_ms = excluded.ended_ms"),
	[Q_SAVE + ROW_WORKER] =
		("INSERT INTO workers (name, is_connected, version, engine, kernel_arch, cpu, proof, platforms, slots, "
		 "refused_because, remedy, first_seen_ms, last_seen_ms)"
		 " VALUES (:name, :is_connected, :version, :engine, :kernel_arch, :cpu, :proof, :platforms, :slots, "
		 ":refused_because, :remedy, :first_seen_ms, :last_seen_ms)"
		 " ON CONFLICT (name) DO UPDATE SET"
		 " is_connected = excluded.is_connected, version = excluded.version, "
		 "engine = excluded.engine, kernel_arch = excluded.kernel_arch, cpu = excluded.cpu, "
		 "proof = excluded.proof, platforms = excluded.platforms, slots = excluded.slots, "
		 "refused_because = excluded.refused_because, remedy = excluded.remedy, "
		 "first_seen_ms = excluded.first_seen_ms, last_seen_ms = excluded.last_seen_ms"),
	[Q_SAVE + ROW_EVENT] =
		("INSERT INTO events (build, job, attempt, at_ms, kind, text)"
		 " VALUES (:build, :job, :attempt, :at_ms, :kind, :text)"),

	[Q_LOAD_BUILDS] = "SELECT " BUILD_COLUMNS " FROM builds b WHERE b.state IN (0, 1) ORDER BY b.id",
	[Q_LOAD_JOBS] = "SELECT " JOB_COLUMNS " FROM jobs j WHERE " OF_LIVE_BUILD("j.build") " ORDER BY j.id",
	[Q_LOAD_ATTEMPTS] =
		("SELECT " ATTEMPT_COLUMNS " FROM attempts a WHERE a.job IN (SELECT j.id FROM jobs j WHERE "
		 OF_LIVE_BUILD("j.build") ") ORDER BY a.id"),
	[Q_LOAD_TAGS] = "SELECT " TAG_COLUMNS " FROM tags t WHERE " OF_LIVE_BUILD("t.build") " ORDER BY t.id",
	[Q_LOAD_PUBLISHES] = "SELECT " PUBLISH_COLUMNS " FROM publishes p WHERE " OF_LIVE_BUILD("p.build") " ORDER BY p.id",
	[Q_LOAD_PUBLISH_STEPS] =
		("SELECT " PUBLISH_STEP_COLUMNS " FROM publish_steps ps WHERE ps.publish IN (SELECT p.id FROM publishes p"
		 " WHERE " OF_LIVE_BUILD("p.build") ") ORDER BY ps.publish, ps.n"),
	[Q_LOAD_WORKERS] = "SELECT " WORKER_COLUMNS " FROM workers w ORDER BY w.name",
	/* SQLite gives the other columns of the row that has the max(). */
	[Q_LOAD_HEADS] =
		("SELECT " TAG_COLUMNS ", max(t.build) FROM tags t INDEXED BY tags_moved WHERE t.state = 1"
		 " GROUP BY t.reference ORDER BY t.reference"),
	[Q_LOAD_LAST_IDS] =
		("SELECT (SELECT seq FROM sqlite_sequence WHERE name = 'builds'),"
		 " (SELECT seq FROM sqlite_sequence WHERE name = 'jobs'),"
		 " (SELECT seq FROM sqlite_sequence WHERE name = 'attempts'),"
		 " (SELECT seq FROM sqlite_sequence WHERE name = 'tags'),"
		 " (SELECT seq FROM sqlite_sequence WHERE name = 'publishes')"),

	[Q_SAVE_TOKEN] =
		("INSERT INTO tokens (hash, name, scopes, project, created_ms, expires_ms)"
		 " VALUES (:hash, :name, :scopes, :project, :created_ms, :expires_ms)"),
	[Q_SAVE_AUDIT] =
		("INSERT INTO audit (at_ms, actor, action, subject, detail)"
		 " VALUES (:at_ms, :actor, :action, :subject, :detail)"),

	[Q_TOKEN] = "SELECT id, project, scopes, name, expires_ms, revoked_ms FROM tokens WHERE hash = :hash",

	[Q_BUILD] = "SELECT " BUILD_COLUMNS " FROM builds b WHERE b.id = :id",
	[Q_BUILDS] = "SELECT " BUILD_COLUMNS " FROM builds b WHERE b.id < :before" BUILD_FILTER,
	[Q_BUILDS_STATE] = "SELECT " BUILD_COLUMNS " FROM builds b WHERE b.state = :state AND b.id < :before" BUILD_FILTER,
	[Q_BUILDS_LIVE] =
		("SELECT " BUILD_COLUMNS " FROM builds b INDEXED BY builds_open WHERE b.state IN (0, 1) AND b.id < :before"
		 BUILD_FILTER),
	[Q_BUILDS_PROJECT] =
		"SELECT " BUILD_COLUMNS " FROM builds b WHERE b.project = :project AND b.id < :before" BUILD_FILTER,
	[Q_BUILDS_PROJECT_STATE] =
		("SELECT " BUILD_COLUMNS " FROM builds b WHERE b.project = :project AND b.state = :state AND b.id < :before"
		 BUILD_FILTER),

	[Q_JOB] = JOB_VIEW("") " WHERE j.id = :id",
	[Q_JOBS] = JOB_VIEW("") " WHERE j.id < :before" JOB_FILTER,
	[Q_JOBS_BUILD] = JOB_VIEW("") " WHERE j.build = :build AND j.id < :before" JOB_FILTER,
	[Q_JOBS_LIVE] =
		JOB_VIEW("INDEXED BY jobs_live") " WHERE " IS_LIVE_JOB("j") " AND j.id < :before" JOB_FILTER,
	[Q_JOBS_STATE] = JOB_VIEW("") " WHERE j.state = :state AND j.id < :before" JOB_FILTER,
	[Q_JOBS_PROJECT] = JOB_VIEW("") " WHERE j.project = :project AND j.id < :before" JOB_FILTER,
	[Q_JOBS_PROJECT_STATE] =
		JOB_VIEW("") " WHERE j.project = :project AND j.state = :state AND j.id < :before" JOB_FILTER,
	[Q_JOBS_PLATFORM] = JOB_VIEW("") " WHERE j.platform = :platform AND j.id < :before" JOB_FILTER,

	[Q_ATTEMPT] = "SELECT " ATTEMPT_COLUMNS " FROM attempts a WHERE a.id = :id",
	[Q_ATTEMPTS] = "SELECT " ATTEMPT_COLUMNS " FROM attempts a WHERE a.job = :id ORDER BY a.number",
	[Q_STEPS] = "SELECT " STEP_COLUMNS " FROM steps s WHERE s.attempt = :id ORDER BY s.n",
	[Q_TAGS] = "SELECT " TAG_COLUMNS " FROM tags t WHERE t.build = :id ORDER BY t.id",
	[Q_PUBLISHES] = "SELECT " PUBLISH_COLUMNS " FROM publishes p WHERE p.build = :id ORDER BY p.number",
	[Q_PUBLISH_STEPS] = "SELECT " PUBLISH_STEP_COLUMNS " FROM publish_steps ps WHERE ps.publish = :id ORDER BY ps.n",
	/* All of them: a fleet is small. */
	[Q_WORKERS] =
		("SELECT " WORKER_COLUMNS ", (SELECT count(*) FROM attempts a WHERE a.worker = w.name AND a.state IN (0, 1))"
		 " FROM workers w ORDER BY w.name"),
	[Q_EVENTS] = "SELECT " EVENT_COLUMNS " FROM events e WHERE e.build = :id ORDER BY e.id",
	[Q_CONTEXT_WANTED] =
		("SELECT EXISTS (SELECT 1 FROM builds b WHERE b.context = :digest AND (b.state IN (0, 1)"
		 " OR EXISTS (SELECT 1 FROM jobs j WHERE j.build = b.id AND " IS_LIVE_JOB("j") ")))"),
};

const char *query_sql(enum query query)
{
	return sql[query];
}

int query_row_kind(enum query query)
{
	switch (query) {
	case Q_LOAD_BUILDS: case Q_BUILD: case Q_BUILDS: case Q_BUILDS_STATE: case Q_BUILDS_LIVE:
	case Q_BUILDS_PROJECT: case Q_BUILDS_PROJECT_STATE:
		return ROW_BUILD;
	case Q_LOAD_JOBS: case Q_JOB: case Q_JOBS: case Q_JOBS_BUILD: case Q_JOBS_LIVE: case Q_JOBS_STATE:
	case Q_JOBS_PROJECT: case Q_JOBS_PROJECT_STATE: case Q_JOBS_PLATFORM:
		return ROW_JOB;
	case Q_LOAD_ATTEMPTS: case Q_ATTEMPT: case Q_ATTEMPTS:
		return ROW_ATTEMPT;
	case Q_STEPS:
		return ROW_STEP;
	case Q_LOAD_TAGS: case Q_LOAD_HEADS: case Q_TAGS:
		return ROW_TAG;
	case Q_LOAD_PUBLISHES: case Q_PUBLISHES:
		return ROW_PUBLISH;
	case Q_LOAD_PUBLISH_STEPS: case Q_PUBLISH_STEPS:
		return ROW_PUBLISH_STEP;
	case Q_LOAD_WORKERS: case Q_WORKERS:
		return ROW_WORKER;
	case Q_EVENTS:
		return ROW_EVENT;
	default:
		return query >= Q_SAVE && query < Q_SAVE + ROW_KIND_COUNT ? (int)query - Q_SAVE : -1;
	}
}
