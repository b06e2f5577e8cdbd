/* SPDX-License-Identifier: Apache-2.0 */
/* The socket the front listens on. */
#ifndef COORDINATOR_FRONT_LISTEN_H
#define COORDINATOR_FRONT_LISTEN_H

#include "common/error.h"

/*
 * "127.0.0.1:8080", "[::1]:0", "localhost:8080". Beyond loopback is ERR_DENIED: there is no TLS here.
 * ret_fd listens, does not block, and hands TCP_NODELAY on to what it accepts.
 */
int listen_open(const char *address, int *ret_fd, int *ret_port, struct error *err);

#endif
