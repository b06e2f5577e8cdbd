/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "common/oci/registry_call.h"

#define ERROR_MAX (64 * 1024) /* room for a refusal's words where the blob is small */

/* What every blob call begins with: its URL, scope and name for errors. Cleared by blob_call_clear. */
struct blob_call {
	struct registry_call call;
	struct buf url, scopes, subject;
};

static void blob_call_clear(struct blob_call *blob)
{
	buf_clear(&blob->url);
	buf_clear(&blob->scopes);
	buf_clear(&blob->subject);
}

static int blob_call_init(struct blob_call *blob, const struct registry *registry, const char *path,
			  const char *digest, struct error *err)
{
	char rest[DIGEST_TEXT_MAX + 8];

	*blob = (struct blob_call){ .call.what = "blob" };
	if (!digest_is_valid(digest))
		return error_set(err, ERR_INVALID, "registry %s: \"%.80s\" is not a digest", registry->host, digest);
	snprintf(rest, sizeof(rest), "blobs/%s", digest);
	if (registry_url(registry, path, rest, &blob->url, err) < 0)
		return -1;
	buf_printf(&blob->subject, "%s@%s", path, digest);
	blob->call.subject = blob->subject.data;
	blob->call.request.url = blob->url.data;
	return 0;
}

static void set_scope(struct blob_call *blob, const char *path, const char *actions)
{
	registry_scope(&blob->scopes, path, actions);
	blob->call.scopes = blob->scopes.data;
}

static int head_blob(struct registry *registry, const char *path, const char *digest, const char *actions,
		     int64_t *ret_size_bytes, struct error *err)
{
	CLEANUP(blob_call_clear) struct blob_call blob;
	CLEANUP(http_response_clear) struct http_response response = { 0 };
	char length[32];

	if (blob_call_init(&blob, registry, path, digest, err) < 0)
		return -1;
	set_scope(&blob, path, actions);
	blob.call.what = "look for blob";
	blob.call.request.method = "HEAD";
	if (registry_send(registry, &blob.call, &response, err) < 0)
		return -1;
	if (response.status == 404)
		return 1;
	if (response.status != 200)
		return registry_refuse(registry, &blob.call, &response, err);
	if (ret_size_bytes) {
		int64_t size = http_header(&response, "Content-Length", length, sizeof(length)) ? strtoll(length, NULL, 10) : 0;

		*ret_size_bytes = size > 0 ? size : -1; /* 0 comes from servers that do not look */
	}
	return 0;
}

int registry_head_blob(struct registry *registry, const char *path, const char *digest, int64_t *ret_size_bytes,
		       struct error *err)
{
	return head_blob(registry, path, digest, "pull", ret_size_bytes, err);
}

/* The upload's URL, as an answer's Location gives it; may be on another host. */
static int upload_url(const struct registry *registry, const struct registry_call *call,
		      const struct http_response *response, char **ret_url, struct error *err)
{
	char location[8192];

	if (!http_header(response, "Location", location, sizeof(location)) || !location[0])
		return error_set(err, ERR_INVALID, "registry %s: %s %s: status %ld without a usable Location",
				 registry->host, call->what, call->subject, response->status);
	if (http_url_resolve(call->request.url, location, ret_url, err) < 0)
		return error_wrap(err, "registry %s: %s %s: Location", registry->host, call->what, call->subject);
	return 0;
}

/* Best effort: registries drop uploads nobody goes on with, and some do not know how to cancel. */
static void cancel_upload(struct registry *registry, const struct registry_call *begun,
			  const struct http_response *response)
{
	CLEANUP(mem_freep) char *url = NULL;
	struct registry_call call = *begun;
	struct http_response answer;
	struct error ignored;

	if (upload_url(registry, begun, response, &url, &ignored) < 0)
		return;
	call.what = "cancel upload of";
	call.is_once = true;
	call.request = (struct http_request){ .method = "DELETE", .url = url };
	if (registry_send(registry, &call, &answer, &ignored) == 0)
		http_response_clear(&answer);
}

int registry_mount_blob(struct registry *registry, const char *path, const char *from_path, const char *digest,
			struct error *err)
{
	CLEANUP(blob_call_clear) struct blob_call blob;
	CLEANUP(http_response_clear) struct http_response response = { 0 };

	if (blob_call_init(&blob, registry, path, digest, err) < 0)
		return -1;
	buf_clear(&blob.url);
	if (registry_url(registry, path, "blobs/uploads/", &blob.url, err) < 0)
		return -1;
	buf_printf(&blob.url, "?mount=%s&from=", digest);
	http_url_escape(&blob.url, from_path);
	set_scope(&blob, path, "pull,push");
	registry_scope(&blob.scopes, from_path, "pull");
	blob.call.scopes = blob.scopes.data;
	blob.call.what = "mount blob";
	blob.call.request.url = blob.url.data;
	blob.call.request.method = "POST";
	/* Not allowed to read the source, or no such source: an upload will do, or tell why not. */
	if (registry_send(registry, &blob.call, &response, err) < 0)
		return err->code == ERR_UNAVAILABLE ? -1 : 1;
	if (response.status == 201)
		return 0;
	if (response.status == 202)
		cancel_upload(registry, &blob.call, &response);
	return 1;
}

/* POST for a place, PUT the bytes there. A place lost on the way is ERR_UNAVAILABLE: a new one will do. */
static int upload_once(struct registry *registry, const char *path, const char *digest,
		       const struct http_request *body, struct error *err)
{
	CLEANUP(blob_call_clear) struct blob_call blob;
	CLEANUP(http_response_clear) struct http_response begun = { 0 };
	CLEANUP(http_response_clear) struct http_response done = { 0 };
	CLEANUP(buf_clear) struct buf put_url = { 0 };
	CLEANUP(mem_freep) char *url = NULL;

	if (blob_call_init(&blob, registry, path, digest, err) < 0)
		return -1;
	buf_clear(&blob.url);
	if (registry_url(registry, path, "blobs/uploads/", &blob.url, err) < 0)
		return -1;
	set_scope(&blob, path, "pull,push");
	blob.call.what = "upload blob";
	blob.call.request = (struct http_request){ .method = "POST", .url = blob.url.data };
	if (registry_send(registry, &blob.call, &begun, err) < 0)
		return -1;
	if (begun.status != 202)
		return registry_refuse(registry, &blob.call, &begun, err);
	if (upload_url(registry, &blob.call, &begun, &url, err) < 0)
		return -1;

	buf_printf(&put_url, "%s%cdigest=", url, strchr(url, '?') ? '&' : '?');
	http_url_escape(&put_url, digest);
	blob.call.request = *body;
	blob.call.request.method = "PUT";
	blob.call.request.url = put_url.data;
	blob.call.media_type = "application/octet-stream";
	blob.call.is_once = true;
	if (registry_send(registry, &blob.call, &done, err) < 0)
		return -1;
	if (done.status == 201)
		return 0;
	registry_refuse(registry, &blob.call, &done, err);
	if (done.status == 404 || done.status == 416)
		err->code = ERR_UNAVAILABLE;
	return -1;
}

static int put_blob(struct registry *registry, const char *path, const char *digest, const struct http_request *body,
		    struct error *err)
{
	for (int tries = 1;; tries++) {
		int rc;

		if (upload_once(registry, path, digest, body, err) == 0)
			return 0;
		if (err->code != ERR_UNAVAILABLE || tries >= registry->tries_max)
			return -1;
		if (registry_wait(registry, tries, NULL, err) < 0)
			return -1;
		/* Perhaps only the answer was lost. */
		rc = head_blob(registry, path, digest, "pull,push", NULL, err);
		if (rc <= 0)
			return rc;
	}
}

int registry_put_blob_fd(struct registry *registry, const char *path, const struct descriptor *blob, int fd,
			 struct error *err)
{
	struct http_request body = { .has_body_fd = true, .body_fd = fd, .body_fd_size = blob->size_bytes };

	return put_blob(registry, path, blob->digest, &body, err);
}

int registry_put_blob_bytes(struct registry *registry, const char *path, const struct descriptor *blob,
			    const void *data, struct error *err)
{
	struct http_request body = { .body = data, .body_len = (size_t)blob->size_bytes };

	return put_blob(registry, path, blob->digest, &body, err);
}

int registry_get_blob(struct registry *registry, const char *path, const struct descriptor *blob, struct buf *ret,
		      struct error *err)
{
	CLEANUP(blob_call_clear) struct blob_call get;
	CLEANUP(http_response_clear) struct http_response response = { 0 };
	char digest[DIGEST_TEXT_MAX];

	if (blob_call_init(&get, registry, path, blob->digest, err) < 0)
		return -1;
	get.call.what = "get blob";
	if (blob->size_bytes < 0 || blob->size_bytes > REGISTRY_BLOB_MAX_BYTES)
		return error_set(err, ERR_INVALID, "registry %s: get blob %s: %lld bytes are too many to hold in memory",
				 registry->host, get.call.subject, (long long)blob->size_bytes);
	set_scope(&get, path, "pull");
	get.call.request.response_max = blob->size_bytes > ERROR_MAX ? blob->size_bytes : ERROR_MAX;
	if (registry_send(registry, &get.call, &response, err) < 0)
		return -1;
	if (response.status != 200)
		return registry_refuse(registry, &get.call, &response, err);
	digest_of_bytes(buf_text(&response.body), response.body.len, digest);
	if ((int64_t)response.body.len != blob->size_bytes || strcmp(digest, blob->digest) != 0)
		return error_set(err, ERR_INVALID, "registry %s: get blob %s: the %zu bytes sent have the digest %s",
				 registry->host, get.call.subject, response.body.len, digest);
	*ret = response.body;
	response.body = (struct buf){ 0 };
	return 0;
}
