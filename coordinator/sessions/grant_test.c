/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/sessions/grant.h"

#include <check.h>
#include <stdlib.h>

#define WINDOW 100

static struct grants *grants;
static struct grant_list list;
static int due;
static struct error err;

static void on_due(void *owner)
{
	ck_assert_ptr_eq(owner, &list);
	due++;
}

static void set_up(void)
{
	grants = grants_new(WINDOW);
	list = (struct grant_list){ .owner = &list };
	due = 0;
}

static void tear_down(void)
{
	grant_list_clear(grants, &list);
	grants_free(grants);
}

static void durable(int64_t attempt, int64_t bytes)
{
	grants_durable(grants, attempt, bytes, on_due);
}

static void credit_is(int64_t attempt, int64_t durable_bytes)
{
	struct wire_log_credit credit;

	ck_assert(grant_take_credit(grants, &list, &credit));
	ck_assert_int_eq(credit.attempt, attempt);
	ck_assert_int_eq(credit.durable_bytes, durable_bytes);
	ck_assert_int_eq(credit.limit_bytes, durable_bytes + WINDOW);
}

static void no_credit(void)
{
	struct wire_log_credit credit;

	ck_assert(!grant_take_credit(grants, &list, &credit));
}

START_TEST(nothing_is_taken_before_the_first_credit)
{
	grant_add(grants, &list, 7);
	ck_assert_int_eq(grant_check(&list, 7, 0, 1, &err), -1);
	ck_assert_int_eq(err.code, ERR_INVALID);
	no_credit();
	durable(7, 0);
	ck_assert_int_eq(due, 1);
	credit_is(7, 0);
	ck_assert_int_eq(grant_check(&list, 7, 0, WINDOW, &err), 0);
	ck_assert_int_eq(grant_check(&list, 7, 1, WINDOW, &err), -1);
}
END_TEST

START_TEST(what_was_never_granted_is_denied)
{
	ck_assert_int_eq(grant_check(&list, 7, 0, 1, &err), -1);
	ck_assert_int_eq(err.code, ERR_DENIED);
}
END_TEST

START_TEST(an_offset_near_the_end_of_numbers_does_not_wrap)
{
	grant_add(grants, &list, 7);
	durable(7, 0);
	credit_is(7, 0);
	ck_assert_int_eq(grant_check(&list, 7, INT64_MAX, 1, &err), -1);
}
END_TEST

START_TEST(small_steps_bring_no_credit)
{
	grant_add(grants, &list, 7);
	durable(7, 0);
	credit_is(7, 0);
	durable(7, WINDOW / 4 - 1);
	no_credit();
	durable(7, WINDOW / 4);
	ck_assert_int_eq(due, 2);
	credit_is(7, WINDOW / 4);
	no_credit();
}
END_TEST

START_TEST(the_last_bytes_are_told_whichever_is_known_first)
{
	grant_add(grants, &list, 7);
	durable(7, 0);
	credit_is(7, 0);
	ck_assert(!grant_ends_at(&list, 7, 3));
	durable(7, 3);
	credit_is(7, 3);

	grant_add(grants, &list, 8);
	durable(8, 0);
	credit_is(8, 0);
	durable(8, 3);
	ck_assert(grant_ends_at(&list, 8, 3));
	credit_is(8, 3);
}
END_TEST

START_TEST(a_whole_log_is_forgotten)
{
	grant_add(grants, &list, 7);
	durable(7, 5);
	credit_is(7, 5);
	grant_ends_at(&list, 7, 5);
	no_credit();
	ck_assert_ptr_null(list.first);
}
END_TEST

START_TEST(an_abandoned_attempt_is_over_without_complaint)
{
	grant_add(grants, &list, 7);
	durable(7, 0);
	credit_is(7, 0);
	grant_abandon(&list, 7);
	ck_assert_int_eq(grant_check(&list, 7, WINDOW * 9, 1, &err), GRANT_OVER);
	durable(7, WINDOW);
	no_credit();
}
END_TEST

START_TEST(attempts_in_one_bucket_do_not_mix)
{
	grant_add(grants, &list, 7);
	grant_add(grants, &list, 7 + 1024);
	durable(7 + 1024, 9);
	credit_is(7 + 1024, 9);
	no_credit();
	grant_remove(grants, &list, 7 + 1024);
	durable(7, 2);
	credit_is(7, 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("grant");
	TCase *tc = tcase_create("grant");
	SRunner *sr = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, nothing_is_taken_before_the_first_credit);
	tcase_add_test(tc, what_was_never_granted_is_denied);
	tcase_add_test(tc, an_offset_near_the_end_of_numbers_does_not_wrap);
	tcase_add_test(tc, small_steps_bring_no_credit);
	tcase_add_test(tc, the_last_bytes_are_told_whichever_is_known_first);
	tcase_add_test(tc, a_whole_log_is_forgotten);
	tcase_add_test(tc, an_abandoned_attempt_is_over_without_complaint);
	tcase_add_test(tc, attempts_in_one_bucket_do_not_mix);
	suite_add_tcase(suite, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
