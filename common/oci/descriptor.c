/* SPDX-License-Identifier: Apache-2.0 */
#include "common/oci/descriptor.h"

#include <string.h>

bool media_type_is_index(const char *media_type)
{
	return strcmp(media_type, MEDIA_OCI_INDEX) == 0 || strcmp(media_type, MEDIA_DOCKER_LIST) == 0;
}

bool media_type_is_manifest(const char *media_type)
{
	return strcmp(media_type, MEDIA_OCI_MANIFEST) == 0 || strcmp(media_type, MEDIA_DOCKER_MANIFEST) == 0;
}

int descriptor_decode(const json_t *obj, const char *where, struct descriptor *ret_descriptor, struct error *err)
{
	struct descriptor descriptor;
	char digest[160];

	if (!json_is_object(obj))
		return error_set(err, ERR_INVALID, "%s is not an object", where);
	if (json_get_text(obj, where, "mediaType", descriptor.media_type, sizeof(descriptor.media_type), err) < 0 ||
	    json_get_text(obj, where, "digest", digest, sizeof(digest), err) < 0 ||
	    digest_parse(digest, where, descriptor.digest, err) < 0 ||
	    json_get_int(obj, where, "size", &descriptor.size_bytes, err) < 0)
		return -1;
	if (descriptor.size_bytes < 0)
		return error_set(err, ERR_INVALID, "%s: size is negative", where);
	*ret_descriptor = descriptor;
	return 0;
}

void go_json_text(struct buf *out, const char *text)
{
	buf_puts(out, "\"");
	for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
		if (*at == '"' || *at == '\\') {
			buf_printf(out, "\\%c", *at);
		} else if (*at == '\n' || *at == '\r' || *at == '\t') {
			buf_printf(out, "\\%c", *at == '\n' ? 'n' : *at == '\r' ? 'r' : 't');
		} else if (*at < 0x20 || *at == '<' || *at == '>' || *at == '&') {
			buf_printf(out, "\\u%04x", *at);
		} else if (at[0] == 0xe2 && at[1] == 0x80 && (at[2] == 0xa8 || at[2] == 0xa9)) {
			buf_printf(out, "\\u202%c", at[2] == 0xa8 ? '8' : '9');
			at += 2;
		} else {
			buf_append(out, at, 1);
		}
	}
	buf_puts(out, "\"");
}
