/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a 64 bit key to a pointer: open addressing, grows by itself. Any key, no NULL values. The
 * order of a walk is that of the hash: sort before anything that must be the same every time.
 */
#ifndef COORDINATOR_CORE_MAP_H
#define COORDINATOR_CORE_MAP_H

#include <stddef.h>
#include <stdint.h>

struct map_slot {
	int64_t key;
	void *value; /* NULL: free */
};

struct map {
	struct map_slot *slots; /* NULL until something is put */
	size_t cap;             /* 0 or a power of two */
	size_t count;
};

void *map_get(const struct map *map, int64_t key);         /* NULL when absent */
void map_put(struct map *map, int64_t key, void *value);   /* new or replaced */
void *map_remove(struct map *map, int64_t key);            /* what was there, or NULL */

/* Walks: start with *at = 0; NULL at the end. Nothing may be put or removed meanwhile. */
void *map_next(const struct map *map, size_t *at);

/* Frees the table, not the values; the map is empty and may be used again. */
void map_clear(struct map *map);

/* A well-mixed 64 bit value of x: hash of a key, and step of a generator. */
uint64_t mix64(uint64_t x);

/* A key for a text; two texts may share one. Chained: hash_text(hash_text(0, a), b). */
int64_t hash_text(int64_t before, const char *text);

#endif
