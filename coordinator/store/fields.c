/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/store/fields.h"

#include <limits.h>
#include <string.h>

#include "common/mem.h"

#define FIELD(row, member, type) { #member, type, offsetof(struct row, member), sizeof(((struct row *)0)->member) }
#define INT64(row, member) FIELD(row, member, FIELD_INT64)
#define REF(row, member) FIELD(row, member, FIELD_REF)
#define INT(row, member) FIELD(row, member, FIELD_INT)
#define BOOL(row, member) FIELD(row, member, FIELD_BOOL)
#define TEXT(row, member) FIELD(row, member, FIELD_TEXT)

static const struct field build_fields[] = {
	INT64(build_row, id), INT64(build_row, project), FIELD(build_row, spec, FIELD_HEAP), INT(build_row, state),
	TEXT(build_row, reason), TEXT(build_row, index_digest), BOOL(build_row, is_cancelling),
	INT64(build_row, created_ms), INT64(build_row, finished_ms),
};

#define PLATFORM(member) \
	{ #member, FIELD_TEXT, offsetof(struct job_row, platform.member), sizeof(((struct platform *)0)->member) }

static const struct field job_fields[] = {
	INT64(job_row, id), INT64(job_row, build), PLATFORM(os), PLATFORM(architecture), PLATFORM(variant),
	INT(job_row, state), REF(job_row, attempt), INT(job_row, attempt_count), INT64(job_row, not_before_ms),
	INT(job_row, failure), TEXT(job_row, reason), TEXT(job_row, media_type), TEXT(job_row, digest),
	INT64(job_row, size_bytes), INT64(job_row, queued_ms), INT64(job_row, started_ms), INT64(job_row, finished_ms),
};

static const struct field attempt_fields[] = {
	INT64(attempt_row, id), INT64(attempt_row, job), INT(attempt_row, number), TEXT(attempt_row, worker),
	INT(attempt_row, state), INT(attempt_row, failure), TEXT(attempt_row, reason), TEXT(attempt_row, failed_step),
	INT(attempt_row, exit_code), INT64(attempt_row, last_seq), INT64(attempt_row, log_bytes),
	BOOL(attempt_row, is_confirmed), TEXT(attempt_row, proof), INT64(attempt_row, offered_ms),
	INT64(attempt_row, started_ms), INT64(attempt_row, ended_ms), INT64(attempt_row, engine_started_ms),
	INT64(attempt_row, engine_ended_ms), INT64(attempt_row, pushed_ms),
};

static const struct field step_fields[] = {
	INT64(step_row, attempt), INT(step_row, n), INT(step_row, total), TEXT(step_row, name),
	BOOL(step_row, is_cached), INT64(step_row, started_ms), INT64(step_row, ended_ms),
};

static const struct field tag_fields[] = {
	INT64(tag_row, id), INT64(tag_row, build), TEXT(tag_row, reference), INT(tag_row, state),
	TEXT(tag_row, reason), TEXT(tag_row, digest), INT64(tag_row, moved_ms),
};

static const struct field publish_fields[] = {
	INT64(publish_row, id), INT64(publish_row, build), INT(publish_row, number), INT(publish_row, state),
	TEXT(publish_row, index_digest), TEXT(publish_row, reason), INT64(publish_row, started_ms),
	INT64(publish_row, ended_ms),
};

static const struct field publish_step_fields[] = {
	INT64(publish_step_row, publish), INT(publish_step_row, n), INT(publish_step_row, kind),
	INT(publish_step_row, state), TEXT(publish_step_row, repository), REF(publish_step_row, job),
	REF(publish_step_row, tag), INT(publish_step_row, tries), INT64(publish_step_row, not_before_ms),
	TEXT(publish_step_row, reason), INT64(publish_step_row, started_ms), INT64(publish_step_row, ended_ms),
};

static const struct field worker_fields[] = {
	TEXT(worker_row, name), BOOL(worker_row, is_connected), TEXT(worker_row, version), TEXT(worker_row, engine),
	TEXT(worker_row, kernel_arch), TEXT(worker_row, cpu), TEXT(worker_row, proof), TEXT(worker_row, platforms),
	INT(worker_row, slots), TEXT(worker_row, refused_because), TEXT(worker_row, remedy),
	INT64(worker_row, first_seen_ms), INT64(worker_row, last_seen_ms),
};

static const struct field event_fields[] = {
	REF(event_row, build), REF(event_row, job), REF(event_row, attempt), INT64(event_row, at_ms),
	TEXT(event_row, kind), TEXT(event_row, text),
};

#define FIELDS(array, row) { array, (int)(sizeof(array) / sizeof((array)[0])), sizeof(struct row) }

static const struct fields all[] = {
	[ROW_BUILD] = FIELDS(build_fields, build_row),
	[ROW_JOB] = FIELDS(job_fields, job_row),
	[ROW_ATTEMPT] = FIELDS(attempt_fields, attempt_row),
	[ROW_STEP] = FIELDS(step_fields, step_row),
	[ROW_TAG] = FIELDS(tag_fields, tag_row),
	[ROW_PUBLISH] = FIELDS(publish_fields, publish_row),
	[ROW_PUBLISH_STEP] = FIELDS(publish_step_fields, publish_step_row),
	[ROW_WORKER] = FIELDS(worker_fields, worker_row),
	[ROW_EVENT] = FIELDS(event_fields, event_row),
};

_Static_assert(sizeof(enum job_state) == sizeof(int), "an enum is bound and read as an int");

const struct fields *fields_of(enum row_kind kind)
{
	return &all[kind];
}

static int bind(const struct field *field, sqlite3_stmt *stmt, int at, const void *member)
{
	char *const *heap = member;
	int64_t number = 0;

	switch (field->type) {
	case FIELD_INT64:
	case FIELD_REF:
		memcpy(&number, member, sizeof(number));
		break;
	case FIELD_INT:
		number = *(const int *)member;
		break;
	case FIELD_BOOL:
		number = *(const bool *)member;
		break;
	case FIELD_TEXT:
		return sqlite3_bind_text(stmt, at, member, (int)strnlen(member, field->size), SQLITE_STATIC);
	case FIELD_HEAP:
		return sqlite3_bind_text(stmt, at, *heap, -1, SQLITE_STATIC);
	}
	if (field->type == FIELD_REF && number == 0)
		return sqlite3_bind_null(stmt, at);
	return sqlite3_bind_int64(stmt, at, number);
}

int fields_bind(const struct fields *fields, sqlite3_stmt *stmt, const void *row)
{
	for (int i = 0; i < fields->count; i++) {
		const struct field *field = &fields->list[i];
		int rc = bind(field, stmt, i + 1, (const char *)row + field->offset);

		if (rc != SQLITE_OK)
			return rc;
	}
	return SQLITE_OK;
}

static int misfit(const struct field *field, const char *why, struct error *err)
{
	return error_set(err, ERR_DATABASE, "column %s holds %s; was the file changed by hand?", field->name, why);
}

static int read_number(const struct field *field, int64_t number, void *member, struct error *err)
{
	switch (field->type) {
	case FIELD_INT:
		if (number < INT_MIN || number > INT_MAX)
			return misfit(field, "a number that is out of range", err);
		*(int *)member = (int)number;
		return 0;
	case FIELD_BOOL:
		*(bool *)member = number != 0;
		return 0;
	default:
		memcpy(member, &number, sizeof(number));
		return 0;
	}
}

static int read_text(const struct field *field, sqlite3_stmt *stmt, int at, void *member, struct error *err)
{
	const char *text = (const char *)sqlite3_column_text(stmt, at);

	if (!text && sqlite3_column_type(stmt, at) != SQLITE_NULL)
		return error_set(err, ERR_NO_MEMORY, "column %s: out of memory", field->name);
	if (!text)
		text = "";
	if (field->type == FIELD_HEAP)
		*(char **)member = mem_strdup(text);
	else if (text_copy(member, field->size, text) < 0)
		return misfit(field, "a text that is too long", err);
	return 0;
}

static int read_field(const struct field *field, sqlite3_stmt *stmt, int at, void *row, struct error *err)
{
	void *member = (char *)row + field->offset;

	if (field->type == FIELD_TEXT || field->type == FIELD_HEAP)
		return read_text(field, stmt, at, member, err);
	return read_number(field, sqlite3_column_int64(stmt, at), member, err);
}

void fields_clear(const struct fields *fields, void *row)
{
	for (int i = 0; i < fields->count; i++) {
		char **heap = (void *)((char *)row + fields->list[i].offset);

		if (fields->list[i].type != FIELD_HEAP)
			continue;
		mem_free(*heap);
		*heap = NULL;
	}
}

int fields_read(const struct fields *fields, sqlite3_stmt *stmt, void *row, struct error *err)
{
	memset(row, 0, fields->row_size);
	for (int i = 0; i < fields->count; i++) {
		if (read_field(&fields->list[i], stmt, i, row, err) < 0) {
			fields_clear(fields, row);
			return -1;
		}
	}
	return 0;
}
