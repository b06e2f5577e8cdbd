/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of this folder: all of it. */
#ifndef COORDINATOR_FRONT_TEST_FRONT_H
#define COORDINATOR_FRONT_TEST_FRONT_H

#include "coordinator/front/test_call.h"
#include "coordinator/front/test_json.h"
#include "coordinator/front/test_rows.h"
#include "coordinator/front/test_start.h"

TESTING int run_tests(TCase *tcase, const char *name)
{
	Suite *suite = suite_create(name);
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
