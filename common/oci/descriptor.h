/* SPDX-License-Identifier: Apache-2.0 */
/* What points at a blob or manifest: media type, digest, size. And the media types we know. */
#ifndef COMMON_OCI_DESCRIPTOR_H
#define COMMON_OCI_DESCRIPTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/error.h"
#include "common/json/json.h"
#include "common/oci/digest.h"

#define MEDIA_TYPE_MAX 96

#define MEDIA_OCI_INDEX "application/vnd.oci.image.index.v1+json"
#define MEDIA_OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define MEDIA_OCI_CONFIG "application/vnd.oci.image.config.v1+json"
#define MEDIA_OCI_LAYER "application/vnd.oci.image.layer.v1.tar"
#define MEDIA_OCI_LAYER_GZIP "application/vnd.oci.image.layer.v1.tar+gzip"
#define MEDIA_OCI_LAYER_ZSTD "application/vnd.oci.image.layer.v1.tar+zstd"
#define MEDIA_DOCKER_LIST "application/vnd.docker.distribution.manifest.list.v2+json"
#define MEDIA_DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define MEDIA_DOCKER_CONFIG "application/vnd.docker.container.image.v1+json"
#define MEDIA_DOCKER_LAYER_GZIP "application/vnd.docker.image.rootfs.diff.tar.gzip"

struct descriptor {
	char media_type[MEDIA_TYPE_MAX];
	char digest[DIGEST_TEXT_MAX];
	int64_t size_bytes;
};

bool media_type_is_index(const char *media_type);    /* OCI index or Docker list */
bool media_type_is_manifest(const char *media_type); /* of one image, OCI or Docker */

/* `where` names the descriptor in errors ("layer 3"). ERR_INVALID. */
int descriptor_decode(const json_t *obj, const char *where, struct descriptor *ret_descriptor, struct error *err);

/* A JSON string in quotes, escaped as Go's encoder does (also < > &), so that bytes equal other tools'. */
void go_json_text(struct buf *out, const char *text);

#endif
