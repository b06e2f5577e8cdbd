/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/args.h"
#include "cli/job_view.h"
#include "cli/table.h"
#include "common/mem.h"
#include "common/oci/auth.h"
#include "common/oci/image_config.h"
#include "common/oci/index.h"
#include "common/oci/manifest.h"
#include "common/oci/reference.h"
#include "common/oci/registry.h"

struct inspection {
	struct reference reference;
	struct registry *registry;
	struct registry_manifest manifest; /* what the name stands for: an index or one image */
	struct index_entry *entries;       /* of the index, or the one image */
	size_t entry_count;
};

static void inspection_clear(struct inspection *inspection)
{
	registry_manifest_clear(&inspection->manifest);
	mem_free(inspection->entries);
	registry_close(inspection->registry);
}

/* The user's own docker login for this registry, when there is one. */
static int open_registry(const struct reference *reference, struct registry **ret_registry, struct error *err)
{
	CLEANUP(credential_clear) struct credential login = { 0 };
	CLEANUP(auth_freep) struct auth *auth = NULL;
	CLEANUP(buf_clear) struct buf path = { 0 };
	const char *dir = getenv("DOCKER_CONFIG");
	const char *home = getenv("HOME");
	struct registry_options options = { .host = reference->host };

	if (dir)
		buf_printf(&path, "%s/config.json", dir);
	else
		buf_printf(&path, "%s/.docker/config.json", home ? home : "");
	if (auth_load(path.data, &auth, err) < 0 && err->code != ERR_NOT_FOUND)
		return -1;
	if (auth && auth_find(auth, reference->host, reference->path, &login, err) < 0)
		return -1;
	options.username = login.username;
	options.password = login.password;
	return registry_open(&options, ret_registry, err);
}

/* An image without an index is shown as an index of one; its platform is in its config. */
static int take_single(struct inspection *in, struct error *err)
{
	CLEANUP(manifest_clear) struct manifest manifest = { 0 };
	CLEANUP(image_config_clear) struct image_config config = { 0 };
	CLEANUP(buf_clear) struct buf text = { 0 };

	if (manifest_parse(buf_text(&in->manifest.body), in->manifest.body.len, in->manifest.descriptor.media_type,
			   &manifest, err) < 0 ||
	    registry_get_blob(in->registry, in->reference.path, &manifest.config, &text, err) < 0 ||
	    image_config_parse(buf_text(&text), text.len, &config, err) < 0)
		return -1;
	in->entries = mem_alloc(sizeof(*in->entries));
	in->entry_count = 1;
	in->entries[0].descriptor = in->manifest.descriptor;
	in->entries[0].platform = config.platform;
	in->entries[0].has_platform = true;
	return 0;
}

static int inspect(struct inspection *in, struct error *err)
{
	const char *name = *in->reference.digest ? in->reference.digest : in->reference.tag;

	if (open_registry(&in->reference, &in->registry, err) < 0 ||
	    registry_get_manifest(in->registry, in->reference.path, name, &in->manifest, err) < 0)
		return -1;
	if (!media_type_is_index(in->manifest.descriptor.media_type))
		return take_single(in, err);
	return index_parse(buf_text(&in->manifest.body), in->manifest.body.len, in->manifest.descriptor.media_type,
			   &in->entries, &in->entry_count, err);
}

/* Layers and compressed bytes of one image of the index. */
static int size_of(struct inspection *in, const struct index_entry *entry, size_t *ret_layers, int64_t *ret_bytes,
		   struct error *err)
{
	CLEANUP(registry_manifest_clear) struct registry_manifest raw = { 0 };
	CLEANUP(manifest_clear) struct manifest manifest = { 0 };
	int64_t bytes = 0;

	if (registry_get_manifest(in->registry, in->reference.path, entry->descriptor.digest, &raw, err) < 0 ||
	    manifest_parse(buf_text(&raw.body), raw.body.len, raw.descriptor.media_type, &manifest, err) < 0)
		return -1;
	for (size_t i = 0; i < manifest.layer_count; i++)
		bytes += manifest.layers[i].size_bytes;
	*ret_layers = manifest.layer_count;
	*ret_bytes = bytes;
	return 0;
}

static void platform_of(const struct index_entry *entry, char text[PLATFORM_TEXT_MAX])
{
	if (entry->has_platform)
		platform_format(&entry->platform, text);
	else
		snprintf(text, PLATFORM_TEXT_MAX, "%.40s", *entry->reference_type ? entry->reference_type : "unknown");
}

static int print_table(struct inspection *in, struct error *err)
{
	static const char *const titles[] = { "PLATFORM", "LAYERS", "SIZE", "DIGEST", NULL };
	struct table *table;
	char name[REFERENCE_TEXT_MAX];
	int rc = 0;

	reference_format(&in->reference, name);
	printf("name    %s\ndigest  %s\ntype    %s\n\n", name, in->manifest.descriptor.digest,
	       in->manifest.descriptor.media_type);
	table = table_new(titles);
	for (size_t i = 0; rc == 0 && i < in->entry_count; i++) {
		char platform[PLATFORM_TEXT_MAX], layers[32], size[32];
		int64_t bytes = 0;
		size_t count = 0;

		rc = in->entries[i].has_platform ? size_of(in, &in->entries[i], &count, &bytes, err) : 0;
		platform_of(&in->entries[i], platform);
		snprintf(layers, sizeof(layers), "%zu", count);
		view_size(bytes, size, sizeof(size));
		table_cell(table, platform);
		table_cell(table, layers);
		table_cell(table, size);
		table_cell(table, in->entries[i].descriptor.digest);
	}
	if (rc == 0)
		table_print(table, stdout);
	table_free(table);
	return rc;
}

static void print_json(const struct inspection *in)
{
	char name[REFERENCE_TEXT_MAX];
	json_t *list = json_array();
	json_t *root;

	reference_format(&in->reference, name);
	for (size_t i = 0; i < in->entry_count; i++) {
		const struct index_entry *entry = &in->entries[i];
		char platform[PLATFORM_TEXT_MAX];

		platform_of(entry, platform);
		json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:I}", "platform", platform, "digest",
						      entry->descriptor.digest, "media_type",
						      entry->descriptor.media_type, "size",
						      (json_int_t)entry->descriptor.size_bytes));
	}
	root = json_pack("{s:s, s:s, s:s, s:o}", "name", name, "digest", in->manifest.descriptor.digest, "media_type",
			 in->manifest.descriptor.media_type, "manifests", list);
	view_json(root);
	json_decref(root);
}

static int inspect_run(const struct command *command, int argc, char **argv)
{
	CLEANUP(inspection_clear) struct inspection in = { 0 };
	struct args args;
	struct error err;
	int rc = args_parse(command, argc, argv, "jr", &args);

	if (rc != EXIT_OK)
		return rc;
	if (!args.word)
		return command_usage(command, "which image? Give its name");
	if (reference_parse(args.word, &in.reference, &err) < 0 || inspect(&in, &err) < 0)
		return command_fail(command, &err);
	if (args.is_raw)
		fwrite(buf_text(&in.manifest.body), 1, in.manifest.body.len, stdout);
	else if (args.is_json)
		print_json(&in);
	else if (print_table(&in, &err) < 0)
		return command_fail(command, &err);
	return EXIT_OK;
}

static const struct command inspect_command = {
	.name = "inspect",
	.usage = "[--json | --raw] IMAGE",
	.summary = "what a name in a registry stands for: its platforms and digests",
	.help = "      --json            name, digest and platforms\n"
		"      --raw             the index, byte for byte\n"
		"The registry is asked directly, with the login docker keeps for it, if any.\n",
	.run = inspect_run,
};

const struct command *cmd_inspect(void)
{
	return &inspect_command;
}
