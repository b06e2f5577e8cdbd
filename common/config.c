/* SPDX-License-Identifier: Apache-2.0 */
#include "common/config.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/config_value.h"
#include "common/mem.h"
#include "common/nearest.h"
#include "common/version.h"

#define NAME_SIZE 64
#define LINE_SIZE 4096

/* '_' and '-' are the same, case counts not: one name in all three notations. */
static bool is_same_name(const char *a, const char *b)
{
	for (; *a && *b; a++, b++)
		if (*a != *b && !(strchr("-_", *a) && strchr("-_", *b)))
			return false;
	return *a == *b;
}

static const struct setting *find(const struct config_program *program, const char *name)
{
	for (size_t i = 0; i < program->count; i++)
		if (is_same_name(program->settings[i].name, name))
			return &program->settings[i];
	return NULL;
}

static int refuse_unknown(const struct config_program *program, const char *where, const char *prefix, const char *name,
			  struct error *err)
{
	CLEANUP(mem_freep) const char **known = mem_alloc((program->count + 1) * sizeof(*known));
	const char *meant;

	for (size_t i = 0; i < program->count; i++)
		known[i] = program->settings[i].name;
	known[program->count] = "config";
	meant = nearest_name(name, known, program->count + 1);
	if (!meant)
		return error_set(err, ERR_INVALID, "%s: unknown setting %s%.64s; --help lists all", where, prefix, name);
	return error_set(err, ERR_INVALID, "%s: unknown setting %s%.64s, did you mean %s%s?", where, prefix, name, prefix,
			 meant);
}

/* The file: inih has no line numbers to give, but it takes each line from our reader just before it calls us. */
struct file_reading {
	const struct config_program *program;
	void *target;
	const char *path;
	FILE *file;
	int line;
	int *given_at; /* per setting the line that gave it, 0 for none */
	bool has_failed;
	struct error *err;
};

static char *read_line(char *line, int size, void *stream)
{
	struct file_reading *reading = stream;

	if (reading->has_failed || !fgets(line, size, reading->file))
		return NULL;
	reading->line++;
	if (!strchr(line, '\n') && !feof(reading->file)) {
		reading->has_failed = true;
		error_set(reading->err, ERR_INVALID, "%s:%d: the line is longer than %d bytes", reading->path,
			  reading->line, size - 2);
		return NULL;
	}
	return line;
}

static int on_file_setting(void *user, const char *section, const char *name, const char *value)
{
	struct file_reading *reading = user;
	const struct setting *setting = find(reading->program, name);
	char where[512];
	int *given_at;

	(void)section;
	if (reading->has_failed)
		return 1;
	snprintf(where, sizeof(where), "%.256s:%d", reading->path, reading->line);
	if (!setting) {
		reading->has_failed = refuse_unknown(reading->program, where, "", name, reading->err) < 0;
		return 1;
	}
	given_at = &reading->given_at[setting - reading->program->settings];
	if (*given_at != 0) {
		reading->has_failed = true;
		error_set(reading->err, ERR_INVALID, "%s: %s is given again, first on line %d", where, name, *given_at);
		return 1;
	}
	*given_at = reading->line;
	snprintf(where, sizeof(where), "%.256s:%d: %.64s", reading->path, reading->line, name);
	reading->has_failed = config_value_set(setting, reading->target, where, value, reading->err) < 0;
	return 1;
}

static int parse_file(struct file_reading *reading)
{
	CLEANUP(mem_freep) int *given_at = mem_alloc(reading->program->count * sizeof(*given_at));
	int bad_line;

	/* inih is set up by globals; only the start of a program reads settings, before it has threads. */
	ini_use_stack = false;
	ini_initial_alloc = LINE_SIZE;
	ini_allow_multiline = false;
	ini_stop_on_first_error = true;
	reading->given_at = given_at;
	bad_line = ini_parse_stream(read_line, reading, on_file_setting, reading);
	if (reading->has_failed)
		return -1;
	if (ferror(reading->file))
		return error_set(reading->err, ERR_IO, "%s: %s", reading->path, strerror(errno));
	if (bad_line)
		return error_set(reading->err, ERR_INVALID, "%s:%d: must be name = value", reading->path, bad_line);
	return 0;
}

static int load_file(const struct config_program *program, void *target, const char *path, bool must_exist,
		     struct error *err)
{
	struct file_reading reading = { .program = program, .target = target, .path = path, .err = err };
	int rc;

	reading.file = fopen(path, "re");
	if (!reading.file && errno == ENOENT && !must_exist)
		return 0;
	if (!reading.file)
		return error_set(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "config file %s: %s", path,
				 strerror(errno));
	rc = parse_file(&reading);
	fclose(reading.file);
	return rc;
}

/* An empty variable is as good as none: that is how a shell script switches one off. */
static int load_environment(const struct config_program *program, void *target, struct error *err)
{
	for (size_t i = 0; i < program->count; i++) {
		const struct setting *setting = &program->settings[i];
		char name[NAME_SIZE + 16];
		const char *value;

		snprintf(name, sizeof(name), "MANIFOLD_%s", setting->name);
		for (char *p = name; *p; p++)
			*p = *p == '-' ? '_' : (char)toupper((unsigned char)*p);
		value = getenv(name);
		if (value && *value && config_value_set(setting, target, name, value, err) < 0)
			return -1;
	}
	return 0;
}

/* Command line: one word at a time. */
struct words {
	char **argv;
	int argc;
	int next;
};

/* The flag's name without dashes, and its value when written --name=value. */
static const char *split_flag(const char *word, char name[NAME_SIZE])
{
	const char *equals = strchr(word, '=');
	size_t len = (equals ? (size_t)(equals - word) : strlen(word)) - 2;

	if (len >= NAME_SIZE)
		len = NAME_SIZE - 1;
	memcpy(name, word + 2, len);
	name[len] = '\0';
	return equals ? equals + 1 : NULL;
}

/* Value of a flag that must have one: after '=', or the next word. */
static int take_value(struct words *words, const char *name, const char **value, struct error *err)
{
	if (*value)
		return 0;
	if (words->next >= words->argc)
		return error_set(err, ERR_INVALID, "--%s: a value must follow", name);
	*value = words->argv[words->next++];
	return 0;
}

/* Applies one flag; --config is noted in *file when it is not NULL, and settings are then left alone. */
static int take_flag(const struct config_program *program, void *target, struct words *words, const char **file,
		     struct error *err)
{
	char name[NAME_SIZE], where[NAME_SIZE + 2];
	const char *value = split_flag(words->argv[words->next++], name);
	bool is_config = strcmp(name, "config") == 0;
	const struct setting *setting = is_config ? NULL : find(program, name);

	if (!setting && !is_config)
		return refuse_unknown(program, "command line", "--", name, err);
	if (setting && setting->kind == SETTING_BOOL && !value)
		value = "true";
	if (take_value(words, name, &value, err) < 0)
		return -1;
	if (is_config && file)
		*file = value;
	if (is_config || file)
		return 0;
	snprintf(where, sizeof(where), "--%s", name);
	return config_value_set(setting, target, where, value, err);
}

static bool is_flag(const char *word)
{
	return word[0] == '-' && word[1] != '\0';
}

/* With file: only looks for --config. Without: sets what is given and moves the other words to the front. */
static int walk_words(const struct config_program *program, void *target, struct words words, const char **file,
		      struct error *err)
{
	bool flags_end = false;
	int rest = 0;

	words.next = 1;
	while (words.next < words.argc) {
		char *word = words.argv[words.next];

		if (!flags_end && strcmp(word, "--") == 0) {
			flags_end = true;
			words.next++;
		} else if (!flags_end && is_flag(word)) {
			if (strncmp(word, "--", 2) != 0)
				return error_set(err, ERR_INVALID, "command line: unknown flag %.64s; --help lists all", word);
			if (take_flag(program, target, &words, file, err) < 0)
				return -1;
		} else if (!program->has_arguments) {
			return error_set(err, ERR_INVALID, "command line: \"%.64s\" is no flag, and nothing else is taken",
					 word);
		} else {
			words.next++;
			rest++;
			if (!file)
				words.argv[rest] = word;
		}
	}
	return rest;
}

static int print_and_finish(const struct config_program *program, int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			config_help_print(program);
			return CONFIG_DONE;
		}
		if (strcmp(argv[i], "--version") == 0) {
			printf("%s %s (%s)\n", program->name, version_text(), version_isa_level());
			return CONFIG_DONE;
		}
	}
	return 0;
}

static void set_empty(const struct setting *setting, void *target)
{
	void *place = (char *)target + setting->offset;

	if (setting->kind == SETTING_TEXT)
		*(char **)place = NULL;
	else if (setting->kind == SETTING_BOOL)
		*(bool *)place = false;
	else
		*(int64_t *)place = 0;
}

static int set_defaults(const struct config_program *program, void *target, struct error *err)
{
	for (size_t i = 0; i < program->count; i++)
		set_empty(&program->settings[i], target);
	for (size_t i = 0; i < program->count; i++) {
		const struct setting *setting = &program->settings[i];

		if (setting->fallback && config_value_set(setting, target, setting->name, setting->fallback, err) < 0)
			return error_wrap(err, "the built-in default");
	}
	return 0;
}

static int load_all(const struct config_program *program, void *target, struct words words, struct error *err)
{
	const char *variable = getenv("MANIFOLD_CONFIG");
	const char *file = variable && *variable ? variable : NULL;

	if (walk_words(program, target, words, &file, err) < 0)
		return -1;
	if (file && load_file(program, target, file, true, err) < 0)
		return -1;
	if (!file && program->default_file && load_file(program, target, program->default_file, false, err) < 0)
		return -1;
	if (load_environment(program, target, err) < 0)
		return -1;
	return walk_words(program, target, words, NULL, err);
}

int config_load(const struct config_program *program, void *target, int argc, char **argv, int *ret_rest,
		struct error *err)
{
	struct words words = { .argv = argv, .argc = argc };
	int rest;

	if (print_and_finish(program, argc, argv) == CONFIG_DONE)
		return CONFIG_DONE;
	rest = set_defaults(program, target, err);
	if (rest == 0)
		rest = load_all(program, target, words, err);
	if (rest < 0) {
		config_clear(program, target);
		return -1;
	}
	if (ret_rest)
		*ret_rest = rest;
	return 0;
}

void config_clear(const struct config_program *program, void *target)
{
	for (size_t i = 0; i < program->count; i++)
		config_value_clear(&program->settings[i], target);
}
