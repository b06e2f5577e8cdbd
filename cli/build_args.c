/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/build_args.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/mem.h"

#define FLAG_BUILD_ARG 2001
#define FLAG_LABEL 2002
#define FLAG_TARGET 2003
#define FLAG_PLATFORM 2004
#define FLAG_PUSH 2005
#define FLAG_NO_PUSH 2006
#define FLAG_JSON 2007

/* CONTEXT and -f as given: the spec wants the Dockerfile's path inside the context. */
struct words {
	const struct command *command;
	struct build_args *args;
	const char *file;
	bool is_push, is_no_push;
};

static int add_platforms(struct words *words, const char *list)
{
	CLEANUP(mem_freep) char *copy = mem_strdup(list);
	struct build_spec *spec = &words->args->spec;
	struct error err;
	char *rest = copy, *one;

	while ((one = strsep(&rest, ","))) {
		if (spec->platform_count == SPEC_PLATFORMS_MAX)
			return command_usage(words->command, "--platform: more than %d", SPEC_PLATFORMS_MAX);
		if (platform_parse(one, &spec->platforms[spec->platform_count], &err) < 0)
			return command_usage(words->command, "--platform: %s", err.msg);
		spec->platform_count++;
	}
	return EXIT_OK;
}

static int add_tag(struct words *words, const char *tag)
{
	struct build_spec *spec = &words->args->spec;

	if (spec->tag_count == SPEC_TAGS_MAX)
		return command_usage(words->command, "-t: more than %d", SPEC_TAGS_MAX);
	spec->tags[spec->tag_count++] = mem_strdup(tag);
	return EXIT_OK;
}

/* A later one of the same name wins, as in docker. */
static void set_pair(struct spec_pair **list, size_t *count, char *name, char *value)
{
	for (size_t i = 0; i < *count; i++) {
		if (strcmp((*list)[i].name, name) == 0) {
			mem_free((*list)[i].value);
			mem_free(name);
			(*list)[i].value = value;
			return;
		}
	}
	*list = mem_realloc(*list, (*count + 1) * sizeof(**list));
	(*list)[(*count)++] = (struct spec_pair){ name, value };
}

static int add_pair(struct words *words, const char *text, bool is_build_arg)
{
	struct build_spec *spec = &words->args->spec;
	const char *equals = strchr(text, '=');
	const char *value = equals ? equals + 1 : is_build_arg ? getenv(text) : NULL;
	size_t len = equals ? (size_t)(equals - text) : strlen(text);

	if (!len || (!is_build_arg && !equals))
		return command_usage(words->command, "--%s: \"%s\" is not NAME=VALUE",
				     is_build_arg ? "build-arg" : "label", text);
	if (!value)
		return EXIT_OK; /* not in the environment: as if not given, like docker */
	if (is_build_arg)
		set_pair(&spec->build_args, &spec->build_arg_count, mem_strndup(text, len), mem_strdup(value));
	else
		set_pair(&spec->labels, &spec->label_count, mem_strndup(text, len), mem_strdup(value));
	return EXIT_OK;
}

static int take_flag(struct words *words, int flag, char *value)
{
	struct build_args *args = words->args;

	if (client_flag(&args->client, flag, value))
		return EXIT_OK;
	switch (flag) {
	case 'f': words->file = value; return EXIT_OK;
	case 't': return add_tag(words, value);
	case 'd': args->is_detached = true; return EXIT_OK;
	case 'q': args->is_quiet = true; return EXIT_OK;
	case FLAG_PLATFORM: return add_platforms(words, value);
	case FLAG_BUILD_ARG: return add_pair(words, value, true);
	case FLAG_LABEL: return add_pair(words, value, false);
	case FLAG_TARGET:
		mem_free(args->spec.target);
		args->spec.target = mem_strdup(value);
		return EXIT_OK;
	case FLAG_PUSH: words->is_push = true; return EXIT_OK;
	case FLAG_NO_PUSH: words->is_no_push = true; return EXIT_OK;
	case FLAG_JSON: args->is_json = true; return EXIT_OK;
	default: return EXIT_USAGE; /* getopt has said it */
	}
}

/* -f is a path of the user's; it must lie inside the context. */
static int find_dockerfile(struct words *words)
{
	CLEANUP(mem_freep) char *dir = realpath(words->args->dir, NULL);
	CLEANUP(mem_freep) char *file = words->file ? realpath(words->file, NULL) : NULL;
	size_t len = dir ? strlen(dir) : 0;

	if (!words->file) {
		words->args->spec.dockerfile = mem_strdup("Dockerfile");
		return EXIT_OK;
	}
	if (!file)
		return command_usage(words->command, "-f %s: there is no such file", words->file);
	if (!dir || strncmp(file, dir, len) != 0 || (len > 1 && file[len] != '/'))
		return command_usage(words->command, "-f %s: it is not inside the context %s", words->file,
				     words->args->dir);
	words->args->spec.dockerfile = mem_strdup(file + len + (len > 1 ? 1 : 0));
	return EXIT_OK;
}

static int check(struct words *words)
{
	struct build_args *args = words->args;
	struct stat st;

	if (words->is_push && words->is_no_push)
		return command_usage(words->command, "--push and --no-push contradict each other");
	if (args->spec.platform_count == 0)
		return command_usage(words->command, "which platforms? Give --platform linux/amd64,linux/arm64");
	if (args->spec.tag_count == 0 && !words->is_no_push)
		return command_usage(words->command, "publish where? Give -t NAME:TAG, or --no-push");
	if (stat(args->dir, &st) < 0 || !S_ISDIR(st.st_mode))
		return command_usage(words->command, "%s: there is no such directory", args->dir);
	for (size_t i = 0; words->is_no_push && i < args->spec.tag_count; i++)
		mem_free(args->spec.tags[i]);
	if (words->is_no_push)
		args->spec.tag_count = 0;
	return find_dockerfile(words);
}

int build_args_parse(const struct command *command, int argc, char **argv, struct build_args *ret_args)
{
	static const struct option flags[] = {
		{ "file", required_argument, NULL, 'f' }, { "tag", required_argument, NULL, 't' },
		{ "platform", required_argument, NULL, FLAG_PLATFORM },
		{ "build-arg", required_argument, NULL, FLAG_BUILD_ARG },
		{ "label", required_argument, NULL, FLAG_LABEL }, { "target", required_argument, NULL, FLAG_TARGET },
		{ "push", no_argument, NULL, FLAG_PUSH }, { "no-push", no_argument, NULL, FLAG_NO_PUSH },
		{ "detach", no_argument, NULL, 'd' }, { "quiet", no_argument, NULL, 'q' },
		{ "json", no_argument, NULL, FLAG_JSON }, CLIENT_OPTIONS, { 0 },
	};
	struct words words = { .command = command, .args = ret_args };
	int flag, rc;

	while ((flag = getopt_long(argc, argv, "f:t:dq", flags, NULL)) != -1) {
		rc = take_flag(&words, flag, optarg);
		if (rc != EXIT_OK)
			return rc;
	}
	if (argc - optind != 1)
		return command_usage(command, argc == optind ? "which context? Give a directory, e.g. ." :
				     "one context, please: there are %d words", argc - optind);
	ret_args->dir = argv[optind];
	return check(&words);
}

void build_args_clear(struct build_args *args)
{
	spec_clear(&args->spec);
}
