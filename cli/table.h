/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of text in columns that line up, wide characters included. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdio.h>

struct table;

/* titles ends with NULL. */
struct table *table_new(const char *const *titles);
void table_free(struct table *table);

/* One cell after the other, row by row; copied, control characters made '?'. NULL is "-". */
void table_cell(struct table *table, const char *text);

/* The last column is not padded. */
void table_print(const struct table *table, FILE *out);

#endif
