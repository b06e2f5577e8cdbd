/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/mem.h"

void spool_init(struct spool *spool, int64_t attempt, const char *path)
{
	struct stat st;

	*spool = (struct spool){ .attempt = attempt, .path = mem_strdup(path), .fd = -1 };
	if (stat(path, &st) == 0)
		spool->size_bytes = st.st_size;
}

void spool_clear(struct spool *spool)
{
	if (spool->fd >= 0)
		close(spool->fd);
	mem_free(spool->path);
	*spool = (struct spool){ .fd = -1 };
}

void spool_grew(struct spool *spool, int64_t size_bytes)
{
	if (size_bytes > spool->size_bytes)
		spool->size_bytes = size_bytes;
}

void spool_cut(struct spool *spool)
{
	spool->has_credit = false;
}

void spool_credit(struct spool *spool, int64_t durable_bytes, int64_t limit_bytes)
{
	if (!spool->has_credit)
		spool->sent_bytes = durable_bytes;
	spool->has_credit = true;
	if (durable_bytes > spool->durable_bytes)
		spool->durable_bytes = durable_bytes;
	spool->limit_bytes = limit_bytes;
}

bool spool_has_frame(const struct spool *spool)
{
	return spool->has_credit && spool->sent_bytes < spool->size_bytes && spool->sent_bytes < spool->limit_bytes;
}

static int spool_open(struct spool *spool, struct error *err)
{
	if (spool->fd < 0)
		spool->fd = open(spool->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (spool->fd < 0)
		return error_set(err, ERR_IO, "open %s: %s", spool->path, strerror(errno));
	return 0;
}

int spool_next(struct spool *spool, unsigned char frame[SPOOL_FRAME_MAX], size_t *ret_len, struct error *err)
{
	int64_t end = spool->size_bytes < spool->limit_bytes ? spool->size_bytes : spool->limit_bytes;
	int64_t want = end - spool->sent_bytes;
	ssize_t n;

	if (want > WIRE_LOG_DATA_MAX)
		want = WIRE_LOG_DATA_MAX;
	if (spool_open(spool, err) < 0)
		return -1;
	do {
		n = pread(spool->fd, frame + WIRE_LOG_HEADER, (size_t)want, (off_t)spool->sent_bytes);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return error_set(err, ERR_IO, "read %s: %s", spool->path, strerror(errno));
	if (n == 0)
		return error_set(err, ERR_IO, "%s ends at byte %" PRId64 " of %" PRId64, spool->path, spool->sent_bytes,
				 spool->size_bytes);
	wire_log_header(frame, spool->attempt, spool->sent_bytes);
	spool->sent_bytes += n;
	*ret_len = WIRE_LOG_HEADER + (size_t)n;
	return 0;
}

int spool_sync(struct spool *spool, struct error *err)
{
	if (spool->size_bytes == 0)
		return 0;
	if (spool_open(spool, err) < 0)
		return -1;
	if (fdatasync(spool->fd) < 0)
		return error_set(err, ERR_IO, "sync %s: %s", spool->path, strerror(errno));
	return 0;
}
