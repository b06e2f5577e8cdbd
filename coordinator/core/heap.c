/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/core/heap.h"

#include "common/mem.h"

static void heap_place(struct heap *heap, struct heap_node *node, size_t at)
{
	heap->nodes[at] = node;
	node->at = at;
}

static void heap_sift_up(struct heap *heap, struct heap_node *node, size_t at)
{
	while (at > 0 && heap->nodes[(at - 1) / 2]->key > node->key) {
		heap_place(heap, heap->nodes[(at - 1) / 2], at);
		at = (at - 1) / 2;
	}
	heap_place(heap, node, at);
}

static void heap_sift_down(struct heap *heap, struct heap_node *node, size_t at)
{
	size_t child;

	while ((child = at * 2 + 1) < heap->count) {
		if (child + 1 < heap->count && heap->nodes[child + 1]->key < heap->nodes[child]->key)
			child++;
		if (heap->nodes[child]->key >= node->key)
			break;
		heap_place(heap, heap->nodes[child], at);
		at = child;
	}
	heap_place(heap, node, at);
}

void heap_push(struct heap *heap, struct heap_node *node, int64_t key)
{
	if (heap->count == heap->cap) {
		heap->cap = heap->cap ? heap->cap * 2 : 8;
		heap->nodes = mem_realloc(heap->nodes, heap->cap * sizeof(struct heap_node *));
	}
	node->key = key;
	node->heap = heap;
	heap_sift_up(heap, node, heap->count++);
}

void heap_take_out(struct heap_node *node)
{
	struct heap *heap = node->heap;
	size_t at = node->at;
	struct heap_node *last;

	if (!heap)
		return;
	node->heap = NULL;
	last = heap->nodes[--heap->count];
	if (last == node)
		return;
	if (at > 0 && heap->nodes[(at - 1) / 2]->key > last->key)
		heap_sift_up(heap, last, at);
	else
		heap_sift_down(heap, last, at);
}

void *heap_first(const struct heap *heap)
{
	return heap->count ? heap->nodes[0]->owner : NULL;
}

void heap_clear(struct heap *heap)
{
	for (size_t i = 0; i < heap->count; i++)
		heap->nodes[i]->heap = NULL;
	mem_free(heap->nodes);
	*heap = (struct heap){ 0 };
}
