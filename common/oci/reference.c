/* SPDX-License-Identifier: Apache-2.0 */
#include "common/oci/reference.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define HUB "docker.io"
#define LOWER "abcdefghijklmnopqrstuvwxyz0123456789"
#define WORD LOWER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* [a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*, one component of a path */
static bool component_is_valid(const char *text, size_t len)
{
	size_t at = 0;

	for (;;) {
		size_t word = strspn(text + at, LOWER);
		size_t dashes;

		if (word > len - at)
			word = len - at;
		if (!word)
			return false;
		at += word;
		if (at == len)
			return true;
		dashes = strspn(text + at, "-");
		if (text[at] == '_')
			at += text[at + 1] == '_' ? 2 : 1;
		else if (text[at] == '.')
			at += 1;
		else if (dashes)
			at += dashes;
		else
			return false;
		if (at >= len)
			return false;
	}
}

bool reference_path_is_valid(const char *path)
{
	for (;;) {
		size_t len = strcspn(path, "/");

		if (!component_is_valid(path, len))
			return false;
		if (!path[len])
			return true;
		path += len + 1;
	}
}

static bool port_is_valid(const char *port)
{
	size_t len = strlen(port);

	return len >= 1 && len <= 5 && strspn(port, "0123456789") == len;
}

static bool ipv6_is_valid(const char *host)
{
	const char *end = strchr(host, ']');
	struct in6_addr address;
	char text[INET6_ADDRSTRLEN];
	size_t len;

	if (!end)
		return false;
	len = (size_t)(end - host) - 1;
	if (len >= sizeof(text))
		return false;
	memcpy(text, host + 1, len);
	text[len] = '\0';
	return inet_pton(AF_INET6, text, &address) == 1 && (!end[1] || (end[1] == ':' && port_is_valid(end + 2)));
}

static bool host_is_valid(const char *host)
{
	if (*host == '[')
		return ipv6_is_valid(host);
	for (;;) {
		size_t len = strspn(host, WORD "-");

		if (!len || host[0] == '-' || host[len - 1] == '-')
			return false;
		host += len;
		if (!*host)
			return true;
		if (*host == ':')
			return port_is_valid(host + 1);
		if (*host != '.')
			return false;
		host++;
	}
}

bool reference_tag_is_valid(const char *tag)
{
	size_t len = strlen(tag);

	return len >= 1 && len < REFERENCE_TAG_MAX && strspn(tag, WORD "._-") == len && tag[0] != '.' && tag[0] != '-';
}

/* As docker tells a host from a first path component. */
static bool looks_like_host(const char *text, size_t len)
{
	if (len == 9 && strncmp(text, "localhost", len) == 0)
		return true;
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '.' || text[i] == ':' || isupper((unsigned char)text[i]))
			return true;
	}
	return false;
}

static int split_host(const char *name, const char *text, struct reference *ref, struct error *err)
{
	const char *slash = strchr(name, '/');
	size_t len = slash ? (size_t)(slash - name) : 0;
	const char *path = name;
	const char *prefix;

	if (slash && looks_like_host(name, len)) {
		snprintf(ref->host, sizeof(ref->host), "%.*s", (int)len, name);
		path = slash + 1;
	} else {
		snprintf(ref->host, sizeof(ref->host), HUB);
	}
	if (!host_is_valid(ref->host))
		return error_set(err, ERR_INVALID, "image \"%.200s\": \"%.100s\" is not a registry host[:port]", text,
				 ref->host);
	if (strcmp(ref->host, "index.docker.io") == 0)
		snprintf(ref->host, sizeof(ref->host), HUB);
	if (!reference_path_is_valid(path))
		return error_set(err, ERR_INVALID,
				 "image \"%.200s\": the name \"%.100s\" must be lower-case letters and digits, "
				 "parted by one of . _ - /, as in team/app",
				 text, path);
	prefix = strcmp(ref->host, HUB) == 0 && !strchr(path, '/') ? "library/" : "";
	if (strlen(ref->host) + 1 + strlen(prefix) + strlen(path) >= REFERENCE_NAME_MAX)
		return error_set(err, ERR_INVALID, "image \"%.200s\": host and name are longer than %d characters", text,
				 REFERENCE_NAME_MAX - 1);
	memcpy(ref->path, prefix, strlen(prefix));
	memcpy(ref->path + strlen(prefix), path, strlen(path) + 1);
	return 0;
}

int reference_parse(const char *text, struct reference *ret_reference, struct error *err)
{
	struct reference ref = { .tag = "" };
	char name[REFERENCE_NAME_MAX];
	const char *at = strchr(text, '@');
	size_t len = at ? (size_t)(at - text) : strlen(text);
	const char *colon = NULL;

	for (size_t i = len; i > 0 && text[i - 1] != '/'; i--) {
		if (text[i - 1] == ':') {
			colon = text + i - 1;
			break;
		}
	}
	if (at && digest_parse(at + 1, "image", ref.digest, err) < 0)
		return error_wrap(err, "image \"%.120s\"", text);
	if (colon) {
		snprintf(ref.tag, sizeof(ref.tag), "%.*s", (int)(text + len - colon - 1), colon + 1);
		if (!reference_tag_is_valid(ref.tag) || strlen(ref.tag) != (size_t)(text + len - colon - 1))
			return error_set(err, ERR_INVALID,
					 "image \"%.200s\": a tag is up to 128 letters, digits and . _ -, "
					 "beginning with none of . -",
					 text);
		len = (size_t)(colon - text);
	} else if (!at) {
		snprintf(ref.tag, sizeof(ref.tag), "latest");
	}
	if (len >= sizeof(name))
		return error_set(err, ERR_INVALID, "image \"%.200s\": host and name are longer than %d characters", text,
				 REFERENCE_NAME_MAX - 1);
	memcpy(name, text, len);
	name[len] = '\0';
	if (split_host(name, text, &ref, err) < 0)
		return -1;
	*ret_reference = ref;
	return 0;
}

void reference_format(const struct reference *reference, char text[REFERENCE_TEXT_MAX])
{
	char repository[REFERENCE_NAME_MAX];

	reference_repository(reference, repository);
	snprintf(text, REFERENCE_TEXT_MAX, "%.255s%s%.128s%s%.71s", repository, reference->tag[0] ? ":" : "",
		 reference->tag, reference->digest[0] ? "@" : "", reference->digest);
}

void reference_repository(const struct reference *reference, char text[REFERENCE_NAME_MAX])
{
	size_t host = strlen(reference->host);
	size_t path = strlen(reference->path);

	if (host + path + 2 > REFERENCE_NAME_MAX) {
		text[0] = '\0';
		return;
	}
	memcpy(text, reference->host, host);
	text[host] = '/';
	memcpy(text + host + 1, reference->path, path + 1);
}

bool registry_host_is_loopback(const char *host)
{
	size_t len = strcspn(host, ":");
	char name[64];
	struct in_addr address;

	if (strncmp(host, "[::1]", 5) == 0)
		return host[5] == '\0' || host[5] == ':';
	if (len >= sizeof(name))
		return false;
	memcpy(name, host, len);
	name[len] = '\0';
	if (strcasecmp(name, "localhost") == 0)
		return true;
	return inet_pton(AF_INET, name, &address) == 1 && (ntohl(address.s_addr) >> 24) == 127;
}

void registry_base_url(const char *host, char *url, size_t size)
{
	const char *api = strcmp(host, HUB) == 0 ? "registry-1.docker.io" : host;

	snprintf(url, size, "%s://%s", registry_host_is_loopback(host) ? "http" : "https", api);
}
