/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of common/config only: one setting's value, and the page --help prints. */
#ifndef COMMON_CONFIG_VALUE_H
#define COMMON_CONFIG_VALUE_H

#include "common/config.h"

/* Parses text into the setting's place. ERR_INVALID: "WHERE: "x" must be ...". */
int config_value_set(const struct setting *setting, void *target, const char *where, const char *text,
		     struct error *err);
void config_value_clear(const struct setting *setting, void *target);

/* As a person would write it: 90s, 64KiB. */
void config_value_format(const struct setting *setting, int64_t value, char *text, size_t size);

void config_help_print(const struct config_program *program);

#endif
