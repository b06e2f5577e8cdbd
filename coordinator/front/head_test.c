/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/front/head.h"

#define GET "GET / HTTP/1.1\r\nHost: h\r\n"
#define PUT "PUT /x HTTP/1.1\r\nHost: h\r\n"

/* Byte by byte and at once must agree. Returns the status it was refused with, 0 when it got through. */
static int feed(const char *text, size_t len, struct refusal *refusal)
{
	struct head at_once = { 0 }, dripped = { 0 };
	struct refusal second = { 0 };
	int rc = head_feed(&at_once, text, len, refusal);
	int drip_rc = 0;

	for (size_t i = 0; i < len && !drip_rc; i++)
		drip_rc = head_feed(&dripped, text + i, 1, &second);
	ck_assert_int_eq(rc, drip_rc);
	ck_assert_int_ne(rc, 0);
	if (rc < 0)
		ck_assert_int_eq(refusal->status, second.status);
	head_clear(&at_once);
	head_clear(&dripped);
	return rc < 0 ? refusal->status : 0;
}

static const struct {
	const char *text;
	size_t len; /* 0: of text */
	int status;
	const char *says;
} bad[] = {
	{ PUT "Content-Length: 3\r\nContent-Length: 3\r\n\r\n", 0, 400, "more than one Content-Length" },
	{ PUT "Content-Length: 3\r\nContent-Length: 4\r\n\r\n", 0, 400, "more than one Content-Length" },
	{ PUT "Content-Length: 3, 3\r\n\r\n", 0, 400, "digits" },
	{ PUT "Content-Length: +3\r\n\r\n", 0, 400, "digits" },
	{ PUT "Content-Length: -1\r\n\r\n", 0, 400, "digits" },
	{ PUT "Content-Length: 0x3\r\n\r\n", 0, 400, "digits" },
	{ PUT "Content-Length:\r\n\r\n", 0, 400, "digits" },
	{ PUT "Content-Length: 99999999999999999999999\r\n\r\n", 0, 413, "Content-Length" },
	{ PUT "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 0, 411, "Transfer-Encoding" },
	{ PUT "Transfer-Encoding: chunked\r\n\r\n", 0, 411, "Content-Length" },
	{ PUT "Transfer-Encoding: xchunked\r\n\r\n", 0, 411, "Content-Length" },
	{ PUT "Transfer-Encoding : chunked\r\n\r\n", 0, 400, "blank before the colon" },
	{ PUT "Transfer-Encoding\t: chunked\r\n\r\n", 0, 400, "blank before the colon" },
	{ "PUT /x HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 0, 411, "Content-Length" },
	{ GET "Host: i\r\n\r\n", 0, 400, "more than one Host" },
	{ "GET / HTTP/1.1\r\n\r\n", 0, 400, "no Host" },
	{ GET "Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n", 0, 400, "more than one Authorization" },
	{ GET "X: a\0b\r\n\r\n", sizeof(GET "X: a\0b\r\n\r\n") - 1, 400, "NUL" },
	{ GET "X: a\x01\r\n\r\n", 0, 400, "control byte" },
	{ "GET / HTTP/1.1\nHost: h\n\n", 0, 400, "CR LF" },
	{ GET "X: a\rb\r\n\r\n", 0, 400, "CR LF" },
	{ GET "X: a\r\n b\r\n\r\n", 0, 400, "second line" },
	{ GET ": a\r\n\r\n", 0, 400, "Name: value" },
	{ GET "nothing\r\n\r\n", 0, 400, "Name: value" },
	{ GET "Content-Length: 5\r\n\r\n", 0, 400, "GET with a body" },
	{ "HEAD / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n", 0, 400, "HEAD with a body" },
	{ "GET http://evil/y HTTP/1.1\r\nHost: h\r\n\r\n", 0, 400, "begins with /" },
	{ "GET //x/y HTTP/1.1\r\nHost: h\r\n\r\n", 0, 400, "begins with //" },
	{ "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", 0, 400, "version" },
	{ "GET /\xc3\xa4 HTTP/1.1\r\nHost: h\r\n\r\n", 0, 400, "percent-encoded" },
	{ "GET / HTTP/2.0\r\nHost: h\r\n\r\n", 0, 400, "version" },
	{ "GET /\r\n\r\n", 0, 400, "first line" },
	{ "get / HTTP/1.1\r\nHost: h\r\n\r\n", 0, 400, "method" },
	{ "BREW / HTTP/1.1\r\nHost: h\r\n\r\n", 0, 501, "BREW" },
	{ "CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n", 0, 501, "CONNECT" },
	{ "TRACE / HTTP/1.1\r\nHost: h\r\n\r\n", 0, 501, "TRACE" },
	{ "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", 0, 400, "method" },
	{ "\x16\x03\x01", 0, 400, "TLS" },
	{ GET "Expect: 200-ok\r\n\r\n", 0, 417, "Expect" },
};

START_TEST(what_could_be_read_in_two_ways_is_refused)
{
	struct refusal refusal;
	size_t len = bad[_i].len ? bad[_i].len : strlen(bad[_i].text);

	ck_assert_msg(feed(bad[_i].text, len, &refusal) == bad[_i].status, "%s: %d, not %d", bad[_i].text,
		      refusal.status, bad[_i].status);
	ck_assert_msg(strstr(refusal.message, bad[_i].says), "%s: %s", bad[_i].text, refusal.message);
}
END_TEST

START_TEST(a_good_head_is_read)
{
	const char *text = "PUT /v1/x?a=1&b=%20 HTTP/1.1\r\nhost:h\r\nCONTENT-length: 7 \r\n"
			   "authorization: bearer   tok\r\nX-\xe4: y\r\nTransfer-Encodings: z\r\n\r\nBODYBODY";
	const char *good = "PUT /v1/x?a=1&b=%20 HTTP/1.1\r\nhost:h\r\nCONTENT-length: 7 \r\n"
			   "authorization: bearer   tok\r\nX-Y: \xe4\r\nTransfer-Encodings: z\r\n\r\nBODYBODY";
	struct head head = { 0 };
	struct refusal refusal;

	ck_assert_int_eq(head_feed(&head, text, strlen(text), &refusal), -1);
	head_clear(&head);
	ck_assert_int_eq(head_feed(&head, good, strlen(good), &refusal), HEAD_COMPLETE);
	ck_assert_str_eq(head.method, "PUT");
	ck_assert_str_eq(head.target, "/v1/x?a=1&b=%20");
	ck_assert_int_eq(head.content_length, 7);
	ck_assert_str_eq(head.bearer, "tok");
	ck_assert_int_eq(head.minor, 1);
	head_clear(&head);
	ck_assert_int_eq(head_feed(&head, "GET / HTTP/1.0\r\n\r\n", 18, &refusal), HEAD_COMPLETE);
	ck_assert_int_eq(head.minor, 0);
	ck_assert(!head.has_authorization);
	head_clear(&head);
}
END_TEST

START_TEST(another_scheme_is_no_bearer)
{
	const char *text = GET "Authorization: Basic dTpw\r\n\r\n";
	struct head head = { 0 };
	struct refusal refusal;

	ck_assert_int_eq(head_feed(&head, text, strlen(text), &refusal), HEAD_COMPLETE);
	ck_assert(head.has_authorization);
	ck_assert_str_eq(head.bearer, "");
	head_clear(&head);
}
END_TEST

START_TEST(an_endless_head_is_cut)
{
	struct head head = { 0 };
	struct refusal refusal;
	size_t fed = 0;
	int rc = head_feed(&head, GET, strlen(GET), &refusal);

	while (rc == 0) {
		rc = head_feed(&head, "X: y\r\n", 6, &refusal);
		fed += 6;
		ck_assert_uint_lt(fed, HEAD_BYTES_MAX + 6);
	}
	ck_assert_int_eq(rc, -1);
	ck_assert_int_eq(refusal.status, 431);
	head_clear(&head);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("head");
	TCase *tcase = tcase_create("head");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tcase, what_could_be_read_in_two_ways_is_refused, 0, sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(tcase, a_good_head_is_read);
	tcase_add_test(tcase, another_scheme_is_no_bearer);
	tcase_add_test(tcase, an_endless_head_is_cut);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
