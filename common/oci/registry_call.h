/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the registry client: one call, with authorisation, redirects and further tries. For the
 * files registry*.c only.
 */
#ifndef COMMON_OCI_REGISTRY_CALL_H
#define COMMON_OCI_REGISTRY_CALL_H

#include <pthread.h>
#include <stdbool.h>

#include "common/http/http.h"
#include "common/http/http_url.h"
#include "common/oci/challenge.h"
#include "common/oci/registry.h"

#define REGISTRY_TOKENS_MAX 64
#define REGISTRY_SCOPES_MAX 1200

struct registry_token {
	char *scopes; /* as asked for */
	char *token;
	int64_t expires_ms; /* monotonic */
};

struct registry {
	struct http *http;
	char host[256];
	char base[300];
	struct http_url origin;
	char *username, *password, *ca_file;
	int tries_max, wait_ms;
	struct challenge challenge; /* the last one seen */
	struct registry_token tokens[REGISTRY_TOKENS_MAX];
	size_t token_next;          /* the oldest is replaced */
	pthread_mutex_t lock;       /* of is_aborted */
	pthread_cond_t stopped;
	bool is_aborted;
};

struct registry_call {
	const char *what;            /* "put manifest", for errors */
	const char *subject;         /* "team/app:1" */
	const char *scopes;          /* blank-separated, the needed one first */
	const char *media_type;      /* Content-Type, or NULL */
	bool is_once;                /* the caller tries again itself */
	struct http_request request; /* url is absolute; headers and authorisation are filled in here */
};

/*
 * 0 with any status but 429 and 5xx (after all tries: ERR_UNAVAILABLE) and a final 401 (ERR_DENIED).
 * The caller looks at the status and says registry_refuse for the unwelcome.
 */
int registry_send(struct registry *registry, const struct registry_call *call, struct http_response *ret_response,
		  struct error *err);

/* The error for this status; always -1. */
int registry_refuse(const struct registry *registry, const struct registry_call *call,
		    const struct http_response *response, struct error *err);

/* The registry's own error code ("MANIFEST_BLOB_UNKNOWN"), or "". */
void registry_error_code(const struct http_response *response, char *code, size_t size);

/* Waits before try number `tries` + 1 (response may be NULL); -1 when stopped meanwhile. */
int registry_wait(struct registry *registry, int tries, const struct http_response *response, struct error *err);

/* May this URL, given by the registry, be called at all? ERR_DENIED: TLS lost, or a private address. */
int registry_check_target(const struct registry *registry, const char *url, struct http_url *ret_url,
			  struct error *err);

/* The token for these scopes, from the cache or its server; valid until the next call of this or of _forget. */
int registry_token_get(struct registry *registry, const char *scopes, const char **ret_token, struct error *err);
void registry_token_forget(struct registry *registry, const char *scopes);
void registry_tokens_clear(struct registry *registry);

/* base/v2/path/rest; ERR_INVALID when path is no repository's name. */
int registry_url(const struct registry *registry, const char *path, const char *rest, struct buf *url,
		 struct error *err);

/* "repository:path:actions" */
void registry_scope(struct buf *scopes, const char *path, const char *actions);

#endif
