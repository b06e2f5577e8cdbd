/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of images as people write them: [host[:port]/]path[:tag][@digest], with docker's defaults:
 * no host is docker.io, one word on docker.io is under library/, neither tag nor digest is latest.
 * Pure text, no I/O.
 */
#ifndef COMMON_OCI_REFERENCE_H
#define COMMON_OCI_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"
#include "common/oci/digest.h"

#define REFERENCE_TEXT_MAX 512
#define REFERENCE_NAME_MAX 256 /* host/path and NUL */
#define REFERENCE_TAG_MAX 129

struct reference {
	char host[REFERENCE_NAME_MAX]; /* "docker.io", "127.0.0.1:5000" */
	char path[REFERENCE_NAME_MAX]; /* "library/debian" */
	char tag[REFERENCE_TAG_MAX];   /* "" when only a digest was given */
	char digest[DIGEST_TEXT_MAX];  /* "" for none */
};

/* ERR_INVALID quotes the text, says which part is wrong and what it should look like. */
int reference_parse(const char *text, struct reference *ret_reference, struct error *err);

/* In full: host/path[:tag][@digest]. What it writes parses to the same. */
void reference_format(const struct reference *reference, char text[REFERENCE_TEXT_MAX]);

/* host/path */
void reference_repository(const struct reference *reference, char text[REFERENCE_NAME_MAX]);

bool reference_path_is_valid(const char *path);
bool reference_tag_is_valid(const char *tag);

/* 127.0.0.0/8, ::1 or localhost, with or without a port: the only hosts spoken to without TLS. */
bool registry_host_is_loopback(const char *host);

/* "https://registry-1.docker.io", "http://127.0.0.1:5000"; no slash at the end. */
void registry_base_url(const char *host, char *url, size_t size);

#endif
