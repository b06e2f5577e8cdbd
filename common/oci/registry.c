/* SPDX-License-Identifier: Apache-2.0 */
#include "common/oci/registry.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "common/oci/reference.h"
#include "common/oci/registry_call.h"

#define TRIES_MAX 4
#define WAIT_MS 500

static void init_stop(struct registry *registry)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&registry->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&registry->stopped, &attr);
	pthread_condattr_destroy(&attr);
}

int registry_open(const struct registry_options *options, struct registry **ret_registry, struct error *err)
{
	CLEANUP(registry_closep) struct registry *registry = mem_alloc(sizeof(*registry));

	init_stop(registry);
	registry->http = http_new();
	if (text_copy(registry->host, sizeof(registry->host), options->host) < 0)
		return error_set(err, ERR_INVALID, "the registry host \"%.80s...\" is too long", options->host);
	registry_base_url(registry->host, registry->base, sizeof(registry->base));
	if (http_url_parse(registry->base, &registry->origin, err) < 0)
		return error_wrap(err, "registry %s", registry->host);
	registry->username = mem_strdup(options->username);
	registry->password = mem_strdup(options->password);
	registry->ca_file = mem_strdup(options->ca_file);
	registry->tries_max = options->tries_max > 0 ? options->tries_max : TRIES_MAX;
	registry->wait_ms = options->wait_ms > 0 ? options->wait_ms : WAIT_MS;
	*ret_registry = TAKE(registry);
	return 0;
}

void registry_close(struct registry *registry)
{
	if (!registry)
		return;
	registry_tokens_clear(registry);
	if (registry->password)
		OPENSSL_cleanse(registry->password, strlen(registry->password));
	mem_free(registry->username);
	mem_free(registry->password);
	mem_free(registry->ca_file);
	http_free(registry->http);
	pthread_cond_destroy(&registry->stopped);
	pthread_mutex_destroy(&registry->lock);
	mem_free(registry);
}

void registry_abort(struct registry *registry)
{
	pthread_mutex_lock(&registry->lock);
	registry->is_aborted = true;
	pthread_cond_broadcast(&registry->stopped);
	pthread_mutex_unlock(&registry->lock);
	http_abort(registry->http);
}
