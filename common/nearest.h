/* SPDX-License-Identifier: Apache-2.0 */
/* Which known name somebody meant: for "did you mean" in errors about flags, settings, members and commands. */
#ifndef COMMON_NEAREST_H
#define COMMON_NEAREST_H

#include <stddef.h>

/* The known name that is few enough typing mistakes away, or NULL. '-' and '_' are the same. */
const char *nearest_name(const char *name, const char *const *known, size_t count);

#endif
