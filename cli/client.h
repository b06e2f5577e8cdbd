/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The coordinator's REST API as the commands see it. Settings (url, token) come from flags, MANIFOLD_URL,
 * MANIFOLD_TOKEN and the config file. One client per thread; client_copy makes another for a thread.
 */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include <getopt.h>

#include "common/http/http.h"
#include "common/json/json.h"

struct client;

/* Flags every command takes, as getopt_long entries; their values are collected in struct client_flags. */
#define CLIENT_FLAG_URL 1001
#define CLIENT_FLAG_TOKEN 1002
#define CLIENT_FLAG_TOKEN_FILE 1003
#define CLIENT_FLAG_CONFIG 1004
#define CLIENT_FLAG_CA_FILE 1005
#define CLIENT_OPTIONS \
	{ "url", required_argument, NULL, CLIENT_FLAG_URL }, \
	{ "token", required_argument, NULL, CLIENT_FLAG_TOKEN }, \
	{ "token-file", required_argument, NULL, CLIENT_FLAG_TOKEN_FILE }, \
	{ "config", required_argument, NULL, CLIENT_FLAG_CONFIG }, \
	{ "ca-file", required_argument, NULL, CLIENT_FLAG_CA_FILE }

struct client_flags {
	char *argv[16]; /* as config_load wants them */
	int argc;
};

/* True when flag was one of CLIENT_OPTIONS and was kept. value is borrowed until client_open. */
bool client_flag(struct client_flags *flags, int flag, char *value);

/* ERR_INVALID when there is no url or token, saying how to give them. */
int client_open(struct client_flags *flags, struct client **ret_client, struct error *err);
struct client *client_copy(const struct client *client);
void client_close(struct client *client);
void client_abort(struct client *client); /* from another thread: its calls end now */

/*
 * Calls and gives the JSON body of a 2xx (json_decref). Other statuses become errors with the coordinator's
 * own words: 400, 422 ERR_INVALID, 409 ERR_CONFLICT, 401, 403 ERR_DENIED, 404 ERR_NOT_FOUND,
 * 5xx and network ERR_UNAVAILABLE.
 */
int client_get(struct client *client, const char *path, json_t **ret_root, struct error *err);
int client_post(struct client *client, const char *path, const char *body, json_t **ret_root, struct error *err);

#define CLIENT_ABSENT 1
int client_head(struct client *client, const char *path, struct error *err); /* 0, CLIENT_ABSENT, -1 */
int client_put_fd(struct client *client, const char *path, int fd, int64_t size, struct error *err);

struct client_stream {
	int (*on_data)(const char *data, size_t len, void *arg);
	void *arg;
};
/* Streams a text body; 0 when it ended in order. */
int client_stream(struct client *client, const char *path, const struct client_stream *stream, struct error *err);

#endif
