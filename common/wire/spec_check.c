/* SPDX-License-Identifier: Apache-2.0 */
#include "common/wire/spec_check.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "common/wire/spec.h"

#define DOCKERFILE_PATH_MAX 1024
#define TARGET_MAX 128
#define PAIR_NAME_MAX 256

static bool has_control(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	return false;
}

static bool leaves_folder(const char *path)
{
	while (*path) {
		size_t len = strcspn(path, "/");

		if (len == 2 && path[0] == '.' && path[1] == '.')
			return true;
		path += len;
		path += strspn(path, "/");
	}
	return false;
}

int spec_check_dockerfile(const char *path, struct error *err)
{
	size_t len = strlen(path);

	if (len == 0 || len > DOCKERFILE_PATH_MAX || has_control(path) || path[len - 1] == '/')
		return error_set(err, ERR_INVALID, "build: \"dockerfile\" must be the path of a file inside the context, "
				 "at most %d bytes", DOCKERFILE_PATH_MAX);
	if (path[0] == '/')
		return error_set(err, ERR_INVALID, "build: \"dockerfile\" is \"%.128s\", must be relative to the context",
				 path);
	if (leaves_folder(path))
		return error_set(err, ERR_INVALID, "build: \"dockerfile\" is \"%.128s\", must stay inside the context",
				 path);
	return 0;
}

int spec_check_target(const char *name, struct error *err)
{
	bool is_plain = isalnum((unsigned char)name[0]) && strlen(name) <= TARGET_MAX;

	for (const char *p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("._-", *p))
			is_plain = false;
	if (!is_plain)
		return error_set(err, ERR_INVALID, "build: \"target\" is \"%.128s\", must be the name or number of a stage",
				 name);
	return 0;
}

int spec_check_tag(const char *tag, struct error *err)
{
	if (strlen(tag) >= REFERENCE_TEXT_MAX)
		return error_set(err, ERR_INVALID, "build: \"tags\" holds one of %zu bytes, at most %d are taken",
				 strlen(tag), REFERENCE_TEXT_MAX - 1);
	if (!isalnum((unsigned char)tag[0]) || has_control(tag) || strpbrk(tag, " @"))
		return error_set(err, ERR_INVALID, "build: \"tags\" holds \"%.128s\", must be like host/path:tag", tag);
	return 0;
}

int spec_check_pair_name(const char *member, const char *name, struct error *err)
{
	if (!*name || strlen(name) > PAIR_NAME_MAX || has_control(name) || strpbrk(name, " ="))
		return error_set(err, ERR_INVALID, "build: \"%s\" holds the name \"%.64s\", must be 1 to %d bytes with no "
				 "blank and no '='", member, name, PAIR_NAME_MAX);
	return 0;
}
