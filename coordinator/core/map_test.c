/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/core/heap.h"
#include "coordinator/core/list.h"
#include "coordinator/core/map.h"
#include "coordinator/core/text.h"

#define N 5000

static int values[N];

START_TEST(a_map_is_what_an_array_of_flags_says)
{
	static void *truth[N];
	struct map map = { 0 };
	size_t count = 0, walked = 0;
	const int *value;

	for (uint64_t i = 0; i < 100000; i++) {
		size_t key = mix64(i) % N;
		bool is_put = mix64(i * 7 + 1) % 3 != 0;

		if (map_get(&map, (int64_t)key) != truth[key])
			ck_abort_msg("round %d", (int)i); /* ck_assert writes to a pipe each time */
		if (is_put)
			map_put(&map, (int64_t)key, &values[key]);
		else if (map_remove(&map, (int64_t)key) != truth[key])
			ck_abort_msg("round %d", (int)i);
		truth[key] = is_put ? &values[key] : NULL;
	}
	for (size_t key = 0; key < N; key++) {
		ck_assert_ptr_eq(map_get(&map, (int64_t)key), truth[key]);
		count += truth[key] != NULL;
	}
	ck_assert_uint_eq(map.count, count);
	for (size_t at = 0; (value = map_next(&map, &at)); walked++)
		ck_assert_ptr_eq(truth[value - values], value);
	ck_assert_uint_eq(walked, count);
	map_clear(&map);
}
END_TEST

START_TEST(a_map_takes_any_key_and_misses_when_empty)
{
	struct map map = { 0 };

	ck_assert_ptr_null(map_get(&map, 0));
	ck_assert_ptr_null(map_remove(&map, 0));
	map_put(&map, 0, &values[0]);
	map_put(&map, INT64_MIN, &values[1]);
	map_put(&map, -1, &values[2]);
	ck_assert_ptr_eq(map_get(&map, 0), &values[0]);
	ck_assert_ptr_eq(map_get(&map, INT64_MIN), &values[1]);
	ck_assert_ptr_eq(map_get(&map, -1), &values[2]);
	map_clear(&map);
}
END_TEST

START_TEST(a_heap_gives_the_smallest_whatever_is_taken_out)
{
	static struct heap_node nodes[N];
	struct heap heap = { 0 };
	int64_t last = INT64_MIN;
	size_t left = N;

	for (size_t i = 0; i < N; i++) {
		nodes[i].owner = &nodes[i];
		heap_push(&heap, &nodes[i], (int64_t)(mix64(i) % 1000));
	}
	for (size_t i = 0; i < N; i += 3, left--) {
		heap_take_out(&nodes[i]);
		heap_take_out(&nodes[i]);
		ck_assert_ptr_null(nodes[i].heap);
	}
	for (; left > 0; left--) {
		struct heap_node *first = heap_first(&heap);

		ck_assert_ptr_nonnull(first);
		ck_assert_uint_ne((size_t)(first - nodes) % 3, 0);
		ck_assert_int_ge(first->key, last);
		last = first->key;
		heap_take_out(first);
	}
	ck_assert_ptr_null(heap_first(&heap));
	heap_clear(&heap);
}
END_TEST

START_TEST(a_list_keeps_its_order)
{
	struct list list = { 0 };

	for (size_t i = 0; i < 20; i++)
		list_push(&list, &values[i]);
	list_remove(&list, &values[0]);
	list_remove(&list, &values[10]);
	list_remove(&list, &values[10]);
	list_insert(&list, 0, &values[10]);
	ck_assert_uint_eq(list.count, 19);
	ck_assert_ptr_eq(list.items[0], &values[10]);
	ck_assert_ptr_eq(list.items[9], &values[9]);
	ck_assert_ptr_eq(list.items[10], &values[11]);
	list_clear(&list);
}
END_TEST

START_TEST(a_text_is_cut_between_characters)
{
	char text[8];

	text_format(text, sizeof(text), "%s", "1234567");
	ck_assert_str_eq(text, "1234567");
	text_format(text, sizeof(text), "%s", "123456\xc3\xa9");
	ck_assert_str_eq(text, "123456");
	text_format(text, sizeof(text), "%s", "12345\xc3\xa9!");
	ck_assert_str_eq(text, "12345\xc3\xa9");
	text_format(text, sizeof(text), "%s", "1234\xf0\x9f\x98\x80");
	ck_assert_str_eq(text, "1234");
}
END_TEST

START_TEST(a_clock_is_read_in_utc)
{
	char text[TEXT_CLOCK_MAX];

	text_clock(text, 1700000000000);
	ck_assert_str_eq(text, "22:13:20 UTC");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("map");
	TCase *tc = tcase_create("map");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tc, a_map_is_what_an_array_of_flags_says);
	tcase_add_test(tc, a_map_takes_any_key_and_misses_when_empty);
	tcase_add_test(tc, a_heap_gives_the_smallest_whatever_is_taken_out);
	tcase_add_test(tc, a_list_keeps_its_order);
	tcase_add_test(tc, a_text_is_cut_between_characters);
	tcase_add_test(tc, a_clock_is_read_in_utc);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
