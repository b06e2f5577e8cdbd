/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/config.h"
#include "common/mem.h"

struct settings {
	char *url, *token, *token_file, *ca_file;
};

static const struct setting table[] = {
	{ "url", SETTING_TEXT, offsetof(struct settings, url), NULL, 0, 0, "of the coordinator" },
	{ "token", SETTING_TEXT, offsetof(struct settings, token), NULL, 0, 0, "bearer token" },
	{ "token-file", SETTING_TEXT, offsetof(struct settings, token_file), NULL, 0, 0, "file that holds the token" },
	{ "ca-file", SETTING_TEXT, offsetof(struct settings, ca_file), NULL, 0, 0, "CA certificates to trust" },
};

static const struct config_program program = {
	.name = "manifold",
	.usage = "manifold COMMAND [...]",
	.summary = "",
	.default_file = "/etc/manifold/manifold.conf",
	.settings = table,
	.count = sizeof(table) / sizeof(table[0]),
};

struct client {
	struct http *http;
	char *url, *token, *ca_file;
};

bool client_flag(struct client_flags *flags, int flag, char *value)
{
	static const char *const names[] = { "--url", "--token", "--token-file", "--config", "--ca-file" };
	size_t room = sizeof(flags->argv) / sizeof(flags->argv[0]);

	if (flag < CLIENT_FLAG_URL || flag > CLIENT_FLAG_CA_FILE)
		return false;
	if (flags->argc == 0)
		flags->argv[flags->argc++] = (char *)(uintptr_t)program.name;
	if ((size_t)flags->argc + 3 <= room) {
		flags->argv[flags->argc++] = (char *)(uintptr_t)names[flag - CLIENT_FLAG_URL];
		flags->argv[flags->argc++] = value;
	}
	return true;
}

static int read_token(const char *path, char **ret_token, struct error *err)
{
	char text[256];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	if (len < 0)
		return error_set(err, ERR_INVALID, "token-file %s: %s", path, strerror(errno));
	text[len] = '\0';
	text[strcspn(text, "\r\n \t")] = '\0';
	*ret_token = mem_strdup(text);
	return 0;
}

static int client_take_settings(struct client *client, struct settings *settings, struct error *err)
{
	if (!settings->url)
		return error_set(err, ERR_INVALID, "which coordinator? Give --url URL or set MANIFOLD_URL");
	if (!settings->token && settings->token_file &&
	    read_token(settings->token_file, &settings->token, err) < 0)
		return -1;
	if (!settings->token || !*settings->token)
		return error_set(err, ERR_INVALID, "no token: set MANIFOLD_TOKEN, or give --token-file FILE");
	client->url = TAKE(settings->url);
	client->token = TAKE(settings->token);
	client->ca_file = TAKE(settings->ca_file);
	for (size_t len = strlen(client->url); len && client->url[len - 1] == '/'; len--)
		client->url[len - 1] = '\0';
	return 0;
}

DEFINE_CLEANUP(struct client *, client_close)

int client_open(struct client_flags *flags, struct client **ret_client, struct error *err)
{
	CLEANUP(client_closep) struct client *client = mem_alloc(sizeof(*client));
	struct settings settings = { 0 };
	int rest, rc;

	if (flags->argc == 0)
		flags->argv[flags->argc++] = (char *)(uintptr_t)program.name;
	flags->argv[flags->argc] = NULL;
	if (config_load(&program, &settings, flags->argc, flags->argv, &rest, err) < 0)
		return -1;
	rc = client_take_settings(client, &settings, err);
	config_clear(&program, &settings);
	if (rc < 0)
		return -1;
	client->http = http_new();
	*ret_client = TAKE(client);
	return 0;
}

struct client *client_copy(const struct client *client)
{
	struct client *copy = mem_alloc(sizeof(*copy));

	copy->http = http_new();
	copy->url = mem_strdup(client->url);
	copy->token = mem_strdup(client->token);
	copy->ca_file = mem_strdup(client->ca_file);
	return copy;
}

void client_close(struct client *client)
{
	if (!client)
		return;
	http_free(client->http);
	if (client->token)
		explicit_bzero(client->token, strlen(client->token));
	mem_free(client->token);
	mem_free(client->url);
	mem_free(client->ca_file);
	mem_free(client);
}

void client_abort(struct client *client)
{
	http_abort(client->http);
}

static enum err_code code_of_status(long status)
{
	switch (status) {
	case 401:
	case 403:
		return ERR_DENIED;
	case 404:
		return ERR_NOT_FOUND;
	case 409:
		return ERR_CONFLICT;
	case 408:
	case 429:
		return ERR_UNAVAILABLE;
	default:
		return status >= 500 ? ERR_UNAVAILABLE : ERR_INVALID;
	}
}

/* The coordinator's own words when it has some, else the status. */
static int fail_of_response(const struct client *client, const struct http_response *response, struct error *err)
{
	struct error ignored;
	json_auto_t *root = json_parse(buf_text(&response->body), response->body.len, &ignored);
	const char *message = json_string_value(json_object_get(json_object_get(root, "error"), "message"));

	if (message)
		return error_set(err, code_of_status(response->status), "%s", message);
	return error_set(err, code_of_status(response->status), "%s answered %ld", client->url, response->status);
}

static int client_call(struct client *client, const char *path, struct http_request *request,
		       struct http_response *ret_response, struct error *err)
{
	CLEANUP(buf_clear) struct buf url = { 0 };

	buf_printf(&url, "%s%s", client->url, path);
	request->url = url.data;
	request->bearer = client->token;
	request->ca_file = client->ca_file;
	return http_call(client->http, request, ret_response, err);
}

static int client_json(struct client *client, const char *path, struct http_request *request, json_t **ret_root,
		       struct error *err)
{
	CLEANUP(http_response_clear) struct http_response response = { 0 };
	json_t *root;

	request->response_max = 64 << 20;
	if (client_call(client, path, request, &response, err) < 0)
		return -1;
	if (response.status < 200 || response.status > 299)
		return fail_of_response(client, &response, err);
	root = json_parse(buf_text(&response.body), response.body.len, err);
	if (!root)
		return error_wrap(err, "%s%s did not answer in JSON", client->url, path);
	*ret_root = root;
	return 0;
}

int client_get(struct client *client, const char *path, json_t **ret_root, struct error *err)
{
	struct http_request request = { 0 };

	return client_json(client, path, &request, ret_root, err);
}

int client_post(struct client *client, const char *path, const char *body, json_t **ret_root, struct error *err)
{
	static const char *const headers[] = { "Content-Type: application/json", "Expect:", NULL };
	struct http_request request = {
		.method = "POST", .headers = headers, .body = body, .body_len = strlen(body),
	};

	return client_json(client, path, &request, ret_root, err);
}

int client_head(struct client *client, const char *path, struct error *err)
{
	CLEANUP(http_response_clear) struct http_response response = { 0 };
	struct http_request request = { .method = "HEAD" };

	if (client_call(client, path, &request, &response, err) < 0)
		return -1;
	if (response.status == 404)
		return CLIENT_ABSENT;
	if (response.status != 200)
		return fail_of_response(client, &response, err);
	return 0;
}

int client_put_fd(struct client *client, const char *path, int fd, int64_t size, struct error *err)
{
	static const char *const headers[] = { "Content-Type: application/x-tar", "Expect:", NULL };
	CLEANUP(http_response_clear) struct http_response response = { 0 };
	struct http_request request = {
		.method = "PUT", .headers = headers, .has_body_fd = true, .body_fd = fd, .body_fd_size = size,
	};

	if (client_call(client, path, &request, &response, err) < 0)
		return -1;
	if (response.status < 200 || response.status > 299)
		return fail_of_response(client, &response, err);
	return 0;
}

int client_stream(struct client *client, const char *path, const struct client_stream *stream, struct error *err)
{
	CLEANUP(http_response_clear) struct http_response response = { 0 };
	struct http_request request = {
		.on_data = stream->on_data, .arg = stream->arg, .silence_timeout_s = 24 * 3600,
	};

	if (client_call(client, path, &request, &response, err) < 0)
		return -1;
	if (response.status != 200)
		return fail_of_response(client, &response, err);
	return 0;
}
