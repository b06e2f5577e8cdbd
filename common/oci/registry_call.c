/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Three loops, one in the other: further tries (registry_send), one new authorisation (send_authorised),
 * redirects by hand (send_followed).
 */
#include "common/oci/registry_call.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/mem.h"
#include "common/oci/reference.h"

#define HOPS_MAX 5
#define RETRY_AFTER_MAX_S 30
#define ACCEPT                                                                                              \
	"Accept: " MEDIA_OCI_INDEX ", " MEDIA_OCI_MANIFEST ", " MEDIA_DOCKER_LIST ", " MEDIA_DOCKER_MANIFEST \
	", */*"

int registry_url(const struct registry *registry, const char *path, const char *rest, struct buf *url,
		 struct error *err)
{
	if (!reference_path_is_valid(path))
		return error_set(err, ERR_INVALID, "registry %s: \"%.100s\" is not a repository's name", registry->host, path);
	buf_printf(url, "%s/v2/%s/%s", registry->base, path, rest);
	return 0;
}

void registry_scope(struct buf *scopes, const char *path, const char *actions)
{
	buf_printf(scopes, "%srepository:%s:%s", scopes->len ? " " : "", path, actions);
}

int registry_check_target(const struct registry *registry, const char *url, struct http_url *ret_url,
			  struct error *err)
{
	struct http_url target;

	if (http_url_parse(url, &target, err) < 0)
		return -1;
	if (registry->origin.is_tls && !target.is_tls)
		return error_set(err, ERR_DENIED, "%s would be called without TLS", target.host);
	/* A registry out in the world has no business at our private addresses; one that is there itself may. */
	if (http_host_is_private(target.host) && !http_host_is_private(registry->origin.host))
		return error_set(err, ERR_DENIED, "%s is a private address", target.host);
	*ret_url = target;
	return 0;
}

static bool status_is_redirect(const struct http_request *request, long status)
{
	bool is_read = !request->method || strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;

	return status == 307 || status == 308 || (is_read && status >= 301 && status <= 303);
}

/* ret_is_foreign: another host than the registry answered. */
static int send_followed(struct registry *registry, const struct registry_call *call,
			 struct http_response *ret_response, bool *ret_is_foreign, struct error *err)
{
	CLEANUP(mem_freep) char *url = mem_strdup(call->request.url);
	struct http_request request = call->request;
	bool is_foreign = false;
	char location[8192];

	for (int hop = 0; hop <= HOPS_MAX; hop++) {
		CLEANUP(http_response_clear) struct http_response response = { 0 };
		struct http_url target;
		char *next;

		if (registry_check_target(registry, url, &target, err) < 0)
			return error_wrap(err, "registry %s: %s %s: redirect", registry->host, call->what, call->subject);
		if (!http_url_same_origin(&target, &registry->origin))
			is_foreign = true; /* for good: nobody sends us back with our own authorisation */
		request.url = url;
		request.bearer = is_foreign ? NULL : call->request.bearer;
		request.username = is_foreign ? NULL : call->request.username;
		request.password = is_foreign ? NULL : call->request.password;
		if (http_call(registry->http, &request, &response, err) < 0)
			return -1;
		if (!status_is_redirect(&request, response.status)) {
			*ret_response = response;
			response = (struct http_response){ 0 };
			*ret_is_foreign = is_foreign;
			return 0;
		}
		if (!http_header(&response, "Location", location, sizeof(location)))
			return error_set(err, ERR_INVALID, "a redirect without a usable Location");
		if (http_url_resolve(url, location, &next, err) < 0)
			return -1;
		mem_free(url);
		url = next;
	}
	return error_set(err, ERR_INVALID, "more than %d redirects", HOPS_MAX);
}

/* Scopes of this call, and what the registry's challenge asked for besides. */
static void wanted_scopes(const struct registry *registry, const struct registry_call *call, bool is_second,
			  char scopes[REGISTRY_SCOPES_MAX])
{
	const char *asked = registry->challenge.scope;
	const char *own = call->scopes ? call->scopes : "";

	if (is_second && asked[0] && !strstr(own, asked))
		snprintf(scopes, REGISTRY_SCOPES_MAX, "%.600s%s%s", own, own[0] ? " " : "", asked);
	else
		snprintf(scopes, REGISTRY_SCOPES_MAX, "%.*s", REGISTRY_SCOPES_MAX - 1, own);
}

static int authorise(struct registry *registry, const char *scopes, struct registry_call *call, struct error *err)
{
	if (registry->challenge.kind == CHALLENGE_BEARER)
		return registry_token_get(registry, scopes, &call->request.bearer, err);
	if (registry->challenge.kind == CHALLENGE_BASIC) {
		call->request.username = registry->username;
		call->request.password = registry->password;
	}
	return 0;
}

/* Remembers what the registry asks for; true when answering it could help. */
static bool take_challenge(struct registry *registry, const struct registry_call *sent,
			   const struct http_response *response)
{
	struct challenge challenge = { .kind = CHALLENGE_NONE };
	char header[4096];

	for (int n = 0; n < 8 && http_header_nth(response, "WWW-Authenticate", n, header, sizeof(header)); n++)
		challenge_read(header, &challenge);
	if (challenge.kind == CHALLENGE_NONE)
		return false;
	registry->challenge = challenge;
	return challenge.kind == CHALLENGE_BEARER || (registry->username && !sent->request.username);
}

static int send_authorised(struct registry *registry, const struct registry_call *call,
			   struct http_response *ret_response, struct error *err)
{
	for (int pass = 0;; pass++) {
		CLEANUP(http_response_clear) struct http_response response = { 0 };
		struct registry_call sent = *call;
		char scopes[REGISTRY_SCOPES_MAX];
		bool is_foreign = false;

		wanted_scopes(registry, call, pass > 0, scopes);
		if (pass > 0)
			registry_token_forget(registry, scopes);
		if (authorise(registry, scopes, &sent, err) < 0)
			return -1;
		if (send_followed(registry, &sent, &response, &is_foreign, err) < 0)
			return -1;
		if (response.status == 401 && !is_foreign) {
			if (pass == 0 && take_challenge(registry, &sent, &response))
				continue;
			return registry_refuse(registry, call, &response, err);
		}
		*ret_response = response;
		response = (struct http_response){ 0 };
		return 0;
	}
}

static bool status_is_temporary(long status)
{
	return status == 408 || status == 429 || status == 500 || (status >= 502 && status <= 504) || status == 507;
}

static int64_t wait_length_ms(const struct registry *registry, int tries, const struct http_response *response)
{
	char text[64];
	int64_t after_s;
	time_t date;

	if (!response || !http_header(response, "Retry-After", text, sizeof(text)) || !text[0])
		return (int64_t)registry->wait_ms << (tries < 8 ? tries - 1 : 7);
	if (strspn(text, "0123456789") == strlen(text)) {
		after_s = strtoll(text, NULL, 10);
	} else {
		date = curl_getdate(text, NULL);
		after_s = date < 0 ? 1 : (int64_t)date - (int64_t)time(NULL);
	}
	if (after_s < 0)
		after_s = 0;
	return (after_s < RETRY_AFTER_MAX_S ? after_s : RETRY_AFTER_MAX_S) * 1000;
}

int registry_wait(struct registry *registry, int tries, const struct http_response *response, struct error *err)
{
	int64_t length_ms = wait_length_ms(registry, tries, response);
	struct timespec until;
	bool is_aborted;
	int rc = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)(length_ms / 1000);
	until.tv_nsec += (long)(length_ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_mutex_lock(&registry->lock);
	while (!registry->is_aborted && rc != ETIMEDOUT)
		rc = pthread_cond_timedwait(&registry->stopped, &registry->lock, &until);
	is_aborted = registry->is_aborted;
	pthread_mutex_unlock(&registry->lock);
	if (is_aborted)
		return error_set(err, ERR_UNAVAILABLE, "registry %s: the call was stopped", registry->host);
	return 0;
}

static int send_once(struct registry *registry, const struct registry_call *call, struct http_response *ret_response,
		     struct error *err)
{
	static const char *const reading[] = { ACCEPT, NULL };
	struct registry_call sent = *call;
	char type[MEDIA_TYPE_MAX + 16];
	const char *writing[] = { type, NULL };

	if (call->media_type)
		snprintf(type, sizeof(type), "Content-Type: %s", call->media_type);
	sent.request.headers = call->media_type ? writing : reading;
	sent.request.ca_file = registry->ca_file;
	return send_authorised(registry, &sent, ret_response, err);
}

int registry_send(struct registry *registry, const struct registry_call *call, struct http_response *ret_response,
		  struct error *err)
{
	int tries_max = call->is_once ? 1 : registry->tries_max;

	for (int tries = 1;; tries++) {
		CLEANUP(http_response_clear) struct http_response response = { 0 };
		int rc = send_once(registry, call, &response, err);

		if (rc == 0 && !status_is_temporary(response.status)) {
			*ret_response = response;
			response = (struct http_response){ 0 };
			return 0;
		}
		if (rc < 0 && (err->code != ERR_UNAVAILABLE || tries >= tries_max))
			return strncmp(err->msg, "registry ", 9) == 0 ? -1
								      : error_wrap(err, "registry %s: %s %s",
										   registry->host, call->what,
										   call->subject);
		if (rc == 0 && tries >= tries_max)
			return registry_refuse(registry, call, &response, err);
		if (registry_wait(registry, tries, rc == 0 ? &response : NULL, err) < 0)
			return -1;
	}
}
