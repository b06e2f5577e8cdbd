/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of common/wire only: what the texts of a spec may be. Each is ERR_INVALID with what it should be. */
#ifndef COMMON_WIRE_SPEC_CHECK_H
#define COMMON_WIRE_SPEC_CHECK_H

#include "common/error.h"

int spec_check_dockerfile(const char *path, struct error *err);
int spec_check_target(const char *name, struct error *err);
int spec_check_tag(const char *tag, struct error *err);

/* `member` is "build_args" or "labels". */
int spec_check_pair_name(const char *member, const char *name, struct error *err);

#endif
