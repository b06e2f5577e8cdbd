/* SPDX-License-Identifier: Apache-2.0 */
/* Where the worker listener may listen: "HOST:PORT", IPv4 loopback only, since it does not speak TLS. */
#ifndef COORDINATOR_SESSIONS_LISTEN_H
#define COORDINATOR_SESSIONS_LISTEN_H

#include "common/error.h"

#define LISTEN_HOST_MAX 64

/* ERR_INVALID says what is wrong and what to give instead. */
int listen_parse(const char *text, char ret_host[LISTEN_HOST_MAX], int *ret_port, struct error *err);

/* 0 when it is free now, else ERR_IO with the system's reason, which libwebsockets would keep to itself. */
int listen_probe(const char *host, int port, struct error *err);

#endif
