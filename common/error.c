/* SPDX-License-Identifier: Apache-2.0 */
#include "common/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int error_set(struct error *err, enum err_code code, const char *fmt, ...)
{
	va_list args;

	err->code = code;
	va_start(args, fmt);
	vsnprintf(err->msg, sizeof(err->msg), fmt, args);
	va_end(args);
	return -1;
}

int error_wrap(struct error *err, const char *fmt, ...)
{
	char context[sizeof(err->msg)];
	char inner[sizeof(err->msg)];
	va_list args;

	va_start(args, fmt);
	vsnprintf(context, sizeof(context), fmt, args);
	va_end(args);
	memcpy(inner, err->msg, sizeof(inner));
	if (snprintf(err->msg, sizeof(err->msg), "%.160s: %.340s", context, inner) < 0)
		err->msg[0] = '\0';
	return -1;
}

const char *err_code_name(enum err_code code)
{
	static const char *const names[] = {
		[ERR_INTERNAL] = "internal",
		[ERR_INVALID] = "invalid",
		[ERR_NOT_FOUND] = "not_found",
		[ERR_CONFLICT] = "conflict",
		[ERR_DENIED] = "denied",
		[ERR_NO_MEMORY] = "no_memory",
		[ERR_IO] = "io",
		[ERR_DATABASE] = "database",
		[ERR_FULL] = "disk_full",
		[ERR_UNAVAILABLE] = "unavailable",
	};

	if (code < ERR_INTERNAL || code > ERR_UNAVAILABLE)
		return "unknown";
	return names[code];
}
