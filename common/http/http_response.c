/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <strings.h>

#include "common/http/http.h"

bool http_header_nth(const struct http_response *response, const char *name, int n, char *dst, size_t size)
{
	const char *line = buf_text(&response->headers);
	size_t name_len = strlen(name);

	dst[0] = '\0';
	while (*line) {
		size_t len = strcspn(line, "\r\n");
		const char *end = line + len;

		if (len > name_len && line[name_len] == ':' && strncasecmp(line, name, name_len) == 0 && n-- == 0) {
			const char *value = line + name_len + 1;

			value += strspn(value, " \t");
			while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
				end--;
			if (end < value || (size_t)(end - value) >= size)
				return false;
			memcpy(dst, value, (size_t)(end - value));
			dst[end - value] = '\0';
			return true;
		}
		line += len + strspn(line + len, "\r\n");
	}
	return false;
}

bool http_header(const struct http_response *response, const char *name, char *dst, size_t size)
{
	return http_header_nth(response, name, 0, dst, size);
}

void http_response_clear(struct http_response *response)
{
	buf_clear(&response->body);
	buf_clear(&response->headers);
	response->status = 0;
}
