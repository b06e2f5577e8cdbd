/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/front/file_reply.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/log.h"
#include "common/mem.h"
#include "coordinator/front/reply.h"

int evbuffer_pread(struct evbuffer *out, int fd, int64_t offset, int64_t max)
{
	struct evbuffer_iovec piece;
	ssize_t got;

	if (max > PIECE_BYTES)
		max = PIECE_BYTES;
	if (evbuffer_reserve_space(out, max, &piece, 1) != 1)
		abort();
	got = pread(fd, piece.iov_base, (size_t)max, offset);
	piece.iov_len = got > 0 ? (size_t)got : 0;
	if (evbuffer_commit_space(out, &piece, 1) < 0)
		abort();
	return got > 0 ? 0 : -1;
}

static void close_part(struct exchange *ex)
{
	struct file_part *part = ex->arg;

	close(part->fd);
	mem_free(part);
}

static void send_piece(struct exchange *ex)
{
	struct file_part *part = ex->arg;
	struct evbuffer *data;
	int rc;

	if (part->bytes == 0) {
		close_part(ex);
		stream_end(ex); /* ex is gone from here on */
		return;
	}
	data = evbuffer_new();
	if (!data)
		abort();
	rc = evbuffer_pread(data, part->fd, part->from, part->bytes);
	if (rc == 0) {
		part->from += (int64_t)evbuffer_get_length(data);
		part->bytes -= (int64_t)evbuffer_get_length(data);
		stream_send(ex, data, send_piece);
	}
	evbuffer_free(data);
	if (rc < 0) {
		LOG(LOG_ERROR, "front.file_cut_short", KV("request", ex->id), KV("at", part->from));
		stream_abort(ex); /* ex is gone from here on, part by way of on_gone */
	}
}

void file_reply(struct exchange *ex, const struct file_part *part)
{
	struct file_part *own;

	if (ex->is_head || part->bytes == 0) {
		close(part->fd);
		reply_length_only(ex, part->status, part->type, part->bytes);
		return;
	}
	own = mem_alloc(sizeof(*own));
	*own = *part;
	ex->arg = own;
	ex->on_gone = close_part;
	stream_start(ex, part->status, part->type, part->bytes);
	send_piece(ex);
}

/* Digits at *text, which moves behind them; -1 when there are none or too many. */
static int64_t read_digits(const char **text)
{
	size_t len = strspn(*text, "0123456789");
	int64_t value;

	if (!len || len > 18)
		return -1;
	value = strtoll(*text, NULL, 10);
	*text += len;
	return value;
}

int range_read(const char *text, int64_t size, int64_t *ret_from, int64_t *ret_bytes)
{
	int64_t first, last = size - 1;

	if (!text || strncasecmp(text, "bytes=", 6) != 0)
		return 0;
	text += 6;
	if (*text == '-') {
		text++;
		first = read_digits(&text);
		if (first < 0 || *text)
			return 0;
		if (first == 0)
			return RANGE_OUTSIDE;
		first = first < size ? size - first : 0;
	} else {
		first = read_digits(&text);
		if (first < 0 || *text++ != '-')
			return 0;
		if (*text)
			last = read_digits(&text);
		if (*text || last < 0 || (last < first && last != size - 1))
			return 0;
	}
	if (first >= size)
		return RANGE_OUTSIDE;
	if (last > size - 1)
		last = size - 1;
	*ret_from = first;
	*ret_bytes = last - first + 1;
	return RANGE_PART;
}
