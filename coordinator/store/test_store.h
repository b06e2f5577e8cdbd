/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of this folder: a store on the test's folder, and commits that must go well. */
#ifndef COORDINATOR_STORE_TEST_STORE_H
#define COORDINATOR_STORE_TEST_STORE_H

#include "coordinator/store/store.h"
#include "coordinator/store/test_builds.h"

TESTING void free_row(struct row *row)
{
	row_clear(row);
	mem_free(row);
}

/* Commits the rows, up to NULL, as one transaction, and frees them. */
TESTING void commit(struct store *store, struct row *const *rows)
{
	struct error err;
	size_t count = 0;

	while (rows[count])
		count++;
	ck_assert_msg(store_commit(store, rows, count, &err) == 0, "%s", err.msg);
	while (count > 0)
		free_row(rows[--count]);
}
#define COMMIT(store, ...) commit(store, (struct row *const[]){ __VA_ARGS__, NULL })

TESTING struct store *opened(void)
{
	struct store *store;
	struct error err;

	ck_assert_msg(store_open(dir, &store, &err) == 0, "%s", err.msg);
	return store;
}

#endif
