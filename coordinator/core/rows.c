/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/core/rows.h"

#include "common/mem.h"

void row_clear(struct row *row)
{
	if (row->kind == ROW_BUILD) {
		mem_free(row->build.spec);
		row->build.spec = NULL;
	}
}

void rows_clear(struct rows *rows)
{
	for (size_t i = 0; i < rows->build_count; i++)
		mem_free(rows->builds[i].spec);
	mem_free(rows->builds);
	mem_free(rows->jobs);
	mem_free(rows->attempts);
	mem_free(rows->tags);
	mem_free(rows->publishes);
	mem_free(rows->publish_steps);
	mem_free(rows->workers);
	mem_free(rows->heads);
	*rows = (struct rows){ 0 };
}
