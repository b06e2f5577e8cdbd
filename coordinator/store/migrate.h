/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Brings a file to the newest schema. Each step of schema/sql is one transaction that also counts
 * itself in user_version; a file that holds something is copied before. For coordinator/store only.
 */
#ifndef COORDINATOR_STORE_MIGRATE_H
#define COORDINATOR_STORE_MIGRATE_H

#include "coordinator/store/db.h"

struct migrations {
	const char *const *steps; /* steps[n - 1] makes version n */
	int count;
};

/* schema/sql, all of it. */
const struct migrations *migrate_newest(void);

/* ERR_CONFLICT: the file is from a newer Manifold. The copy is PATH.before-N. */
int migrate_run(struct db *db, const struct migrations *migrations, struct error *err);

#endif
