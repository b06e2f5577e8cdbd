/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which member of a row struct is which column: one table per kind, for binding and for reading
 * alike, so that the two cannot disagree. Statements name parameters and columns as the members
 * are named, in the same order; db_prepare() checks that they do.
 */
#ifndef COORDINATOR_STORE_FIELDS_H
#define COORDINATOR_STORE_FIELDS_H

#include <sqlite3.h>

#include "coordinator/core/rows.h"

enum field_type {
	FIELD_INT64,
	FIELD_REF,  /* int64_t, 0 is NULL */
	FIELD_INT,  /* int, or an enum */
	FIELD_BOOL,
	FIELD_TEXT, /* char[size] */
	FIELD_HEAP, /* char *, owned by the row */
};

struct field {
	const char *name;
	enum field_type type;
	size_t offset, size;
};

struct fields {
	const struct field *list;
	int count;
	size_t row_size;
};

const struct fields *fields_of(enum row_kind kind);

/*
 * Binds row (a struct build_row for ROW_BUILD, ...) to the parameters 1 and up; it must live until the
 * statement is reset. Gives SQLite's code.
 */
int fields_bind(const struct fields *fields, sqlite3_stmt *stmt, const void *row);

/*
 * Reads a row from the first columns; what it held before is overwritten, not freed.
 * ERR_DATABASE: a column holds what the member cannot.
 */
int fields_read(const struct fields *fields, sqlite3_stmt *stmt, void *row, struct error *err);

/* Frees what fields_read put on the heap. */
void fields_clear(const struct fields *fields, void *row);

#endif
