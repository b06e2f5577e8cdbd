/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "common/json/json.h"
#include "common/mem.h"
#include "common/oci/manifest.h"
#include "common/oci/reference.h"
#include "common/oci/registry_call.h"

/* What every manifest call begins with. Cleared by manifest_call_clear. */
struct manifest_call {
	struct registry_call call;
	struct buf url, scopes, subject;
	bool is_by_digest;
};

static void manifest_call_clear(struct manifest_call *manifest)
{
	buf_clear(&manifest->url);
	buf_clear(&manifest->scopes);
	buf_clear(&manifest->subject);
}

static int manifest_call_init(struct manifest_call *manifest, const struct registry *registry, const char *path,
			      const char *tag_or_digest, struct error *err)
{
	char rest[REFERENCE_TAG_MAX + 16];

	*manifest = (struct manifest_call){ .is_by_digest = digest_is_valid(tag_or_digest) };
	if (!manifest->is_by_digest && !reference_tag_is_valid(tag_or_digest))
		return error_set(err, ERR_INVALID, "registry %s: \"%.140s\" is neither a tag nor a digest", registry->host,
				 tag_or_digest);
	snprintf(rest, sizeof(rest), "manifests/%.128s", tag_or_digest);
	if (registry_url(registry, path, rest, &manifest->url, err) < 0)
		return -1;
	buf_printf(&manifest->subject, "%s%c%s", path, manifest->is_by_digest ? '@' : ':', tag_or_digest);
	manifest->call.subject = manifest->subject.data;
	manifest->call.request.url = manifest->url.data;
	return 0;
}

static void set_scope(struct manifest_call *manifest, const char *path, const char *actions)
{
	registry_scope(&manifest->scopes, path, actions);
	manifest->call.scopes = manifest->scopes.data;
}

void registry_manifest_clear(struct registry_manifest *manifest)
{
	buf_clear(&manifest->body);
	*manifest = (struct registry_manifest){ 0 };
}

static int read_manifest(const struct http_response *response, struct descriptor *ret, struct error *err)
{
	json_auto_t *root = json_parse(buf_text(&response->body), response->body.len, err);
	char type[256];

	if (!root)
		return -1;
	if (!http_header(response, "Content-Type", type, sizeof(type)))
		type[0] = '\0';
	if (manifest_media_type(root, type, ret->media_type, err) < 0)
		return -1;
	digest_of_bytes(response->body.data, response->body.len, ret->digest);
	ret->size_bytes = (int64_t)response->body.len;
	return 0;
}

int registry_get_manifest(struct registry *registry, const char *path, const char *tag_or_digest,
			  struct registry_manifest *ret, struct error *err)
{
	CLEANUP(manifest_call_clear) struct manifest_call get = { .is_by_digest = false };
	CLEANUP(http_response_clear) struct http_response response = { 0 };
	struct descriptor descriptor;

	if (manifest_call_init(&get, registry, path, tag_or_digest, err) < 0)
		return -1;
	set_scope(&get, path, "pull");
	get.call.what = "get manifest";
	get.call.request.response_max = MANIFEST_MAX_BYTES;
	if (registry_send(registry, &get.call, &response, err) < 0)
		return -1;
	if (response.status != 200)
		return registry_refuse(registry, &get.call, &response, err);
	if (read_manifest(&response, &descriptor, err) < 0)
		return error_wrap(err, "registry %s: get manifest %s", registry->host, get.call.subject);
	if (get.is_by_digest && strcmp(descriptor.digest, tag_or_digest) != 0)
		return error_set(err, ERR_INVALID, "registry %s: get manifest %s: the bytes sent have the digest %s",
				 registry->host, get.call.subject, descriptor.digest);
	ret->descriptor = descriptor;
	ret->body = response.body;
	response.body = (struct buf){ 0 };
	return 0;
}

/* Not every registry tells the digest on HEAD; the bytes always do. */
static int digest_by_get(struct registry *registry, const char *path, const char *tag_or_digest,
			 char ret_digest[DIGEST_TEXT_MAX], struct error *err)
{
	CLEANUP(registry_manifest_clear) struct registry_manifest manifest = { 0 };

	if (registry_get_manifest(registry, path, tag_or_digest, &manifest, err) < 0)
		return -1;
	memcpy(ret_digest, manifest.descriptor.digest, DIGEST_TEXT_MAX);
	return 0;
}

int registry_head_manifest(struct registry *registry, const char *path, const char *tag_or_digest,
			   char ret_digest[DIGEST_TEXT_MAX], struct error *err)
{
	CLEANUP(manifest_call_clear) struct manifest_call head = { .is_by_digest = false };
	CLEANUP(http_response_clear) struct http_response response = { 0 };
	char digest[160];

	if (manifest_call_init(&head, registry, path, tag_or_digest, err) < 0)
		return -1;
	set_scope(&head, path, "pull");
	head.call.what = "look for manifest";
	head.call.request.method = "HEAD";
	if (registry_send(registry, &head.call, &response, err) < 0)
		return -1;
	if (response.status == 404)
		return 1;
	if (response.status != 200)
		return registry_refuse(registry, &head.call, &response, err);
	if (!http_header(&response, "Docker-Content-Digest", digest, sizeof(digest)) || !digest_is_valid(digest))
		return digest_by_get(registry, path, tag_or_digest, ret_digest, err);
	memcpy(ret_digest, digest, DIGEST_TEXT_MAX);
	return 0;
}

static bool is_child_unknown(const struct http_response *response)
{
	char code[64];

	registry_error_code(response, code, sizeof(code));
	return strcmp(code, "MANIFEST_BLOB_UNKNOWN") == 0 || response->status == 404;
}

/* 0: put; 1: refused as *ret_response says, because it does not know something this one needs. */
static int put_once(struct registry *registry, const struct manifest_call *put, const char *digest, struct error *err)
{
	CLEANUP(http_response_clear) struct http_response response = { 0 };
	char told[160];

	if (registry_send(registry, &put->call, &response, err) < 0)
		return -1;
	if (response.status != 201 && response.status != 200) {
		registry_refuse(registry, &put->call, &response, err);
		return is_child_unknown(&response) ? 1 : -1;
	}
	if (http_header(&response, "Docker-Content-Digest", told, sizeof(told)) && told[0] && strcmp(told, digest) != 0)
		return error_set(err, ERR_INVALID, "registry %s: put manifest %s: it stored %s instead of %s",
				 registry->host, put->call.subject, told, digest);
	return 0;
}

int registry_put_manifest(struct registry *registry, const char *path, const char *tag_or_digest,
			  struct registry_manifest *manifest, struct error *err)
{
	CLEANUP(manifest_call_clear) struct manifest_call put = { .is_by_digest = false };
	struct descriptor descriptor = manifest->descriptor;

	if (manifest_call_init(&put, registry, path, tag_or_digest, err) < 0)
		return -1;
	digest_of_bytes(buf_text(&manifest->body), manifest->body.len, descriptor.digest);
	descriptor.size_bytes = (int64_t)manifest->body.len;
	if (put.is_by_digest && strcmp(descriptor.digest, tag_or_digest) != 0)
		return error_set(err, ERR_INVALID, "registry %s: put manifest %s: our bytes have the digest %s",
				 registry->host, put.call.subject, descriptor.digest);
	set_scope(&put, path, "pull,push");
	put.call.what = "put manifest";
	put.call.media_type = descriptor.media_type;
	put.call.request.method = "PUT";
	put.call.request.body = buf_text(&manifest->body);
	put.call.request.body_len = manifest->body.len;
	for (int tries = 1;; tries++) {
		int rc = put_once(registry, &put, descriptor.digest, err);

		if (rc < 0 || (rc > 0 && tries >= registry->tries_max))
			return -1;
		if (rc == 0)
			break;
		if (registry_wait(registry, tries, NULL, err) < 0)
			return -1;
	}
	manifest->descriptor = descriptor;
	return 0;
}
