-- SPDX-License-Identifier: Apache-2.0
-- What a coordinator remembers. One transaction runs this file; user_version at its end counts it.
-- Never edited after a release: what changes later is the next file.
--
-- States are numbers, as coordinator/core/states.h numbers them; state_names says what they mean and a
-- test compares the two. Times named _ms are milliseconds since 1970, 0 is "not yet".
-- Columns are named as the members of the structs in coordinator/core/rows.h are.
-- Foreign keys are looked at when the transaction ends: the order within one does not matter.
-- AUTOINCREMENT: an id is never given twice, also when its row was deleted by retention.

CREATE TABLE state_names (
	machine TEXT NOT NULL,     -- build, job, attempt, tag, publish, step_kind, step, failure
	number  INTEGER NOT NULL,
	name    TEXT NOT NULL,
	PRIMARY KEY (machine, number)
) STRICT, WITHOUT ROWID;

INSERT INTO state_names (machine, number, name) VALUES
	('build', 0, 'open'), ('build', 1, 'publishing'), ('build', 2, 'succeeded'), ('build', 3, 'failed'),
	('build', 4, 'cancelled'),
	('job', 0, 'queued'), ('job', 1, 'offered'), ('job', 2, 'running'), ('job', 3, 'succeeded'), ('job', 4, 'failed'),
	('job', 5, 'cancelling'), ('job', 6, 'cancelled'),
	('attempt', 0, 'offered'), ('attempt', 1, 'running'), ('attempt', 2, 'succeeded'), ('attempt', 3, 'failed'),
	('attempt', 4, 'lost'), ('attempt', 5, 'refused'), ('attempt', 6, 'cancelled'),
	('tag', 0, 'pending'), ('tag', 1, 'moved'), ('tag', 2, 'superseded'), ('tag', 3, 'failed'),
	('publish', 0, 'running'), ('publish', 1, 'done'), ('publish', 2, 'failed'),
	('step_kind', 0, 'verify'), ('step_kind', 1, 'index'), ('step_kind', 2, 'tag'), ('step_kind', 3, 'readback'),
	('step', 0, 'planned'), ('step', 1, 'started'), ('step', 2, 'done'), ('step', 3, 'failed'), ('step', 4, 'skipped'),
	('failure', 0, ''), ('failure', 1, 'build'), ('failure', 2, 'infra'), ('failure', 3, 'timeout'),
	('failure', 4, 'policy');


-- Who may do what ---------------------------------------------------------------------------------

CREATE TABLE projects (
	id         INTEGER PRIMARY KEY AUTOINCREMENT,
	name       TEXT NOT NULL UNIQUE,
	created_ms INTEGER NOT NULL
) STRICT;

INSERT INTO projects (id, name, created_ms) VALUES (1, 'default', CAST(strftime('%s', 'now') AS INTEGER) * 1000);

-- Tokens of people and programs. The text is told once and never kept.
CREATE TABLE tokens (
	id         INTEGER PRIMARY KEY AUTOINCREMENT,
	hash       BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),   -- SHA-256 of the text
	name       TEXT NOT NULL,
	scopes     INTEGER NOT NULL CHECK (scopes BETWEEN 1 AND 15), -- 1 submit, 2 read, 4 admin, 8 worker
	project    INTEGER NOT NULL REFERENCES projects (id) DEFERRABLE INITIALLY DEFERRED,
	created_ms INTEGER NOT NULL,
	expires_ms INTEGER NOT NULL DEFAULT 0,
	revoked_ms INTEGER NOT NULL DEFAULT 0
) STRICT;

-- A request that is sent again with the same key gets the same build, not a second one.
CREATE TABLE idempotency_keys (
	project    INTEGER NOT NULL REFERENCES projects (id) DEFERRABLE INITIALLY DEFERRED,
	key        TEXT NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
	body_hash  BLOB NOT NULL CHECK (length(body_hash) = 32), -- the same key with another body is a mistake
	build      INTEGER NOT NULL REFERENCES builds (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
	created_ms INTEGER NOT NULL,
	PRIMARY KEY (project, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_keys_build ON idempotency_keys (build);

-- What a worker got for its one-time token; good for its own attempts only.
CREATE TABLE worker_credentials (
	id         INTEGER PRIMARY KEY AUTOINCREMENT,
	worker     TEXT NOT NULL,
	hash       BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
	token      INTEGER REFERENCES tokens (id) DEFERRABLE INITIALLY DEFERRED, -- the one it joined with
	created_ms INTEGER NOT NULL,
	revoked_ms INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX worker_credentials_worker ON worker_credentials (worker);
CREATE INDEX worker_credentials_token ON worker_credentials (token);

-- Who did what. Only ever added to.
CREATE TABLE audit (
	id      INTEGER PRIMARY KEY AUTOINCREMENT,
	at_ms   INTEGER NOT NULL,
	actor   TEXT NOT NULL,     -- "command line"
	action  TEXT NOT NULL,     -- "token.created"
	subject TEXT NOT NULL,     -- what it was done to
	detail  TEXT NOT NULL DEFAULT ''
) STRICT;


-- The fleet ---------------------------------------------------------------------------------------

CREATE TABLE workers (
	name            TEXT PRIMARY KEY,
	is_connected    INTEGER NOT NULL CHECK (is_connected IN (0, 1)),
	version         TEXT NOT NULL,
	engine          TEXT NOT NULL,
	kernel_arch     TEXT NOT NULL,
	cpu             TEXT NOT NULL,
	proof           TEXT NOT NULL, -- that it runs its platforms natively, in words
	platforms       TEXT NOT NULL, -- "linux/amd64,linux/amd64/v3"
	slots           INTEGER NOT NULL,
	refused_because TEXT NOT NULL, -- '' when it may work
	remedy          TEXT NOT NULL,
	first_seen_ms   INTEGER NOT NULL,
	last_seen_ms    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;


-- Builds, jobs, attempts, steps -------------------------------------------------------------------
-- An index ends in the id by itself, so that lists go by key, newest first.

CREATE TABLE builds (
	id            INTEGER PRIMARY KEY AUTOINCREMENT,
	project       INTEGER NOT NULL REFERENCES projects (id) DEFERRABLE INITIALLY DEFERRED,
	spec          TEXT NOT NULL,        -- what was asked for, JSON
	state         INTEGER NOT NULL CHECK (state BETWEEN 0 AND 4),
	reason        TEXT NOT NULL,
	index_digest  TEXT NOT NULL,
	is_cancelling INTEGER NOT NULL CHECK (is_cancelling IN (0, 1)),
	created_ms    INTEGER NOT NULL,
	finished_ms   INTEGER NOT NULL,
	context       TEXT                  -- source.context of the spec: who needs this context?
) STRICT;
CREATE INDEX builds_project       ON builds (project);
CREATE INDEX builds_state         ON builds (state);
CREATE INDEX builds_project_state ON builds (project, state);
CREATE INDEX builds_open          ON builds (id) WHERE state IN (0, 1);
CREATE INDEX builds_context       ON builds (context);

CREATE TABLE jobs (
	id            INTEGER PRIMARY KEY AUTOINCREMENT,
	build         INTEGER NOT NULL REFERENCES builds (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
	os            TEXT NOT NULL,
	architecture  TEXT NOT NULL,
	variant       TEXT NOT NULL,
	state         INTEGER NOT NULL CHECK (state BETWEEN 0 AND 6),
	attempt       INTEGER,            -- the current or last one
	attempt_count INTEGER NOT NULL,   -- those that count against the limit of tries
	not_before_ms INTEGER NOT NULL,   -- back-off
	failure       INTEGER NOT NULL CHECK (failure BETWEEN 0 AND 4),
	reason        TEXT NOT NULL,
	media_type    TEXT NOT NULL,      -- of the manifest, when succeeded
	digest        TEXT NOT NULL,
	size_bytes    INTEGER NOT NULL,
	queued_ms     INTEGER NOT NULL,
	started_ms    INTEGER NOT NULL,
	finished_ms   INTEGER NOT NULL,
	project       INTEGER NOT NULL,   -- of the build, kept here so that a project's jobs are an index range
	platform      TEXT AS (os || '/' || architecture || CASE variant WHEN '' THEN '' ELSE '/' || variant END) VIRTUAL
) STRICT;
CREATE INDEX jobs_build         ON jobs (build);
CREATE INDEX jobs_project       ON jobs (project);
CREATE INDEX jobs_state         ON jobs (state);
CREATE INDEX jobs_project_state ON jobs (project, state);
CREATE INDEX jobs_platform      ON jobs (platform);
CREATE INDEX jobs_live          ON jobs (id) WHERE state IN (0, 1, 2, 5);

CREATE TABLE attempts (
	id                INTEGER PRIMARY KEY AUTOINCREMENT,
	job               INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
	number            INTEGER NOT NULL,   -- within the job, from 1
	worker            TEXT NOT NULL,
	state             INTEGER NOT NULL CHECK (state BETWEEN 0 AND 6),
	failure           INTEGER NOT NULL CHECK (failure BETWEEN 0 AND 4),
	reason            TEXT NOT NULL,
	failed_step       TEXT NOT NULL,
	exit_code         INTEGER NOT NULL,
	last_seq          INTEGER NOT NULL,   -- highest acknowledged event
	log_bytes         INTEGER NOT NULL,   -- -1 until the worker said how long the log is
	is_confirmed      INTEGER NOT NULL CHECK (is_confirmed IN (0, 1)),
	proof             TEXT NOT NULL,
	offered_ms        INTEGER NOT NULL,
	started_ms        INTEGER NOT NULL,
	ended_ms          INTEGER NOT NULL,
	engine_started_ms INTEGER NOT NULL,   -- these three by the worker's clock
	engine_ended_ms   INTEGER NOT NULL,
	pushed_ms         INTEGER NOT NULL,
	UNIQUE (job, number)
) STRICT;
CREATE INDEX attempts_live ON attempts (worker) WHERE state IN (0, 1);

CREATE TABLE steps (
	attempt    INTEGER NOT NULL REFERENCES attempts (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
	n          INTEGER NOT NULL,
	total      INTEGER NOT NULL,
	name       TEXT NOT NULL,
	is_cached  INTEGER NOT NULL CHECK (is_cached IN (0, 1)),
	started_ms INTEGER NOT NULL,
	ended_ms   INTEGER NOT NULL,
	PRIMARY KEY (attempt, n)
) STRICT, WITHOUT ROWID;


-- Tags and publishes ------------------------------------------------------------------------------

CREATE TABLE tags (
	id         INTEGER PRIMARY KEY AUTOINCREMENT,
	build      INTEGER NOT NULL REFERENCES builds (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
	reference  TEXT NOT NULL,             -- host/path:tag
	state      INTEGER NOT NULL CHECK (state BETWEEN 0 AND 3),
	reason     TEXT NOT NULL,
	digest     TEXT NOT NULL,             -- what it was moved to
	moved_ms   INTEGER NOT NULL,
	-- What precedes the last colon.
	repository TEXT AS (rtrim(rtrim(reference, replace(reference, ':', '')), ':')) VIRTUAL,
	UNIQUE (build, reference)
) STRICT;
CREATE INDEX tags_moved ON tags (reference, build) WHERE state = 1; -- the newest per reference is its head

CREATE TABLE publishes (
	id           INTEGER PRIMARY KEY AUTOINCREMENT,
	build        INTEGER NOT NULL REFERENCES builds (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
	number       INTEGER NOT NULL,        -- within the build, from 1
	state        INTEGER NOT NULL CHECK (state BETWEEN 0 AND 2),
	index_digest TEXT NOT NULL,
	reason       TEXT NOT NULL,
	started_ms   INTEGER NOT NULL,
	ended_ms     INTEGER NOT NULL,
	UNIQUE (build, number)
) STRICT;

CREATE TABLE publish_steps (
	publish       INTEGER NOT NULL REFERENCES publishes (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
	n             INTEGER NOT NULL,       -- order within the publish, from 1
	kind          INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 3),
	state         INTEGER NOT NULL CHECK (state BETWEEN 0 AND 4),
	repository    TEXT NOT NULL,
	job           INTEGER,
	tag           INTEGER,
	tries         INTEGER NOT NULL,
	not_before_ms INTEGER NOT NULL,
	reason        TEXT NOT NULL,
	started_ms    INTEGER NOT NULL,
	ended_ms      INTEGER NOT NULL,
	PRIMARY KEY (publish, n)
) STRICT, WITHOUT ROWID;


-- History and files -------------------------------------------------------------------------------

-- Told in words, for people; the core never reads it back.
CREATE TABLE events (
	id      INTEGER PRIMARY KEY AUTOINCREMENT,
	build   INTEGER REFERENCES builds (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
	job     INTEGER,
	attempt INTEGER,
	at_ms   INTEGER NOT NULL,
	kind    TEXT NOT NULL,
	text    TEXT NOT NULL
) STRICT;
CREATE INDEX events_build ON events (build);

-- Files that builds read, DIR/contexts/, by the digest of their canonical tar.
CREATE TABLE contexts (
	digest       TEXT PRIMARY KEY,
	size_bytes   INTEGER NOT NULL,
	created_ms   INTEGER NOT NULL,
	last_used_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX contexts_last_used ON contexts (last_used_ms);


-- For an operator: sqlite3 manifold.db 'SELECT * FROM job_table' ----------------------------------

-- Newest first. Times are UTC. Why a job waits for a worker is known to the running coordinator only
-- (GET /v1/jobs, waiting_for); back-off is a fact of the row and told here.
CREATE VIEW job_table AS
SELECT
	j.id AS job,
	j.build,
	j.platform,
	state.name AS state,
	coalesce(a.worker, '') AS worker,
	coalesce(a.number, 0) AS attempt,
	coalesce((SELECT t.repository FROM tags t WHERE t.build = j.build ORDER BY t.id LIMIT 1), '') AS repository,
	coalesce(s.n || CASE s.total WHEN 0 THEN '' ELSE '/' || s.total END || ' ' || s.name, '') AS step,
	CASE
		WHEN j.state = 0 AND j.not_before_ms > CAST(strftime('%s', 'now') AS INTEGER) * 1000
		THEN 'back-off until ' || strftime('%Y-%m-%dT%H:%M:%SZ', j.not_before_ms / 1000, 'unixepoch')
		ELSE ''
	END AS waiting_for,
	strftime('%Y-%m-%dT%H:%M:%SZ', nullif(j.queued_ms, 0) / 1000, 'unixepoch') AS queued,
	strftime('%Y-%m-%dT%H:%M:%SZ', nullif(j.started_ms, 0) / 1000, 'unixepoch') AS started,
	strftime('%Y-%m-%dT%H:%M:%SZ', nullif(j.finished_ms, 0) / 1000, 'unixepoch') AS finished,
	round((coalesce(nullif(j.started_ms, 0), nullif(j.finished_ms, 0),
		CAST(strftime('%s', 'now') AS INTEGER) * 1000) - j.queued_ms) / 1000.0, 1) AS queued_s,
	round((coalesce(nullif(j.finished_ms, 0), CAST(strftime('%s', 'now') AS INTEGER) * 1000)
		- nullif(j.started_ms, 0)) / 1000.0, 1) AS ran_s,
	failure.name AS failure,
	j.reason,
	project.name AS project
FROM jobs j
LEFT JOIN state_names state ON state.machine = 'job' AND state.number = j.state
LEFT JOIN state_names failure ON failure.machine = 'failure' AND failure.number = j.failure
LEFT JOIN projects project ON project.id = j.project
LEFT JOIN attempts a ON a.id = j.attempt
-- The newest step that runs, or else the last one.
LEFT JOIN steps s ON s.attempt = j.attempt
	AND s.n = (SELECT n FROM steps WHERE attempt = j.attempt ORDER BY ended_ms = 0 DESC, n DESC LIMIT 1)
ORDER BY j.id DESC;

PRAGMA user_version = 1;
