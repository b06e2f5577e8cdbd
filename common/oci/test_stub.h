/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests only: a registry that misbehaves as told. A server on a thread of its own takes a script
 * of requests in their order; anything else is answered 418 and noted. "%P" in a step's headers and
 * body is the server's port.
 */
#ifndef COMMON_OCI_TEST_STUB_H
#define COMMON_OCI_TEST_STUB_H

#include <stddef.h>

#include "common/buf.h"

struct stub_step {
	const char *request;  /* "PUT /v2/a/manifests/t": how method and URI begin */
	const char *auth;     /* the Authorization it must have; "": none; NULL: any */
	int status;           /* 0: never answered */
	const char *headers;  /* "Name: value\nName: value", or NULL */
	const char *body;
};

struct stub;

struct stub *stub_start(const struct stub_step *steps, size_t count);
int stub_port(const struct stub *stub);
/* "127.0.0.1:PORT" */
const char *stub_host(const struct stub *stub);

/* Waits until a step that is never answered (status 0) has been asked for. */
void stub_wait_for_silence(struct stub *stub);

/*
 * Ends it. What went wrong, "" when all steps came and nothing else; the bodies it was sent, one after
 * the other, are appended to bodies (may be NULL). The caller frees the text.
 */
char *stub_stop(struct stub *stub, struct buf *bodies);

#endif
