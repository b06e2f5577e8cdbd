/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/core/map.h"

#include "common/mem.h"

uint64_t mix64(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

int64_t hash_text(int64_t before, const char *text)
{
	uint64_t hash = 0xcbf29ce484222325u ^ mix64((uint64_t)before);

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
	return (int64_t)hash;
}

static size_t map_home(const struct map *map, int64_t key)
{
	return (size_t)mix64((uint64_t)key) & (map->cap - 1);
}

/* The slot of key, or the free one where it would go. */
static size_t map_find(const struct map *map, int64_t key)
{
	size_t at = map_home(map, key);

	while (map->slots[at].value && map->slots[at].key != key)
		at = (at + 1) & (map->cap - 1);
	return at;
}

static void map_grow(struct map *map)
{
	struct map bigger = { .cap = map->cap ? map->cap * 2 : 16, .count = map->count };

	bigger.slots = mem_alloc(bigger.cap * sizeof(*bigger.slots));
	for (size_t i = 0; i < map->cap; i++)
		if (map->slots[i].value)
			bigger.slots[map_find(&bigger, map->slots[i].key)] = map->slots[i];
	mem_free(map->slots);
	*map = bigger;
}

void *map_get(const struct map *map, int64_t key)
{
	return map->cap ? map->slots[map_find(map, key)].value : NULL;
}

void map_put(struct map *map, int64_t key, void *value)
{
	size_t at;

	if (map->count + 1 > map->cap / 4 * 3)
		map_grow(map);
	at = map_find(map, key);
	if (!map->slots[at].value)
		map->count++;
	map->slots[at] = (struct map_slot){ .key = key, .value = value };
}

/* No tombstones: whoever was pushed past the hole moves back into it. */
static void map_close_hole(struct map *map, size_t hole)
{
	size_t mask = map->cap - 1;

	for (size_t at = (hole + 1) & mask; map->slots[at].value; at = (at + 1) & mask) {
		size_t home = map_home(map, map->slots[at].key);

		if (((at - home) & mask) < ((at - hole) & mask))
			continue;
		map->slots[hole] = map->slots[at];
		hole = at;
	}
	map->slots[hole].value = NULL;
}

void *map_remove(struct map *map, int64_t key)
{
	size_t at;
	void *value;

	if (!map->cap)
		return NULL;
	at = map_find(map, key);
	value = map->slots[at].value;
	if (!value)
		return NULL;
	map->count--;
	map_close_hole(map, at);
	return value;
}

void *map_next(const struct map *map, size_t *at)
{
	while (*at < map->cap) {
		void *value = map->slots[(*at)++].value;

		if (value)
			return value;
	}
	return NULL;
}

void map_clear(struct map *map)
{
	mem_free(map->slots);
	*map = (struct map){ 0 };
}
