/* SPDX-License-Identifier: Apache-2.0 */
#include "common/oci/image_config.h"

#include <stdio.h>
#include <string.h>

#include "common/json/json.h"
#include "common/mem.h"
#include "common/oci/manifest.h"

#define WORDS_MAX 10000
#define WORD_MAX (128 * 1024)

static void words_free(char **words)
{
	for (char **word = words; word && *word; word++)
		mem_free(*word);
	mem_free(words);
}

void image_config_clear(struct image_config *config)
{
	mem_free(config->diff_ids);
	words_free(config->entrypoint);
	words_free(config->cmd);
	words_free(config->env);
	mem_free(config->working_dir);
	*config = (struct image_config){ .diff_ids = NULL };
}

/* An array of strings; absent and null are empty, as the engines write either. */
static int decode_words(const json_t *obj, const char *key, char ***ret_words, struct error *err)
{
	const json_t *array = json_object_get(obj, key);
	size_t count = json_array_size(array);
	char **words;

	if (array && !json_is_array(array) && !json_is_null(array))
		return error_set(err, ERR_INVALID, "image config: %s is not an array", key);
	if (count > WORDS_MAX)
		return error_set(err, ERR_INVALID, "image config: %s has more than %d members", key, WORDS_MAX);
	words = mem_alloc((count + 1) * sizeof(*words));
	for (size_t i = 0; i < count; i++) {
		const json_t *word = json_array_get(array, i);

		if (!json_is_string(word) || json_string_length(word) > WORD_MAX) {
			words_free(words);
			return error_set(err, ERR_INVALID, "image config: %s member %zu is not a text of at most %d bytes", key, i,
					 WORD_MAX);
		}
		words[i] = mem_strdup(json_string_value(word));
	}
	*ret_words = words;
	return 0;
}

static int decode_diff_ids(const json_t *root, struct image_config *config, struct error *err)
{
	const json_t *ids = json_object_get(json_object_get(root, "rootfs"), "diff_ids");
	size_t count = json_array_size(ids);

	if (ids && !json_is_array(ids) && !json_is_null(ids))
		return error_set(err, ERR_INVALID, "image config: rootfs.diff_ids is not an array");
	if (count > MANIFEST_LAYERS_MAX)
		return error_set(err, ERR_INVALID, "image config: %zu layers, %d are allowed", count, MANIFEST_LAYERS_MAX);
	config->diff_ids = mem_alloc(count * sizeof(*config->diff_ids));
	for (size_t i = 0; i < count; i++) {
		const char *id = json_string_value(json_array_get(ids, i));
		char where[48];

		snprintf(where, sizeof(where), "image config: diff_id %zu", i);
		if (digest_parse(id ? id : "", where, config->diff_ids[i], err) < 0)
			return -1;
	}
	config->diff_id_count = count;
	return 0;
}

static int decode_platform(const json_t *root, struct platform *ret_platform, struct error *err)
{
	char os[64], architecture[64], variant[64];

	if (json_get_text(root, "image config", "os", os, sizeof(os), err) < 0 ||
	    json_get_text(root, "image config", "architecture", architecture, sizeof(architecture), err) < 0 ||
	    json_get_text_or(root, "image config", "variant", variant, sizeof(variant), "", err) < 0)
		return -1;
	if (platform_from_parts(os, architecture, variant, ret_platform, err) < 0)
		return error_wrap(err, "image config");
	return 0;
}

int image_config_parse(const char *text, size_t len, struct image_config *ret_config, struct error *err)
{
	CLEANUP(image_config_clear) struct image_config config = { .diff_ids = NULL };
	json_auto_t *root = NULL;
	const json_t *run;
	const char *dir;

	if (len > IMAGE_CONFIG_MAX_BYTES)
		return error_set(err, ERR_INVALID, "image config: larger than 4 MiB");
	root = json_parse(text, len, err);
	if (!root)
		return error_wrap(err, "image config");
	if (!json_is_object(root))
		return error_set(err, ERR_INVALID, "image config: not an object");
	run = json_object_get(root, "config");
	if (decode_platform(root, &config.platform, err) < 0 || decode_diff_ids(root, &config, err) < 0 ||
	    decode_words(run, "Entrypoint", &config.entrypoint, err) < 0 ||
	    decode_words(run, "Cmd", &config.cmd, err) < 0 || decode_words(run, "Env", &config.env, err) < 0)
		return -1;
	dir = json_string_value(json_object_get(run, "WorkingDir"));
	config.working_dir = mem_strdup(dir && *dir ? dir : "/");
	*ret_config = config;
	config = (struct image_config){ .diff_ids = NULL };
	return 0;
}
