/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/front/job_log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "common/mem.h"
#include "coordinator/front/file_reply.h"
#include "coordinator/front/handlers.h"
#include "coordinator/front/jobs.h"
#include "coordinator/front/query.h"
#include "coordinator/front/reply.h"
#include "coordinator/logs/logs.h"

#define LOG_TYPE "text/plain; charset=utf-8"
#define REST_WAIT_MS 60000 /* for bytes a final attempt announced and has not delivered */

/*
 * waiting (attempt 0): for the attempt of that number; then sending or waiting for bytes, for the
 * attempt to become final, or for the rest of what it announced.
 */
struct follower {
	struct follower *next, **link;
	struct exchange *ex;
	int64_t job, build;
	int number;
	int64_t attempt;
	int fd;                    /* -1: nothing was written yet */
	int64_t offset, durable;
	bool is_final;
	int64_t log_bytes;         /* of a final attempt; -1: never told (lost) */
	int64_t stuck_since_ms;    /* final, but not all is there */
	bool is_sending;
};

struct log_request {
	bool is_follow;
	int64_t offset, number;    /* number 0: the current attempt */
};

/* What the front was told is durable, else (before the first word since the start) what is there. */
static int64_t durable_bytes(const struct front *front, int64_t attempt, int fd)
{
	size_t slot = (size_t)(attempt % DURABLE_SLOTS);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return 0;
	if (front->durable[slot].attempt == attempt && front->durable[slot].bytes < status.st_size)
		return front->durable[slot].bytes;
	return status.st_size;
}

/* *ret_fd is -1 when nothing was written yet. */
static int open_log(const struct front *front, int64_t attempt, int *ret_fd, struct error *err)
{
	if (logs_open_read(front->dir, attempt, ret_fd, err) == 0)
		return 0;
	*ret_fd = -1;
	return err->code == ERR_NOT_FOUND ? 0 : -1;
}

struct numbered {
	int number;
	struct attempt_row row;
	bool is_found;
};

static void pick_number(const struct attempt_row *row, void *arg)
{
	struct numbered *wanted = arg;

	if (row->number == wanted->number) {
		wanted->row = *row;
		wanted->is_found = true;
	}
}

/* 0, READER_NONE, -1 */
static int find_number(struct front *front, int64_t job, int number, struct attempt_row *ret_row, struct error *err)
{
	struct numbered wanted = { .number = number };

	if (reader_attempts(front->reader, job, pick_number, &wanted, err) < 0)
		return -1;
	if (!wanted.is_found)
		return READER_NONE;
	*ret_row = wanted.row;
	return 0;
}

static void follower_free(struct follower *follower)
{
	if (follower->next)
		follower->next->link = follower->link;
	*follower->link = follower->next;
	if (follower->fd >= 0)
		close(follower->fd);
	mem_free(follower);
}

static void on_gone(struct exchange *ex)
{
	follower_free(ex->arg);
}

static void follower_end(struct follower *follower)
{
	struct exchange *ex = follower->ex;

	follower_free(follower);
	stream_end(ex);
}

/* The client must not take what it has for the whole. */
static void follower_abort(struct follower *follower, const char *why)
{
	LOG(LOG_WARN, "front.log_cut_short", KV("attempt", follower->attempt), KV("at", follower->offset), KV("why", why));
	stream_abort(follower->ex); /* on_gone frees follower */
}

static void take_attempt(struct follower *follower, const struct attempt_row *row)
{
	follower->attempt = row->id;
	follower->is_final = attempt_state_is_final(row->state);
	follower->log_bytes = row->log_bytes;
}

/* Looks at the rows again. 0, READER_NONE: there is nothing to wait for, -1 */
static int refresh(struct follower *follower, struct error *err)
{
	struct front *front = follower->ex->front;
	struct attempt_row row;
	struct job_view view;
	int rc;

	if (follower->attempt)
		rc = reader_attempt(front->reader, follower->attempt, &row, err);
	else
		rc = find_number(front, follower->job, follower->number, &row, err);
	if (rc == 0)
		take_attempt(follower, &row);
	if (rc != READER_NONE || follower->attempt)
		return rc;
	rc = reader_job(front->reader, follower->job, &view, err);
	return rc == 0 && job_state_is_final(view.job.state) ? READER_NONE : rc;
}

/* Opens the file once there is one, and learns how far it may be read. */
static int look_at_file(struct follower *follower, struct error *err)
{
	struct front *front = follower->ex->front;
	int64_t durable;

	if (!follower->attempt)
		return 0;
	if (follower->fd < 0 && open_log(front, follower->attempt, &follower->fd, err) < 0)
		return -1;
	durable = durable_bytes(front, follower->attempt, follower->fd);
	if (durable > follower->durable)
		follower->durable = durable;
	return 0;
}

static void pump(struct follower *follower);

static void on_sent(struct exchange *ex)
{
	struct follower *follower = ex->arg;

	follower->is_sending = false;
	pump(follower);
}

static int send_piece(struct follower *follower)
{
	struct evbuffer *data = evbuffer_new();
	int rc;

	if (!data)
		abort();
	rc = evbuffer_pread(data, follower->fd, follower->offset, follower->durable - follower->offset);
	if (rc == 0) {
		follower->offset += (int64_t)evbuffer_get_length(data);
		follower->is_sending = true;
		stream_send(follower->ex, data, on_sent);
	}
	evbuffer_free(data);
	return rc;
}

/* Does what can be done now. follower may be gone when it returns. */
static void pump(struct follower *follower)
{
	struct error err;

	if (follower->is_sending)
		return;
	if (look_at_file(follower, &err) < 0) {
		follower_abort(follower, err.msg);
	} else if (follower->offset < follower->durable) {
		follower->stuck_since_ms = 0;
		if (send_piece(follower) < 0)
			follower_abort(follower, "the file is shorter than it was");
	} else if (follower->is_final && follower->offset >= follower->log_bytes) {
		follower_end(follower);
	} else if (follower->is_final && !follower->stuck_since_ms) {
		follower->stuck_since_ms = mono_ms();
	}
}

static void look_again(struct follower *follower)
{
	struct error err;
	int rc = refresh(follower, &err);

	if (rc < 0)
		follower_abort(follower, err.msg);
	else if (rc == READER_NONE && !follower->is_sending)
		follower_end(follower);
	else
		pump(follower);
}

/*
 * Which attempt a request is about: the number asked for (a follower may ask for one yet to come);
 * else the current one, or to follow, when that is over and the job is not, the next.
 */
static int choose_number(struct exchange *ex, const struct job_view *view, struct log_request *request,
			 struct error *err)
{
	struct attempt_row row;
	int rc;

	if (request->number)
		return 0;
	if (!view->job.attempt) {
		request->number = 1;
		return 0;
	}
	rc = reader_attempt(ex->front->reader, view->job.attempt, &row, err);
	if (rc < 0)
		return -1;
	if (rc == READER_NONE)
		return error_set(err, ERR_DATABASE, "attempt %" PRId64 " has no row", view->job.attempt);
	request->number = row.number;
	if (request->is_follow && attempt_state_is_final(row.state) && !job_state_is_final(view->job.state))
		request->number++;
	return 0;
}

static void attempt_header(struct exchange *ex, int64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, number);
	reply_header(ex, "Manifold-Attempt", text);
}

static void follow(struct exchange *ex, const struct job_view *view, const struct log_request *request)
{
	struct follower *follower;

	attempt_header(ex, request->number);
	if (ex->is_head) {
		reply_length_only(ex, 200, LOG_TYPE, -1);
		return;
	}
	follower = mem_alloc(sizeof(*follower));
	follower->ex = ex;
	follower->job = view->job.id;
	follower->build = view->job.build;
	follower->number = (int)request->number;
	follower->offset = request->offset;
	follower->fd = -1;
	follower->next = ex->front->followers;
	follower->link = &ex->front->followers;
	if (follower->next)
		follower->next->link = &follower->next;
	ex->front->followers = follower;
	ex->arg = follower;
	ex->on_gone = on_gone;
	stream_start(ex, 200, LOG_TYPE, -1);
	look_again(follower);
}

static int send_durable(struct exchange *ex, int64_t attempt, const struct log_request *request, struct error *err)
{
	struct file_part part = { .fd = -1, .status = 200, .type = LOG_TYPE, .from = request->offset };
	struct refusal outside;
	int64_t durable;

	if (attempt && open_log(ex->front, attempt, &part.fd, err) < 0)
		return -1;
	durable = durable_bytes(ex->front, attempt, part.fd);
	attempt_header(ex, request->number);
	if (request->offset <= durable && part.fd >= 0) {
		part.bytes = durable - request->offset;
		file_reply(ex, &part);
		return 0;
	}
	if (part.fd >= 0)
		close(part.fd);
	if (request->offset == 0) {
		reply_length_only(ex, 200, LOG_TYPE, 0);
		return 0;
	}
	refuse(&outside, 416, "invalid", "offset=%" PRId64 ": the log has %" PRId64 " bytes so far", request->offset,
	       durable);
	reply_refusal(ex, &outside);
	return 0;
}

static int read_request(struct exchange *ex, struct log_request *ret, struct error *err)
{
	CLEANUP(query_clear) struct query query;
	int64_t follow_flag;

	if (query_open(ex, &query, err) < 0 ||
	    query_int(&query, &(struct query_int){ "follow", 0, 1, 0 }, &follow_flag, err) < 0 ||
	    query_int(&query, &(struct query_int){ "offset", 0, INT64_MAX, 0 }, &ret->offset, err) < 0 ||
	    query_int(&query, &(struct query_int){ "attempt", 1, INT32_MAX, 0 }, &ret->number, err) < 0)
		return -1;
	ret->is_follow = follow_flag == 1;
	return 0;
}

static int get_log(struct exchange *ex, struct error *err)
{
	struct log_request request;
	struct attempt_row row = { 0 };
	struct job_view view;
	bool is_asked;
	int rc;

	if (read_request(ex, &request, err) < 0 || job_find(ex, &view, err) < 0)
		return -1;
	is_asked = request.number != 0;
	if (choose_number(ex, &view, &request, err) < 0)
		return -1;
	rc = find_number(ex->front, view.job.id, (int)request.number, &row, err);
	if (rc < 0)
		return -1;
	if (rc == READER_NONE && is_asked && (!request.is_follow || job_state_is_final(view.job.state)))
		return error_set(err, ERR_NOT_FOUND, "job %" PRId64 " has no attempt %" PRId64, view.job.id,
				 request.number);
	if (!request.is_follow)
		return send_durable(ex, row.id, &request, err);
	follow(ex, &view, &request);
	return 0;
}

void job_log_get(struct exchange *ex)
{
	struct error err;

	if (get_log(ex, &err) < 0)
		reply_error(ex, &err);
}

void job_log_announce(struct front *front, int64_t build, int64_t job)
{
	struct follower *next;

	for (struct follower *follower = front->followers; follower; follower = next) {
		next = follower->next;
		if (follower->build == build && (!job || follower->job == job))
			look_again(follower);
	}
}

void job_log_grew(struct front *front, int64_t attempt, int64_t durable)
{
	size_t slot = (size_t)(attempt % DURABLE_SLOTS);
	struct follower *next;

	front->durable[slot].attempt = attempt;
	front->durable[slot].bytes = durable;
	for (struct follower *follower = front->followers; follower; follower = next) {
		next = follower->next;
		if (follower->attempt == attempt)
			pump(follower);
	}
}

void job_log_sweep(struct front *front, int64_t now_ms)
{
	struct follower *next;

	for (struct follower *follower = front->followers; follower; follower = next) {
		next = follower->next;
		if (follower->stuck_since_ms && now_ms - follower->stuck_since_ms > REST_WAIT_MS)
			follower_abort(follower, "the worker did not deliver the rest");
	}
}
