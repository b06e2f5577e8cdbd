/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "common/buf.h"
#include "common/cleanup.h"
#include "common/config_value.h"
#include "common/version.h"

#define LINE_WIDTH 88
#define COLUMN_MAX 34

static const char *value_word(enum setting_kind kind)
{
	static const char *const names[] = {
		[SETTING_TEXT] = " TEXT", [SETTING_INT] = " N", [SETTING_SECONDS] = " TIME", [SETTING_BYTES] = " SIZE",
		[SETTING_BOOL] = "",
	};

	return names[kind];
}

/* Words of text from column `from` on, broken at LINE_WIDTH; the cursor is at column `at`. */
static void print_wrapped(const char *text, size_t from, size_t at)
{
	while (*text) {
		size_t len = strcspn(text, " ");

		if (at > from && at + 1 + len > LINE_WIDTH) {
			printf("\n%*s", (int)from, "");
			at = from;
		}
		at += (size_t)printf("%s%.*s", at > from ? " " : "", (int)len, text);
		text += len;
		text += strspn(text, " ");
	}
	putchar('\n');
}

static void print_row(const char *flag, const char *help, size_t column)
{
	size_t at = (size_t)printf("  %s", flag);

	if (at + 2 > column) {
		putchar('\n');
		at = 0;
	}
	printf("%*s", (int)(column - at), "");
	print_wrapped(help, column, column);
}

static size_t column_of(const struct config_program *program)
{
	size_t column = strlen("  --config FILE  ");

	for (size_t i = 0; i < program->count; i++) {
		const struct setting *setting = &program->settings[i];
		size_t len = strlen("  --  ") + strlen(setting->name) + strlen(value_word(setting->kind));

		if (len > column && len <= COLUMN_MAX)
			column = len;
	}
	return column;
}

static void print_setting(const struct setting *setting, size_t column)
{
	CLEANUP(buf_clear) struct buf flag = { 0 }, help = { 0 };

	buf_printf(&flag, "--%s%s", setting->name, value_word(setting->kind));
	buf_puts(&help, setting->help);
	if (setting->fallback && *setting->fallback)
		buf_printf(&help, " (default %s)", setting->fallback);
	print_row(buf_text(&flag), buf_text(&help), column);
}

void config_help_print(const struct config_program *program)
{
	CLEANUP(buf_clear) struct buf file = { 0 };
	size_t column = column_of(program);

	printf("Usage: %s\n\n", program->usage);
	print_wrapped(program->summary, 0, 0);
	printf("\nSettings:\n");
	for (size_t i = 0; i < program->count; i++)
		print_setting(&program->settings[i], column);
	buf_puts(&file, "read settings from this file");
	if (program->default_file)
		buf_printf(&file, " (default %s, when it exists)", program->default_file);
	print_row("--config FILE", buf_text(&file), column);
	print_row("--version", "print version and instruction set", column);
	print_row("--help", "print this", column);
	printf("\n");
	print_wrapped("Each setting can also be a variable of the environment (--like-this is MANIFOLD_LIKE_THIS) or a "
		      "line of the config file (like_this = value). A flag beats the environment, the environment "
		      "beats the file.", 0, 0);
}
