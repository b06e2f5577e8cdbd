/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/args.h"

#include <stdlib.h>
#include <string.h>

int args_parse(const struct command *command, int argc, char **argv, const char *extra, struct args *ret_args)
{
	static const struct option flags[] = {
		{ "json", no_argument, NULL, 'j' }, { "raw", no_argument, NULL, 'r' },
		{ "follow", no_argument, NULL, 'f' }, { "platform", required_argument, NULL, 'p' },
		CLIENT_OPTIONS, { 0 },
	};
	struct args args = { 0 };
	int flag;

	while ((flag = getopt_long(argc, argv, "f", flags, NULL)) != -1) {
		if (client_flag(&args.client, flag, optarg))
			continue;
		if (flag == '?')
			return EXIT_USAGE;
		if (!strchr(extra, flag))
			return command_usage(command, "it has no such flag");
		args.is_json |= flag == 'j';
		args.is_raw |= flag == 'r';
		args.is_following |= flag == 'f';
		if (flag == 'p')
			args.platform = optarg;
	}
	if (argc - optind > 1)
		return command_usage(command, "unexpected word \"%s\"", argv[optind + 1]);
	args.word = argv[optind];
	*ret_args = args;
	return EXIT_OK;
}

int args_get(const struct command *command, struct args *args, const char *path, json_t **ret_root)
{
	struct client *client = NULL;
	struct error err;
	int rc;

	if (client_open(&args->client, &client, &err) < 0)
		return command_fail(command, &err);
	rc = client_get(client, path, ret_root, &err);
	client_close(client);
	return rc < 0 ? command_fail(command, &err) : EXIT_OK;
}

int args_build(const struct command *command, const struct args *args, int64_t *ret_build)
{
	char *end;
	long long build;

	if (!args->word)
		return command_usage(command, "which build? Give its number");
	build = strtoll(args->word, &end, 10);
	if (*end || build < 1)
		return command_usage(command, "\"%s\" is not the number of a build", args->word);
	*ret_build = build;
	return EXIT_OK;
}
