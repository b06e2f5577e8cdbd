/* SPDX-License-Identifier: Apache-2.0 */
/* A growing array of pointers it does not own. Zeroed is empty. */
#ifndef COORDINATOR_CORE_LIST_H
#define COORDINATOR_CORE_LIST_H

#include <stddef.h>

struct list {
	void **items;
	size_t count, cap;
};

void list_push(struct list *list, void *item);
void list_insert(struct list *list, size_t at, void *item);
void list_remove(struct list *list, const void *item); /* keeps the order; nothing when it is not there */
void list_clear(struct list *list);

#endif
