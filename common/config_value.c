/* SPDX-License-Identifier: Apache-2.0 */
#include "common/config_value.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/mem.h"

struct unit {
	const char *suffix;
	int64_t factor;
};

/* The largest first, "" last. */
static const struct unit times[] = { { "d", 86400 }, { "h", 3600 }, { "m", 60 }, { "s", 1 }, { "", 1 } };
static const struct unit sizes[] = {
	{ "TiB", INT64_C(1) << 40 }, { "GiB", 1 << 30 }, { "MiB", 1 << 20 }, { "KiB", 1 << 10 }, { "B", 1 }, { "", 1 },
};
static const struct unit counts[] = { { "", 1 } };

static const struct unit *units_of(enum setting_kind kind)
{
	return kind == SETTING_SECONDS ? times : kind == SETTING_BYTES ? sizes : counts;
}

static const char *what_it_must_be(enum setting_kind kind)
{
	return kind == SETTING_SECONDS ? "a time like 90s, 15m or 2h" :
	       kind == SETTING_BYTES ? "a size like 4096, 64KiB or 8MiB" : "a whole number";
}

/* Two units never share the whole suffix, so the first that fits is the one. */
static int parse_number(enum setting_kind kind, const char *text, int64_t *ret)
{
	const struct unit *unit = units_of(kind);
	char *end;
	long long number;

	errno = 0;
	number = strtoll(text, &end, 10);
	if (errno || end == text)
		return -1;
	while (strcmp(end, unit->suffix) != 0) {
		if (!*unit->suffix)
			return -1;
		unit++;
	}
	return __builtin_mul_overflow((int64_t)number, unit->factor, ret) ? -1 : 0;
}

void config_value_format(const struct setting *setting, int64_t value, char *text, size_t size)
{
	const struct unit *unit = units_of(setting->kind);

	while (*unit->suffix && (value < unit->factor || value % unit->factor != 0))
		unit++;
	snprintf(text, size, "%" PRId64 "%s", value / unit->factor, unit->suffix);
}

static int set_number(const struct setting *setting, int64_t *place, const char *where, const char *text,
		      struct error *err)
{
	bool has_limits = setting->min != 0 || setting->max != 0;
	int64_t max = has_limits ? setting->max : INT64_MAX;
	char low[32], high[32];
	int64_t value;

	if (parse_number(setting->kind, text, &value) == 0 && value >= setting->min && value <= max) {
		*place = value;
		return 0;
	}
	if (!has_limits)
		return error_set(err, ERR_INVALID, "%s: \"%.64s\" must be %s, not negative", where, text,
				 what_it_must_be(setting->kind));
	config_value_format(setting, setting->min, low, sizeof(low));
	config_value_format(setting, setting->max, high, sizeof(high));
	return error_set(err, ERR_INVALID, "%s: \"%.64s\" must be %s, from %s to %s", where, text,
			 what_it_must_be(setting->kind), low, high);
}

static int set_bool(bool *place, const char *where, const char *text, struct error *err)
{
	static const char *const yes[] = { "true", "yes", "on", "1" };
	static const char *const no[] = { "false", "no", "off", "0" };

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		bool is_yes = strcasecmp(text, yes[i]) == 0;

		if (!is_yes && strcasecmp(text, no[i]) != 0)
			continue;
		*place = is_yes;
		return 0;
	}
	return error_set(err, ERR_INVALID, "%s: \"%.64s\" must be true or false", where, text);
}

int config_value_set(const struct setting *setting, void *target, const char *where, const char *text,
		     struct error *err)
{
	void *place = (char *)target + setting->offset;

	if (setting->kind == SETTING_BOOL)
		return set_bool(place, where, text, err);
	if (setting->kind != SETTING_TEXT)
		return set_number(setting, place, where, text, err);
	mem_free(*(char **)place);
	*(char **)place = mem_strdup(text);
	return 0;
}

void config_value_clear(const struct setting *setting, void *target)
{
	void *place = (char *)target + setting->offset;

	if (setting->kind == SETTING_TEXT) {
		mem_free(*(char **)place);
		*(char **)place = NULL;
	}
}
