/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of this folder: rows with something in every member, and whether two are the same. */
#ifndef COORDINATOR_STORE_TEST_ROWS_H
#define COORDINATOR_STORE_TEST_ROWS_H

#include <string.h>

#include "common/mem.h"
#include "coordinator/store/fields.h"
#include "coordinator/store/test_folder.h"

static void fill_member(const struct field *field, void *member, int64_t seed)
{
	switch (field->type) {
	case FIELD_INT64:
	case FIELD_REF:
		memcpy(member, &(int64_t){ seed * 1000000007 }, sizeof(int64_t));
		break;
	case FIELD_INT:
		*(int *)member = (int)seed;
		break;
	case FIELD_BOOL:
		*(bool *)member = true;
		break;
	case FIELD_TEXT:
		/* As long as it may be. */
		memset(member, 'a' + (int)(seed % 26), field->size - 1);
		((char *)member)[field->size - 1] = '\0';
		break;
	case FIELD_HEAP:
		*(char **)member = mem_strdup("{\"source\":{\"context\":\"sha256:c0ffee\"},\"note\":\"\\\"'%;é\"}");
		break;
	}
}

/* Every member differs from 0 and from its neighbours; keys and states are the caller's to set. */
TESTING struct row *full_row(enum row_kind kind)
{
	struct row *row = mem_alloc(sizeof(*row));
	const struct fields *fields = fields_of(kind);

	row->kind = kind;
	for (int i = 0; i < fields->count; i++)
		fill_member(&fields->list[i], (char *)&row->build + fields->list[i].offset, i + 3);
	return row;
}

static void same_member(const struct field *field, const char *a, const char *b)
{
	if (field->type == FIELD_HEAP)
		ck_assert_str_eq(*(char *const *)(const void *)a, *(char *const *)(const void *)b);
	else if (field->type == FIELD_TEXT)
		ck_assert_str_eq(a, b);
	else
		ck_assert_msg(memcmp(a, b, field->size) == 0, "%s differs", field->name);
}

TESTING void same_row(enum row_kind kind, const void *a, const void *b)
{
	const struct fields *fields = fields_of(kind);

	for (int i = 0; i < fields->count; i++)
		same_member(&fields->list[i], (const char *)a + fields->list[i].offset,
			    (const char *)b + fields->list[i].offset);
}

#endif
