/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/core/tag.h"

#include <string.h>

#include "common/mem.h"
#include "coordinator/core/pass.h"
#include "coordinator/core/text.h"

const char *tag_name(const char *reference)
{
	const char *slash = strrchr(reference, '/');
	const char *colon = slash && !strchr(slash, '@') ? strchr(slash, ':') : NULL;

	return colon && colon[1] ? colon + 1 : NULL;
}

bool tag_repository(const char *reference, char ret_repository[REPOSITORY_MAX])
{
	const char *name = tag_name(reference);
	size_t len = name ? (size_t)(name - 1 - reference) : 0;

	if (len == 0 || len >= REPOSITORY_MAX)
		return false;
	memcpy(ret_repository, reference, len);
	ret_repository[len] = '\0';
	return true;
}

size_t tag_repositories(const struct build *build, char (*ret_list)[REPOSITORY_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < build->tag_count; i++) {
		size_t known = 0;

		if (!tag_repository(build->tags[i]->row.reference, ret_list[count]))
			continue;
		while (strcmp(ret_list[known], ret_list[count]) != 0)
			known++;
		if (known == count)
			count++;
	}
	return count;
}

static struct head *head_find(const struct core *core, const char *reference)
{
	struct head *head = map_get(&core->head_by_hash, hash_text(0, reference));

	while (head && strcmp(head->reference, reference) != 0)
		head = head->same_hash;
	return head;
}

static struct head *head_use(struct core *core, const char *reference)
{
	int64_t hash = hash_text(0, reference);
	struct head *head = head_find(core, reference);

	if (!head) {
		head = mem_alloc(sizeof(*head));
		head->reference = mem_strdup(reference);
		head->same_hash = map_get(&core->head_by_hash, hash);
		map_put(&core->head_by_hash, hash, head);
	}
	head->user_count++;
	return head;
}

static void head_unuse(struct core *core, struct head *head)
{
	int64_t hash = hash_text(0, head->reference);
	struct head *first = map_get(&core->head_by_hash, hash);

	if (--head->user_count > 0)
		return;
	if (first != head) {
		while (first->same_hash != head)
			first = first->same_hash;
		first->same_hash = head->same_hash;
	} else if (head->same_hash) {
		map_put(&core->head_by_hash, hash, head->same_hash);
	} else {
		map_remove(&core->head_by_hash, hash);
	}
	mem_free(head->reference);
	mem_free(head);
}

static void head_learn(struct head *head, const struct tag_row *moved)
{
	if (moved->build < head->build)
		return;
	head->build = moved->build;
	text_format(head->digest, sizeof(head->digest), "%s", moved->digest);
}

struct tag *tag_new(struct core *core, struct build *build, const struct tag_row *row)
{
	struct tag *tag = mem_alloc(sizeof(*tag));

	tag->row = *row;
	tag->build = build;
	tag->head = head_use(core, row->reference);
	if (row->state == TAG_MOVED)
		head_learn(tag->head, row);
	build->tags[build->tag_count++] = tag;
	return tag;
}

void tag_forget(struct core *core, struct tag *tag)
{
	head_unuse(core, tag->head);
	mem_free(tag);
}

void tag_learn_head(struct core *core, const struct tag_row *moved)
{
	struct head *head = head_find(core, moved->reference);

	if (head)
		head_learn(head, moved);
}

void tag_moved(struct core *core, struct tag *tag, const char *digest)
{
	tag_move(&tag->row.state, TAG_MOVED);
	text_format(tag->row.digest, sizeof(tag->row.digest), "%s", digest);
	tag->row.moved_ms = core->now.wall_ms;
	head_learn(tag->head, &tag->row);
	pass_touch_tag(core, tag);
	pass_note(core, subject_build(tag->build), "tag.moved", "%s moved to %s", tag->row.reference, digest);
}

void tag_superseded(struct core *core, struct tag *tag)
{
	tag_move(&tag->row.state, TAG_SUPERSEDED);
	text_format(tag->row.reason, sizeof(tag->row.reason), "build %lld, which is newer, moved it to %s",
		    (long long)tag->head->build, tag->head->digest);
	pass_touch_tag(core, tag);
	pass_note(core, subject_build(tag->build), "tag.superseded", "%s: %s", tag->row.reference, tag->row.reason);
}

void tag_failed(struct core *core, struct tag *tag, const char *reason)
{
	tag_move(&tag->row.state, TAG_FAILED);
	text_format(tag->row.reason, sizeof(tag->row.reason), "%s", reason);
	pass_touch_tag(core, tag);
	pass_note(core, subject_build(tag->build), "tag.failed", "%s: %s", tag->row.reference, reason);
}
