/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/front/contexts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/json/json.h"
#include "common/mem.h"
#include "coordinator/front/context_store.h"
#include "coordinator/front/file_reply.h"
#include "coordinator/front/handlers.h"
#include "coordinator/front/reply.h"

#define CONTEXT_TYPE "application/x-tar"

static int path_digest(const struct exchange *ex, char ret_digest[DIGEST_TEXT_MAX], struct error *err)
{
	return digest_parse(ex->match.word, "the context's name", ret_digest, err);
}

void contexts_put(struct exchange *ex)
{
	char digest[DIGEST_TEXT_MAX];
	struct error err;

	if (path_digest(ex, digest, &err) < 0) {
		reply_error(ex, &err);
		return;
	}
	context_store_put(ex->front->contexts, ex->number, digest, evhttp_request_get_input_buffer(ex->req));
}

void contexts_put_done(struct exchange *ex, const struct context_put *put)
{
	char location[128];

	if (put->rc < 0) {
		reply_error(ex, &put->err);
		return;
	}
	snprintf(location, sizeof(location), "/v1/contexts/%s", put->digest);
	reply_header(ex, "Location", location);
	reply_json(ex, put->was_there ? 200 : 201, json_pack("{s:s}", "digest", put->digest));
}

/*
 * A worker's token opens no context but those it may be sent for. Whoever submits or reads names a
 * context by a digest that nobody guesses.
 */
static int check_wanted(const struct exchange *ex, const char *digest, struct error *err)
{
	bool is_wanted;

	if (ex->token.scopes & (SCOPE_READ | SCOPE_ADMIN | SCOPE_SUBMIT))
		return 0;
	if (reader_context_is_wanted(ex->front->reader, digest, &is_wanted, err) < 0)
		return -1;
	if (!is_wanted)
		return error_set(err, ERR_NOT_FOUND, "no open build needs context %s", digest);
	return 0;
}

static int open_context(const struct exchange *ex, int *ret_fd, int64_t *ret_bytes, struct error *err)
{
	char digest[DIGEST_TEXT_MAX];

	if (path_digest(ex, digest, err) < 0 || check_wanted(ex, digest, err) < 0)
		return -1;
	return context_store_open(ex->front->contexts, digest, ret_fd, ret_bytes, err);
}

void contexts_head(struct exchange *ex)
{
	struct error err;
	int64_t bytes;

	if (open_context(ex, NULL, &bytes, &err) < 0) {
		reply_error(ex, &err);
		return;
	}
	reply_header(ex, "Accept-Ranges", "bytes");
	reply_length_only(ex, 200, CONTEXT_TYPE, bytes);
}

void contexts_get(struct exchange *ex)
{
	const char *range = evhttp_find_header(evhttp_request_get_input_headers(ex->req), "Range");
	struct file_part part = { .status = 200, .type = CONTEXT_TYPE };
	struct refusal outside;
	struct error err;
	char text[96];
	int64_t size;
	int rc;

	if (open_context(ex, &part.fd, &size, &err) < 0) {
		reply_error(ex, &err);
		return;
	}
	part.bytes = size;
	reply_header(ex, "Accept-Ranges", "bytes");
	rc = range_read(range, size, &part.from, &part.bytes);
	if (rc == RANGE_OUTSIDE) {
		close(part.fd);
		snprintf(text, sizeof(text), "bytes */%" PRId64, size);
		reply_header(ex, "Content-Range", text);
		refuse(&outside, 416, "invalid", "the context has %" PRId64 " bytes", size);
		reply_refusal(ex, &outside);
		return;
	}
	if (rc == RANGE_PART) {
		part.status = 206;
		snprintf(text, sizeof(text), "bytes %" PRId64 "-%" PRId64 "/%" PRId64, part.from,
			 part.from + part.bytes - 1, size);
		reply_header(ex, "Content-Range", text);
	}
	file_reply(ex, &part);
}
