/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/front/context_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fault.h"
#include "common/mailbox.h"
#include "common/mem.h"

#define PREFIX (sizeof("sha256:") - 1)
#define TEMPORARY ".upload-"

struct context_store {
	int dir_fd;
	struct mailbox *box;
	pthread_t thread;
	void (*on_put)(const struct context_put *put, void *arg);
	void *arg;
};

struct upload {
	struct message message;
	struct context_put put;
	struct evbuffer *body; /* NULL: the thread ends */
};

static void upload_free(struct message *message)
{
	struct upload *upload = (struct upload *)message;

	if (upload->body)
		evbuffer_free(upload->body);
	mem_free(upload);
}

static int io_error(struct error *err, const char *what)
{
	enum err_code code = errno == ENOSPC || errno == EDQUOT ? ERR_FULL : ERR_IO;

	return error_set(err, code, "context: %s: %s", what, strerror(errno));
}

static int check_digest(const struct upload *upload, struct error *err)
{
	char digest[DIGEST_TEXT_MAX];
	CLEANUP(digest_freep) struct digest_state *state = digest_new();
	struct evbuffer_ptr at;
	struct evbuffer_iovec piece;
	size_t left = evbuffer_get_length(upload->body);

	evbuffer_ptr_set(upload->body, &at, 0, EVBUFFER_PTR_SET);
	while (left && evbuffer_peek(upload->body, -1, &at, &piece, 1) > 0) {
		digest_update(state, piece.iov_base, piece.iov_len);
		left -= piece.iov_len;
		evbuffer_ptr_set(upload->body, &at, piece.iov_len, EVBUFFER_PTR_ADD);
	}
	digest_final(state, digest);
	if (strcmp(digest, upload->put.digest) != 0)
		return error_set(err, ERR_INVALID, "the body is %s, not %s", digest, upload->put.digest);
	return 0;
}

static int write_all(int fd, struct evbuffer *body, struct error *err)
{
	while (evbuffer_get_length(body)) {
		if (FAULT()) {
			errno = ENOSPC;
			return io_error(err, "write");
		}
		if (evbuffer_write(body, fd) < 0 && errno != EINTR)
			return io_error(err, "write");
	}
	if (FAULT() || fsync(fd) < 0)
		return io_error(err, "fsync");
	return 0;
}

/* After the rename it is complete under its name; after the folder's fsync that survives power loss. */
static int write_file(struct context_store *store, struct upload *upload, const char *temporary, struct error *err)
{
	int fd = openat(store->dir_fd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int rc;

	if (fd < 0)
		return io_error(err, "create");
	rc = write_all(fd, upload->body, err);
	close(fd);
	if (rc == 0 && renameat(store->dir_fd, temporary, store->dir_fd, upload->put.digest + PREFIX) < 0)
		rc = io_error(err, "rename");
	if (rc < 0) {
		unlinkat(store->dir_fd, temporary, 0);
		return -1;
	}
	if (fsync(store->dir_fd) < 0)
		return io_error(err, "fsync of the folder");
	return 0;
}

static int put_context(struct context_store *store, struct upload *upload, struct error *err)
{
	char temporary[48];
	struct stat status;

	if (check_digest(upload, err) < 0)
		return -1;
	if (fstatat(store->dir_fd, upload->put.digest + PREFIX, &status, AT_SYMLINK_NOFOLLOW) == 0) {
		upload->put.was_there = true;
		return 0;
	}
	snprintf(temporary, sizeof(temporary), TEMPORARY "%" PRId64, upload->put.number);
	return write_file(store, upload, temporary, err);
}

/* True when the thread is to end. */
static bool take_upload(struct context_store *store, struct upload *upload)
{
	bool is_end = !upload->body;

	if (!is_end) {
		upload->put.rc = put_context(store, upload, &upload->put.err);
		store->on_put(&upload->put, store->arg);
	}
	upload_free(&upload->message);
	return is_end;
}

static void *run(void *arg)
{
	struct context_store *store = arg;
	struct message *next;
	bool is_ending = false;

	while (!is_ending) {
		for (struct message *msg = mailbox_wait(store->box); msg; msg = next) {
			next = msg->next;
			if (is_ending)
				upload_free(msg);
			else
				is_ending = take_upload(store, (struct upload *)msg);
		}
	}
	return NULL;
}

static void remove_leftovers(int dir_fd)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(dir))) {
		if (!strncmp(entry->d_name, TEMPORARY, sizeof(TEMPORARY) - 1))
			unlinkat(dir_fd, entry->d_name, 0);
	}
	closedir(dir);
}

static int make_folders(const char *dir, int *ret_fd, struct error *err)
{
	static const char *const folders[] = { "contexts", "contexts/sha256" };
	char path[4096];
	int fd;

	for (size_t i = 0; i < 2; i++) {
		int len = snprintf(path, sizeof(path), "%s/%s", dir, folders[i]);

		if (len < 0 || (size_t)len >= sizeof(path))
			return error_set(err, ERR_INVALID, "%.64s...: the path is too long", dir);
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			return error_set(err, ERR_IO, "make folder %.400s: %s", path, strerror(errno));
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return error_set(err, ERR_IO, "open folder %.400s: %s", path, strerror(errno));
	*ret_fd = fd;
	return 0;
}

int context_store_start(const char *dir, void (*on_put)(const struct context_put *put, void *arg), void *arg,
			struct context_store **ret_store, struct error *err)
{
	struct context_store *store;
	int fd, rc;

	if (make_folders(dir, &fd, err) < 0)
		return -1;
	remove_leftovers(fd);
	store = mem_alloc(sizeof(*store));
	store->dir_fd = fd;
	store->on_put = on_put;
	store->arg = arg;
	store->box = mailbox_new(NULL, NULL);
	rc = pthread_create(&store->thread, NULL, run, store);
	if (rc) {
		mailbox_free(store->box);
		mem_free(store);
		close(fd);
		return error_set(err, ERR_NO_MEMORY, "start context thread: %s", strerror(rc));
	}
	*ret_store = store;
	return 0;
}

static struct upload *upload_new(void)
{
	struct upload *upload = mem_alloc(sizeof(*upload));

	upload->message.free = upload_free;
	return upload;
}

void context_store_stop(struct context_store *store)
{
	if (!store)
		return;
	mailbox_post(store->box, &upload_new()->message);
	pthread_join(store->thread, NULL);
	mailbox_free(store->box);
	close(store->dir_fd);
	mem_free(store);
}

void context_store_put(struct context_store *store, int64_t number, const char *digest, struct evbuffer *body)
{
	struct upload *upload = upload_new();

	upload->put.number = number;
	text_copy(upload->put.digest, sizeof(upload->put.digest), digest);
	upload->body = evbuffer_new();
	if (!upload->body || evbuffer_add_buffer(upload->body, body) < 0)
		abort();
	mailbox_post(store->box, &upload->message);
}

int context_store_open(struct context_store *store, const char *digest, int *ret_fd, int64_t *ret_bytes,
		       struct error *err)
{
	int fd = openat(store->dir_fd, digest + PREFIX, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat status;

	if (fd < 0 && errno == ENOENT)
		return error_set(err, ERR_NOT_FOUND, "no context %s: upload it first (PUT /v1/contexts/%s)", digest, digest);
	if (fd < 0 || fstat(fd, &status) < 0) {
		error_set(err, ERR_IO, "context %s: %s", digest, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	*ret_bytes = status.st_size;
	if (ret_fd)
		*ret_fd = fd;
	else
		close(fd);
	return 0;
}
