/* SPDX-License-Identifier: Apache-2.0 */
/* Equal layers give equal bytes: no name, no time, one level. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "common/mem.h"
#include "worker/push_state.h"

#define PIECE (256 * 1024)
#define LEVEL 6
#define THREADS 2

struct work {
	struct push *push;
	atomic_size_t next; /* layer nobody has taken yet */
	atomic_bool has_failed;
	pthread_mutex_t lock;
	struct error err;
};

struct squeeze {
	z_stream stream;
	struct digest_state *digest;
	unsigned char *in, *out;
	int fd;
	int64_t size_bytes;
};

static void squeeze_clear(struct squeeze *squeeze)
{
	deflateEnd(&squeeze->stream);
	digest_free(squeeze->digest);
	mem_free(squeeze->in);
	mem_free(squeeze->out);
	if (squeeze->fd >= 0)
		close(squeeze->fd);
}

static int out_write(struct squeeze *squeeze, size_t len, struct error *err)
{
	const unsigned char *at = squeeze->out;

	digest_update(squeeze->digest, at, len);
	squeeze->size_bytes += (int64_t)len;
	while (len > 0) {
		ssize_t done = write(squeeze->fd, at, len);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return error_set(err, errno == ENOSPC || errno == EDQUOT ? ERR_FULL : ERR_IO,
					 "compress a layer: %s", strerror(errno));
		at += done;
		len -= (size_t)done;
	}
	return 0;
}

static int in_squeeze(struct squeeze *squeeze, int flush, struct error *err)
{
	do {
		squeeze->stream.next_out = squeeze->out;
		squeeze->stream.avail_out = PIECE;
		deflate(&squeeze->stream, flush);
		if (out_write(squeeze, PIECE - squeeze->stream.avail_out, err) < 0)
			return -1;
	} while (squeeze->stream.avail_out == 0);
	return 0;
}

static int layer_squeeze(struct push *push, struct push_layer *layer, struct squeeze *squeeze, struct error *err)
{
	off_t offset = 0;
	ssize_t got;

	do {
		got = pread(layer->fd, squeeze->in, PIECE, offset);
		if (got < 0)
			return error_set(err, ERR_IO, "read layer %s: %s", layer->stored.digest, strerror(errno));
		if (atomic_load(&push->is_aborted))
			return error_set(err, ERR_UNAVAILABLE, "the push was ended");
		offset += got;
		squeeze->stream.next_in = squeeze->in;
		squeeze->stream.avail_in = (unsigned)got;
		if (in_squeeze(squeeze, got == 0 ? Z_FINISH : Z_NO_FLUSH, err) < 0)
			return -1;
	} while (got > 0);
	return 0;
}

static int layer_compress(struct push *push, struct push_layer *layer, struct error *err)
{
	CLEANUP(squeeze_clear) struct squeeze squeeze = { .fd = -1 };

	if (deflateInit2(&squeeze.stream, LEVEL, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return error_set(err, ERR_NO_MEMORY, "compress a layer: out of memory");
	squeeze.digest = digest_new();
	squeeze.in = mem_alloc(PIECE);
	squeeze.out = mem_alloc(PIECE);
	squeeze.fd = open(push->options.scratch_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (squeeze.fd < 0)
		return error_set(err, ERR_IO, "%.300s: %s", push->options.scratch_dir, strerror(errno));
	if (layer_squeeze(push, layer, &squeeze, err) < 0)
		return -1;
	digest_final(squeeze.digest, layer->chosen.digest);
	layer->chosen.size_bytes = squeeze.size_bytes;
	text_copy(layer->chosen.media_type, sizeof(layer->chosen.media_type), MEDIA_OCI_LAYER_GZIP);
	layer->chosen_fd = squeeze.fd;
	squeeze.fd = -1;
	return 0;
}

static void *work_run(void *arg)
{
	struct work *work = arg;
	struct push *push = work->push;

	while (!atomic_load(&work->has_failed)) {
		size_t i = atomic_fetch_add(&work->next, 1);
		struct error err;

		if (i >= push->stored.layer_count)
			break;
		if (push->layers[i].chosen.digest[0] || layer_compress(push, &push->layers[i], &err) == 0)
			continue;
		pthread_mutex_lock(&work->lock);
		if (!atomic_exchange(&work->has_failed, true))
			work->err = err;
		pthread_mutex_unlock(&work->lock);
	}
	return NULL;
}

int push_compress(struct push *push, struct error *err)
{
	struct work work = { .push = push, .lock = PTHREAD_MUTEX_INITIALIZER };
	size_t undecided = 0;
	pthread_t other;
	bool has_other;

	for (size_t i = 0; i < push->stored.layer_count; i++)
		undecided += push->layers[i].chosen.digest[0] == '\0';
	has_other = undecided >= THREADS && pthread_create(&other, NULL, work_run, &work) == 0;
	work_run(&work);
	if (has_other)
		pthread_join(other, NULL);
	if (!atomic_load(&work.has_failed))
		return 0;
	*err = work.err;
	return -1;
}
