/* SPDX-License-Identifier: Apache-2.0 */
/* References, their tags and their heads. Private to this folder. */
#ifndef COORDINATOR_CORE_TAG_H
#define COORDINATOR_CORE_TAG_H

#include "coordinator/core/state.h"

/* host[:port]/path of host[:port]/path:tag; false when that is not what it is. */
bool tag_repository(const char *reference, char ret_repository[REPOSITORY_MAX]);
const char *tag_name(const char *reference); /* what follows the colon; NULL when nothing does */

/* The distinct repositories of a build, in the order of its tags. */
size_t tag_repositories(const struct build *build, char (*ret_list)[REPOSITORY_MAX]);

struct tag *tag_new(struct core *core, struct build *build, const struct tag_row *row);
void tag_forget(struct core *core, struct tag *tag);

/* A tag that has moved, of any build: does it matter to one at work? */
void tag_learn_head(struct core *core, const struct tag_row *moved);

/* Each is told in history. */
void tag_moved(struct core *core, struct tag *tag, const char *digest);
void tag_superseded(struct core *core, struct tag *tag);
void tag_failed(struct core *core, struct tag *tag, const char *reason);

#endif
