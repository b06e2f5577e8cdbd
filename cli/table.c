/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/table.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "common/mem.h"

#define COLUMNS_MAX 16

struct table {
	size_t columns;
	char **cells; /* titles first */
	size_t count, cap;
};

static void add(struct table *table, const char *text)
{
	char *copy = mem_strdup(text && *text ? text : "-");

	for (char *p = copy; *p; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	}
	if (table->count == table->cap) {
		table->cap = table->cap ? table->cap * 2 : 64;
		table->cells = mem_realloc(table->cells, table->cap * sizeof(char *));
	}
	table->cells[table->count++] = copy;
}

struct table *table_new(const char *const *titles)
{
	struct table *table = mem_alloc(sizeof(*table));

	setlocale(LC_CTYPE, "");
	if (MB_CUR_MAX == 1)
		setlocale(LC_CTYPE, "C.UTF-8");
	while (titles[table->columns] && table->columns < COLUMNS_MAX)
		add(table, titles[table->columns++]);
	return table;
}

void table_free(struct table *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < table->count; i++)
		mem_free(table->cells[i]);
	mem_free(table->cells);
	mem_free(table);
}

void table_cell(struct table *table, const char *text)
{
	add(table, text);
}

/* Columns on a screen; what is no valid text counts bytes. */
static size_t width_of(const char *text)
{
	wchar_t wide[1024];
	size_t len = mbstowcs(wide, text, 1024);
	int width = len == (size_t)-1 || len == 1024 ? -1 : wcswidth(wide, len);

	return width < 0 ? strlen(text) : (size_t)width;
}

void table_print(const struct table *table, FILE *out)
{
	size_t widths[COLUMNS_MAX] = { 0 };

	for (size_t i = 0; i < table->count; i++) {
		size_t width = width_of(table->cells[i]);

		if (width > widths[i % table->columns])
			widths[i % table->columns] = width;
	}
	for (size_t i = 0; i < table->count; i++) {
		size_t column = i % table->columns;

		if (column + 1 == table->columns)
			fprintf(out, "%s\n", table->cells[i]);
		else
			fprintf(out, "%s%*s", table->cells[i],
				(int)(widths[column] - width_of(table->cells[i]) + 2), "");
	}
}
