/* SPDX-License-Identifier: Apache-2.0 */
/* Bearer tokens: asked for by GET at the realm the registry named, kept until shortly before they end. */
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/json/json.h"
#include "common/mem.h"
#include "common/oci/registry_call.h"

#define TOKEN_MAX (64 * 1024)
#define LIFE_MIN_S 60
#define MARGIN_S 10

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void token_clear(struct registry_token *token)
{
	if (token->token)
		OPENSSL_cleanse(token->token, strlen(token->token));
	mem_free(token->token);
	mem_free(token->scopes);
	*token = (struct registry_token){ .token = NULL };
}

void registry_tokens_clear(struct registry *registry)
{
	for (size_t i = 0; i < REGISTRY_TOKENS_MAX; i++)
		token_clear(&registry->tokens[i]);
}

static struct registry_token *token_find(struct registry *registry, const char *scopes)
{
	for (size_t i = 0; i < REGISTRY_TOKENS_MAX; i++) {
		if (registry->tokens[i].scopes && strcmp(registry->tokens[i].scopes, scopes) == 0)
			return &registry->tokens[i];
	}
	return NULL;
}

void registry_token_forget(struct registry *registry, const char *scopes)
{
	struct registry_token *token = token_find(registry, scopes);

	if (token)
		token_clear(token);
}

/* A user's password goes there: only by TLS, or within this host. */
static int check_realm(const struct registry *registry, struct error *err)
{
	struct http_url url;

	if (registry_check_target(registry, registry->challenge.realm, &url, err) < 0)
		return error_wrap(err, "registry %s: token server", registry->host);
	if (!url.is_tls && !http_host_is_loopback(url.host))
		return error_set(err, ERR_DENIED, "registry %s: token server %s is not reached by https", registry->host,
				 url.host);
	return 0;
}

static void token_url(const struct registry *registry, const char *scopes, struct buf *url)
{
	const struct challenge *challenge = &registry->challenge;
	char separator = strchr(challenge->realm, '?') ? '&' : '?';

	buf_puts(url, challenge->realm);
	if (challenge->service[0]) {
		buf_printf(url, "%cservice=", separator);
		http_url_escape(url, challenge->service);
		separator = '&';
	}
	while (*scopes) {
		char one[REGISTRY_SCOPES_MAX];
		int len = (int)strcspn(scopes, " ");

		snprintf(one, sizeof(one), "%.*s", len, scopes);
		buf_printf(url, "%cscope=", separator);
		http_url_escape(url, one);
		separator = '&';
		scopes += len + (scopes[len] == ' ');
	}
}

/* It will be a header's value: visible ASCII and nothing else. */
static bool token_is_clean(const char *token)
{
	for (; *token; token++) {
		if (*token <= ' ' || *token > '~')
			return false;
	}
	return true;
}

static int decode(const struct http_response *response, struct registry_token *ret, struct error *err)
{
	json_auto_t *root = json_parse(buf_text(&response->body), response->body.len, err);
	const char *token;
	int64_t life_s;

	if (!root)
		return -1;
	token = json_string_value(json_object_get(root, "token"));
	if (!token || !*token)
		token = json_string_value(json_object_get(root, "access_token"));
	if (!token || !*token)
		return error_set(err, ERR_INVALID, "the answer has neither token nor access_token");
	if (strlen(token) > TOKEN_MAX || !token_is_clean(token))
		return error_set(err, ERR_INVALID, "the token is longer than 64 KiB or no printable text");
	if (json_get_int_or(root, "token", "expires_in", &life_s, LIFE_MIN_S, err) < 0)
		return -1;
	if (life_s < LIFE_MIN_S)
		life_s = LIFE_MIN_S;
	if (life_s > 24 * 3600)
		life_s = 24 * 3600;
	ret->token = mem_strdup(token);
	ret->expires_ms = now_ms() + (life_s - MARGIN_S) * 1000;
	return 0;
}

static void response_wipe(struct http_response *response)
{
	if (response->body.data)
		OPENSSL_cleanse(response->body.data, response->body.cap);
	http_response_clear(response);
}

static int fetch(struct registry *registry, const char *scopes, struct registry_token *ret, struct error *err)
{
	CLEANUP(response_wipe) struct http_response response = { 0 };
	CLEANUP(buf_clear) struct buf url = { 0 };
	struct registry_call call = { .what = "get a token for", .subject = scopes };

	if (check_realm(registry, err) < 0)
		return -1;
	token_url(registry, scopes, &url);
	call.request = (struct http_request){
		.url = url.data,
		.username = registry->username,
		.password = registry->password,
		.ca_file = registry->ca_file,
		.response_max = 1024 * 1024,
	};
	if (http_call(registry->http, &call.request, &response, err) < 0)
		return error_wrap(err, "registry %s: token server", registry->host);
	if (response.status != 200)
		return registry_refuse(registry, &call, &response, err);
	if (decode(&response, ret, err) < 0)
		return error_wrap(err, "registry %s: token server", registry->host);
	return 0;
}

int registry_token_get(struct registry *registry, const char *scopes, const char **ret_token, struct error *err)
{
	struct registry_token *kept = token_find(registry, scopes);
	struct registry_token fresh = { .token = NULL };

	if (kept && kept->expires_ms > now_ms()) {
		*ret_token = kept->token;
		return 0;
	}
	if (fetch(registry, scopes, &fresh, err) < 0)
		return -1;
	if (!kept) {
		kept = &registry->tokens[registry->token_next];
		registry->token_next = (registry->token_next + 1) % REGISTRY_TOKENS_MAX;
	}
	token_clear(kept);
	*kept = fresh;
	kept->scopes = mem_strdup(scopes);
	*ret_token = kept->token;
	return 0;
}
