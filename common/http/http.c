/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One easy handle driven by one multi handle: curl_multi_wakeup is what lets another thread end a
 * call at once, and the loop between polls is where silence is measured (curl's own low-speed
 * limit is an average, so it cannot say "not one byte").
 */
#include "common/http/http.h"

#include <curl/curl.h>
#include <openssl/crypto.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/fault.h"
#include "common/mem.h"

#define RESPONSE_MAX_DEFAULT (4 * 1024 * 1024)
#define HEADERS_MAX (256 * 1024)
#define CONNECT_TIMEOUT_S 10
#define SILENCE_TIMEOUT_S 60
#define POLL_MAX_MS 60000

struct http {
	CURL *easy;
	CURLM *multi;
	atomic_bool is_aborted;
};

/* One call, from http_call's first line to its last. */
struct call {
	struct http *http;
	const struct http_request *request;
	struct http_response response;
	struct curl_slist *headers;
	int64_t body_offset;
	int64_t moved_bytes;
	int64_t moved_at_ms;
	bool has_body_begun;
	struct error stop; /* why we ended the transfer ourselves; code 0: we did not */
	char curl_text[CURL_ERROR_SIZE];
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void http_global_init(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

static void *or_die(void *handle)
{
	if (handle)
		return handle;
	fputs("out of memory\n", stderr);
	abort();
}

struct http *http_new(void)
{
	struct http *http = mem_alloc(sizeof(*http));

	http->easy = or_die(curl_easy_init());
	http->multi = or_die(curl_multi_init());
	return http;
}

void http_free(struct http *http)
{
	if (!http)
		return;
	curl_easy_cleanup(http->easy);
	curl_multi_cleanup(http->multi);
	mem_free(http);
}

void http_abort(struct http *http)
{
	atomic_store(&http->is_aborted, true);
	curl_multi_wakeup(http->multi);
}

static size_t on_header(char *data, size_t size, size_t count, void *arg)
{
	struct call *call = arg;
	size_t len = size * count;

	/* Each answer starts with its status line; what came before was a 1xx. Trailers are not headers. */
	if (len >= 5 && memcmp(data, "HTTP/", 5) == 0) {
		call->response.headers.len = 0;
		return len;
	}
	if (call->has_body_begun || len <= 2)
		return len;
	if (call->response.headers.len + len > HEADERS_MAX) {
		error_set(&call->stop, ERR_INVALID, "the response's headers are larger than %d bytes", HEADERS_MAX);
		return 0;
	}
	buf_append(&call->response.headers, data, len);
	return len;
}

static int64_t response_max(const struct http_request *request)
{
	return request->response_max > 0 ? request->response_max : RESPONSE_MAX_DEFAULT;
}

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
	struct call *call = arg;
	const struct http_request *request = call->request;
	size_t len = size * count;
	long status = 0;

	call->has_body_begun = true;
	curl_easy_getinfo(call->http->easy, CURLINFO_RESPONSE_CODE, &status);
	if (request->on_data && status >= 200 && status <= 299) {
		if (request->on_data(data, len, request->arg) == 0)
			return len;
		error_set(&call->stop, ERR_INVALID, "the transfer was ended by its receiver");
		return 0;
	}
	if ((int64_t)(call->response.body.len + len) > response_max(request)) {
		error_set(&call->stop, ERR_INVALID, "the response is larger than %lld bytes",
			  (long long)response_max(request));
		return 0;
	}
	buf_append(&call->response.body, data, len);
	return len;
}

static size_t on_read(char *data, size_t size, size_t count, void *arg)
{
	struct call *call = arg;
	int64_t left = call->request->body_fd_size - call->body_offset;
	size_t want = size * count;
	ssize_t got;

	if (left <= 0)
		return 0;
	if ((int64_t)want > left)
		want = (size_t)left;
	got = pread(call->request->body_fd, data, want, (off_t)call->body_offset);
	if (got <= 0) {
		error_set(&call->stop, ERR_IO, "the file to send ends at byte %lld of %lld or cannot be read",
			  (long long)call->body_offset, (long long)call->request->body_fd_size);
		return CURL_READFUNC_ABORT;
	}
	call->body_offset += got;
	return (size_t)got;
}

/* curl rewinds when a kept connection turns out to be closed and the request goes out again. */
static int on_seek(void *arg, curl_off_t offset, int origin)
{
	struct call *call = arg;

	if (origin != SEEK_SET)
		return CURL_SEEKFUNC_FAIL;
	call->body_offset = offset;
	return CURL_SEEKFUNC_OK;
}

static void call_clear(struct call *call)
{
	for (struct curl_slist *header = call->headers; header; header = header->next)
		OPENSSL_cleanse(header->data, strlen(header->data));
	curl_slist_free_all(call->headers);
	http_response_clear(&call->response);
}

static bool is_header_given(const struct http_request *request, const char *name)
{
	size_t len = strlen(name);

	for (const char *const *header = request->headers; header && *header; header++) {
		if (strncasecmp(*header, name, len) == 0 && (*header)[len] == ':')
			return true;
	}
	return false;
}

static void header_add(struct call *call, const char *text)
{
	struct curl_slist *longer = curl_slist_append(call->headers, text);

	call->headers = or_die(longer);
}

static void set_headers(struct call *call)
{
	const struct http_request *request = call->request;
	struct buf line = { 0 };

	for (const char *const *header = request->headers; header && *header; header++)
		header_add(call, *header);
	header_add(call, "Expect:");
	if (!is_header_given(request, "Content-Type"))
		header_add(call, "Content-Type:");
	if (request->bearer) {
		buf_printf(&line, "Authorization: Bearer %s", request->bearer);
		header_add(call, line.data);
		OPENSSL_cleanse(line.data, line.len);
		buf_clear(&line);
	}
	curl_easy_setopt(call->http->easy, CURLOPT_HTTPHEADER, call->headers);
	if (!request->bearer && request->username) {
		curl_easy_setopt(call->http->easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
		curl_easy_setopt(call->http->easy, CURLOPT_USERNAME, request->username);
		curl_easy_setopt(call->http->easy, CURLOPT_PASSWORD, request->password ? request->password : "");
	}
}

static void set_body(struct call *call)
{
	const struct http_request *request = call->request;
	const char *method = request->method ? request->method : "GET";
	CURL *easy = call->http->easy;

	if (request->has_body_fd) {
		curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)request->body_fd_size);
		curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 256L * 1024);
		curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
		curl_easy_setopt(easy, CURLOPT_READDATA, call);
		curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek);
		curl_easy_setopt(easy, CURLOPT_SEEKDATA, call);
	} else if (request->body || strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
		   strcmp(method, "PATCH") == 0) {
		curl_easy_setopt(easy, CURLOPT_POST, 1L);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body ? request->body : "");
	} else if (strcmp(method, "HEAD") == 0) {
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
		return;
	}
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
}

/* A proxy from the environment is for the world outside; it cannot reach our own loopback. */
static bool is_loopback(const char *url)
{
	const char *host = strstr(url, "://");

	host = host ? host + 3 : url;
	return strncmp(host, "127.", 4) == 0 || strncmp(host, "[::1]", 5) == 0 ||
	       (strncasecmp(host, "localhost", 9) == 0 && (host[9] == '\0' || strchr(":/?", host[9])));
}

static void set_options(struct call *call)
{
	const struct http_request *request = call->request;
	CURL *easy = call->http->easy;

	curl_easy_reset(easy);
	curl_easy_setopt(easy, CURLOPT_URL, request->url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "manifold/" MANIFOLD_VERSION);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->curl_text);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT,
			 (long)(request->connect_timeout_s > 0 ? request->connect_timeout_s : CONNECT_TIMEOUT_S));
	curl_easy_setopt(easy, CURLOPT_TIMEOUT, (long)(request->timeout_s > 0 ? request->timeout_s : 0));
	if (request->ca_file)
		curl_easy_setopt(easy, CURLOPT_CAINFO, request->ca_file);
	if (is_loopback(request->url))
		curl_easy_setopt(easy, CURLOPT_PROXY, "");
	set_headers(call);
	set_body(call);
}

/* Milliseconds until silence ends the call; 0 or less: now. */
static int64_t silence_left_ms(struct call *call)
{
	int limit_s = call->request->silence_timeout_s > 0 ? call->request->silence_timeout_s : SILENCE_TIMEOUT_S;
	curl_off_t down = 0, up = 0;
	int64_t moved;

	curl_easy_getinfo(call->http->easy, CURLINFO_SIZE_DOWNLOAD_T, &down);
	curl_easy_getinfo(call->http->easy, CURLINFO_SIZE_UPLOAD_T, &up);
	moved = down + up + (int64_t)call->response.headers.len;
	if (moved != call->moved_bytes) {
		call->moved_bytes = moved;
		call->moved_at_ms = now_ms();
	}
	return call->moved_at_ms + (int64_t)limit_s * 1000 - now_ms();
}

static int check_stop(struct call *call)
{
	if (atomic_load(&call->http->is_aborted))
		return error_set(&call->stop, ERR_UNAVAILABLE, "the call was stopped");
	if (silence_left_ms(call) <= 0)
		return error_set(&call->stop, ERR_UNAVAILABLE, "not one byte came or went for %d s",
				 call->request->silence_timeout_s > 0 ? call->request->silence_timeout_s
								      : SILENCE_TIMEOUT_S);
	return 0;
}

static CURLcode drive(struct call *call)
{
	CURLM *multi = call->http->multi;
	int running = 1;
	CURLMsg *msg;
	int left;

	call->moved_at_ms = now_ms();
	while (running) {
		int64_t wait_ms;

		if (curl_multi_perform(multi, &running) != CURLM_OK)
			return CURLE_FAILED_INIT;
		if (!running)
			break;
		if (check_stop(call) < 0)
			return CURLE_ABORTED_BY_CALLBACK;
		wait_ms = silence_left_ms(call);
		if (curl_multi_poll(multi, NULL, 0, wait_ms < POLL_MAX_MS ? (int)wait_ms : POLL_MAX_MS, NULL) != CURLM_OK)
			return CURLE_FAILED_INIT;
	}
	msg = curl_multi_info_read(multi, &left);
	return msg && msg->msg == CURLMSG_DONE ? msg->data.result : CURLE_FAILED_INIT;
}

static enum err_code code_of(CURLcode rc)
{
	switch (rc) {
	case CURLE_OUT_OF_MEMORY:
		return ERR_NO_MEMORY;
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_URL_MALFORMAT:
	case CURLE_LOGIN_DENIED:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
		return ERR_INVALID;
	case CURLE_FAILED_INIT:
		return ERR_INTERNAL;
	default:
		return ERR_UNAVAILABLE;
	}
}

/* Queries may carry signatures: no error shows one. */
static int call_fail(struct call *call, CURLcode rc, struct error *err)
{
	const char *url = call->request->url;
	const char *method = call->request->method ? call->request->method : "GET";
	int len = (int)strcspn(url, "?#");
	const char *why = call->curl_text[0] ? call->curl_text : curl_easy_strerror(rc);

	if (call->stop.code)
		return error_set(err, call->stop.code, "%s %.*s: %s", method, len, url, call->stop.msg);
	return error_set(err, code_of(rc), "%s %.*s: %s", method, len, url, why);
}

int http_call(struct http *http, const struct http_request *request, struct http_response *ret_response,
	      struct error *err)
{
	CLEANUP(call_clear) struct call call = { .http = http, .request = request };
	CURLcode rc;

	if (FAULT())
		return error_set(err, ERR_UNAVAILABLE, "%s: connection lost", request->url);
	set_options(&call);
	if (curl_multi_add_handle(http->multi, http->easy) != CURLM_OK)
		return error_set(err, ERR_INTERNAL, "%s: curl takes no further call", request->url);
	rc = drive(&call);
	curl_easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &call.response.status);
	curl_multi_remove_handle(http->multi, http->easy);
	curl_easy_reset(http->easy);
	if (rc != CURLE_OK || call.stop.code)
		return call_fail(&call, rc, err);

	*ret_response = call.response;
	call.response = (struct http_response){ 0 };
	return 0;
}
