/* SPDX-License-Identifier: Apache-2.0 */
/* The words of `manifold build`, as docker buildx build takes them, made into a build_spec. */
#ifndef CLI_BUILD_ARGS_H
#define CLI_BUILD_ARGS_H

#include "cli/client.h"
#include "cli/command.h"
#include "common/wire/spec.h"

struct build_args {
	struct client_flags client;
	struct build_spec spec;   /* all but the context's digest */
	const char *dir;          /* the context */
	bool is_json, is_quiet, is_detached;
};

/* EXIT_OK, or the status to leave with (said on stderr). build_args_clear in any case. */
int build_args_parse(const struct command *command, int argc, char **argv, struct build_args *ret_args);
void build_args_clear(struct build_args *args);

/* The flags, a line each. */
#define BUILD_ARGS_HELP \
	"  -f, --file FILE       the Dockerfile; default CONTEXT/Dockerfile\n" \
	"  -t, --tag NAME:TAG    where to publish; may be given several times\n" \
	"      --platform P,P    the platforms to build: linux/amd64,linux/arm64\n" \
	"      --build-arg K=V   for ARG in the Dockerfile; K alone takes it from the environment\n" \
	"      --label K=V       of the image\n" \
	"      --target STAGE    build up to this stage\n" \
	"      --push            publish the tags (the default)\n" \
	"      --no-push         build and check, publish nothing\n" \
	"  -d, --detach          print the build's number and do not wait\n" \
	"  -q, --quiet           no logs; only the index digest\n" \
	"      --json            the final build, as the API gives it\n"

#endif
