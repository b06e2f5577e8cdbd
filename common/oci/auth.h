/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registry credentials from a file in the form of docker's config.json: auths with "auth" (base64
 * of user:password) or "username" and "password". A file loaded once may be read by many threads.
 */
#ifndef COMMON_OCI_AUTH_H
#define COMMON_OCI_AUTH_H

#include "common/cleanup.h"
#include "common/error.h"

struct auth;

struct credential {
	char *username; /* both owned; wiped by credential_clear */
	char *password;
};

/* ERR_NOT_FOUND when there is no such file, ERR_INVALID names what is wrong in it, never a secret. */
int auth_load(const char *path, struct auth **ret_auth, struct error *err);
void auth_free(struct auth *auth);
DEFINE_CLEANUP(struct auth *, auth_free)

/*
 * The most specific entry for host/path wins: host/team/app, host/team, host. Docker Hub is
 * "docker.io" here, and any of its spellings in the file.
 *    0   found
 *    1   the file has none: go on without
 *   -1   ERR_INVALID: there is one, but of a kind we cannot use (a helper, an identity token)
 */
int auth_find(const struct auth *auth, const char *host, const char *path, struct credential *ret_credential,
	      struct error *err);

void credential_clear(struct credential *credential);

#endif
