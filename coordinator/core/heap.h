/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A binary heap of nodes that live inside what they order: the smallest key first, any node can be
 * taken out. A node is in at most one heap and knows it.
 */
#ifndef COORDINATOR_CORE_HEAP_H
#define COORDINATOR_CORE_HEAP_H

#include <stddef.h>
#include <stdint.h>

struct heap;

struct heap_node {
	int64_t key;
	void *owner;       /* what it is inside of */
	struct heap *heap; /* NULL: in none */
	size_t at;
};

struct heap {
	struct heap_node **nodes;
	size_t count, cap;
};

void heap_push(struct heap *heap, struct heap_node *node, int64_t key); /* node is in none */
void heap_take_out(struct heap_node *node);       /* nothing when it is in none */
void *heap_first(const struct heap *heap);        /* its owner; NULL when empty */
void heap_clear(struct heap *heap);               /* forgets its nodes, frees its memory */

#endif
