/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/core/list.h"

#include <string.h>

#include "common/mem.h"

void list_push(struct list *list, void *item)
{
	list_insert(list, list->count, item);
}

void list_insert(struct list *list, size_t at, void *item)
{
	if (list->count == list->cap) {
		list->cap = list->cap ? list->cap * 2 : 8;
		list->items = mem_realloc(list->items, list->cap * sizeof(void *));
	}
	memmove(list->items + at + 1, list->items + at, (list->count - at) * sizeof(void *));
	list->items[at] = item;
	list->count++;
}

void list_remove(struct list *list, const void *item)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->items[i] != item)
			continue;
		list->count--;
		memmove(list->items + i, list->items + i + 1, (list->count - i) * sizeof(void *));
		return;
	}
}

void list_clear(struct list *list)
{
	mem_free(list->items);
	*list = (struct list){ 0 };
}
