/* SPDX-License-Identifier: Apache-2.0 */
/* Contexts: uploads that are checked, downloads in parts, by whom. */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "common/fault.h"
#include "coordinator/front/context_store.h"
#include "coordinator/front/file_reply.h"
#include "coordinator/front/test_front.h"

static char *pattern(size_t len)
{
	char *data = mem_alloc(len + 1);

	for (size_t i = 0; i < len; i++)
		data[i] = (char)('a' + (i * 7 + i / 1000) % 26);
	return data;
}

static const char *path_of(const char *data, size_t len)
{
	static char path[128];
	char digest[DIGEST_TEXT_MAX];

	digest_of_bytes(data, len, digest);
	snprintf(path, sizeof(path), "/v1/contexts/%s", digest);
	return path;
}

static struct reply put(const char *path, const char *data, size_t len)
{
	return call(&(struct ask){ .method = "PUT", .path = path, .token = world.submitter, .body = data, .body_len = len });
}

static void must_put(const char *data, size_t len, int status)
{
	struct reply reply = put(path_of(data, len), data, len);

	ck_assert_msg(reply.status == status, "%d: %s", reply.status, buf_text(&reply.body));
	reply_clear(&reply);
}

/* Files in the contexts' folder, whatever they are called. */
static int file_count(void)
{
	char path[128];
	struct dirent *entry;
	int count = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/contexts/sha256", world.dir);
	dir = opendir(path);
	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir)))
		count += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
	closedir(dir);
	return count;
}

START_TEST(what_was_put_is_got)
{
	static const size_t sizes[] = { 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES - 7, 8 << 20 };
	size_t len = sizes[_i];
	CLEANUP(mem_freep) char *data = pattern(len);
	struct reply reply;
	int fd;

	start();
	must_put(data, len, 201);
	must_put(data, len, 200);
	ck_assert_int_eq(file_count(), 1);
	fd = dial();
	for (int round = 0; round < 2; round++) {
		say_request(fd, &(struct ask){ .method = "GET", .path = path_of(data, len), .token = world.reader });
		reply = hear(fd);
		ck_assert_int_eq(reply.status, 200);
		ck_assert_uint_eq(reply.body.len, len);
		ck_assert(!memcmp(reply.body.data, data, len));
		reply_clear(&reply);
	}
	close(fd);
}
END_TEST

START_TEST(a_body_that_is_something_else_is_refused)
{
	struct reply reply;

	start();
	reply = put("/v1/contexts/" DIGEST_A, "abc", 3);
	is_error(&reply, 400, "invalid", "sha256:ba7816bf");
	must_put("abc", 3, 201);
	reply = put(path_of("abc", 3), "abd", 3);
	is_error(&reply, 400, "invalid", "not sha256:ba7816bf");
	ck_assert_int_eq(file_count(), 1);
}
END_TEST

START_TEST(a_name_that_is_no_digest_is_refused)
{
	static const char *const names[] = { "x", "sha256:abc", "sha256:..%2f..%2fmanifold.db", "md5:aaaa", "sha512:aaaa" };

	start();
	for (size_t i = 0; i < LENGTH(names); i++) {
		char path[128];
		struct reply reply;

		snprintf(path, sizeof(path), "/v1/contexts/%s", names[i]);
		reply = put(path, "abc", 3);
		ck_assert_msg(reply.status == 400 || reply.status == 404, "%s: %d", names[i], reply.status);
		reply_clear(&reply);
		reply = get(path, world.admin);
		ck_assert_msg(reply.status == 400 || reply.status == 404, "%s: %d", names[i], reply.status);
		reply_clear(&reply);
	}
}
END_TEST

START_TEST(head_tells_whether_it_is_there)
{
	struct reply reply;
	int fd;

	start();
	must_put("abc", 3, 201);
	fd = dial();
	say_request(fd, &(struct ask){ .method = "HEAD", .path = path_of("abc", 3), .token = world.submitter });
	ck_assert(hear_head(fd, &reply));
	ck_assert_int_eq(reply.status, 200);
	ck_assert_str_eq(header(&reply, "Content-Length"), "3");
	reply_clear(&reply);
	say_request(fd, &(struct ask){ .method = "HEAD", .path = "/v1/contexts/" DIGEST_A, .token = world.submitter });
	ck_assert(hear_head(fd, &reply));
	ck_assert_int_eq(reply.status, 404);
	reply_clear(&reply);
	close(fd);
}
END_TEST

static const struct {
	const char *range;
	int status;
	size_t from, len;
} ranges[] = {
	{ "bytes=0-0", 206, 0, 1 }, { "bytes=2-5", 206, 2, 4 }, { "bytes=5-", 206, 5, 299995 },
	{ "bytes=-3", 206, 299997, 3 }, { "bytes=-999999999", 206, 0, 300000 }, { "bytes=10-999999999", 206, 10, 299990 },
	{ "bytes=299999-", 206, 299999, 1 }, { "bytes=300000-", 416, 0, 0 }, { "bytes=-0", 416, 0, 0 },
	{ "bytes=5-2", 200, 0, 300000 }, { "bytes=0-1,3-4", 200, 0, 300000 }, { "lines=1-2", 200, 0, 300000 },
	{ "bytes=a-b", 200, 0, 300000 }, { "bytes=", 200, 0, 300000 }, { "bytes=-", 200, 0, 300000 },
	{ "bytes=99999999999999999999-", 200, 0, 300000 },
};

START_TEST(a_range_is_served_byte_exactly)
{
	size_t len = 300000;
	CLEANUP(mem_freep) char *data = pattern(len);
	char line[64], wanted[64];
	struct reply reply;

	start();
	must_put(data, len, 201);
	snprintf(line, sizeof(line), "Range: %s\r\n", ranges[_i].range);
	reply = call(&(struct ask){ .method = "GET", .path = path_of(data, len), .token = world.admin, .headers = line });
	ck_assert_msg(reply.status == ranges[_i].status, "%s: %d", ranges[_i].range, reply.status);
	snprintf(wanted, sizeof(wanted), "bytes %zu-%zu/%zu", ranges[_i].from, ranges[_i].from + ranges[_i].len - 1, len);
	if (reply.status == 416)
		snprintf(wanted, sizeof(wanted), "bytes */%zu", len);
	ck_assert_str_eq(header(&reply, "Content-Range"), reply.status == 200 ? "" : wanted);
	if (reply.status != 416) {
		ck_assert_uint_eq(reply.body.len, ranges[_i].len);
		ck_assert(!memcmp(reply.body.data, data + ranges[_i].from, ranges[_i].len));
	}
	reply_clear(&reply);
}
END_TEST

START_TEST(a_worker_gets_only_what_an_open_build_needs)
{
	struct row *row = row_new(ROW_BUILD);
	struct reply reply;

	start();
	must_put("abc", 3, 201);
	reply = get(path_of("abc", 3), world.worker);
	is_error(&reply, 404, "not_found", "no open build");
	row->build.id = 1;
	row->build.project = 1;
	row->build.spec = mem_strdup("{\"platforms\":[\"linux/amd64\"],\"source\":{\"context\":\"sha256:ba7816bf8f01cfea"
				     "414140de5dae2223b00361a396177a9cb410ff61f20015ad\"}}");
	commit(row);
	reply = get(path_of("abc", 3), world.worker);
	ck_assert_int_eq(reply.status, 200);
	ck_assert_str_eq(reply.body.data, "abc");
	reply_clear(&reply);
	reply = put(path_of("abc", 3), "abc", 3);
	reply_clear(&reply);
}
END_TEST

START_TEST(a_reader_that_leaves_in_the_middle_costs_nothing)
{
	size_t len = 8 << 20;
	CLEANUP(mem_freep) char *data = pattern(len);
	struct linger reset = { .l_onoff = 1 };
	struct reply reply;

	start();
	must_put(data, len, 201);
	for (int i = 0; i < 6; i++) {
		CLEANUP(buf_clear) struct buf some = { 0 };
		int fd = dial();

		say_request(fd, &(struct ask){ .method = "GET", .path = path_of(data, len), .token = world.reader });
		ck_assert(hear_bytes(fd, &some, 1000));
		if (i % 2)
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		close(fd);
	}
	/* Half sent, and the front stops. */
	int fd = dial();
	say_request(fd, &(struct ask){ .method = "GET", .path = path_of(data, len), .token = world.reader });
	ck_assert(hear_head(fd, &reply));
	reply_clear(&reply);
	front_stop(world.front);
	world.front = NULL;
	close(fd);
}
END_TEST

START_TEST(a_reader_that_does_not_read_is_cut)
{
	size_t len = 8 << 20;
	CLEANUP(mem_freep) char *data = pattern(len);
	struct reply other;
	int small = 4096, fd;

	world.config.idle_timeout_s = 2;
	world.config.connections_max = 1;
	start();
	must_put(data, len, 201);
	fd = dial();
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	say_request(fd, &(struct ask){ .method = "GET", .path = path_of(data, len), .token = world.reader });
	/* There is room for one connection: this one is served when the other was cut. */
	other = get("/healthz", NULL);
	ck_assert_int_eq(other.status, 200);
	reply_clear(&other);
	close(fd);
}
END_TEST

START_TEST(a_context_that_is_being_sent_may_shrink)
{
	size_t len = 8 << 20;
	CLEANUP(mem_freep) char *data = pattern(len);
	CLEANUP(buf_clear) struct buf rest = { 0 };
	char file[256];
	struct reply reply;
	int fd;

	start();
	must_put(data, len, 201);
	fd = dial();
	say_request(fd, &(struct ask){ .method = "GET", .path = path_of(data, len), .token = world.reader });
	ck_assert(hear_head(fd, &reply));
	reply_clear(&reply);
	snprintf(file, sizeof(file), "%s/contexts/sha256/%s", world.dir, path_of(data, len) + sizeof("/v1/contexts/sha256:") - 1);
	ck_assert_int_eq(truncate(file, 1000), 0);
	ck_assert(!hear_bytes(fd, &rest, len));
	close(fd);
	reply = get("/healthz", NULL);
	ck_assert_int_eq(reply.status, 200);
	reply_clear(&reply);
}
END_TEST

START_TEST(an_interrupted_write_leaves_nothing_behind)
{
	char path[128];
	int fd;

	start();
	front_stop(world.front);
	snprintf(path, sizeof(path), "%s/contexts/sha256/.upload-77", world.dir);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	ck_assert_int_ge(fd, 0);
	close(fd);
	start();
	ck_assert_int_eq(file_count(), 0);
}
END_TEST

START_TEST(a_write_that_fails_is_answered_and_removed)
{
	int full = 0, fired = 1;

	start();
	for (int nth = 1; fired; nth++) {
		struct reply reply;

		fault_arm(nth);
		reply = put(path_of("abc", 3), "abc", 3);
		fired = fault_fired();
		ck_assert_msg(fired ? reply.status >= 500 : reply.status == 201, "%d: %d", nth, reply.status);
		full += reply.status == 507;
		ck_assert_int_eq(file_count(), fired ? 0 : 1);
		reply_clear(&reply);
	}
	fault_arm(0);
	ck_assert_int_ge(full, 1);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("contexts");

	tcase_add_loop_test(tcase, what_was_put_is_got, 0, 5);
	tcase_add_test(tcase, a_body_that_is_something_else_is_refused);
	tcase_add_test(tcase, a_name_that_is_no_digest_is_refused);
	tcase_add_test(tcase, head_tells_whether_it_is_there);
	tcase_add_loop_test(tcase, a_range_is_served_byte_exactly, 0, LENGTH(ranges));
	tcase_add_test(tcase, a_worker_gets_only_what_an_open_build_needs);
	tcase_add_test(tcase, a_reader_that_leaves_in_the_middle_costs_nothing);
	tcase_add_test(tcase, a_reader_that_does_not_read_is_cut);
	tcase_add_test(tcase, a_context_that_is_being_sent_may_shrink);
	tcase_add_test(tcase, an_interrupted_write_leaves_nothing_behind);
	tcase_add_test(tcase, a_write_that_fails_is_answered_and_removed);
	return run_tests(tcase, "contexts");
}
