/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For libFuzzer: whatever arrives, the decoders neither crash nor leak, and what they take they also
 * say again: decode, encode, decode, encode gives the same bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/wire/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_message(const char *text, size_t size)
{
	struct wire_message msg;
	struct error err;
	char *first, *second;

	if (wire_decode(text, size, &msg, &err) < 0)
		return;
	first = wire_encode(&msg);
	wire_message_clear(&msg);
	if (wire_decode(first, strlen(first), &msg, &err) != 0)
		abort();
	second = wire_encode(&msg);
	wire_message_clear(&msg);
	if (strcmp(first, second) != 0)
		abort();
	mem_free(first);
	mem_free(second);
}

static void try_spec(const char *text, size_t size)
{
	struct build_spec spec;
	struct error err;
	char *first, *second;

	if (spec_decode(text, size, &spec, &err) < 0)
		return;
	first = spec_encode(&spec);
	spec_clear(&spec);
	if (spec_decode(first, strlen(first), &spec, &err) != 0)
		abort();
	second = spec_encode(&spec);
	spec_clear(&spec);
	if (strcmp(first, second) != 0)
		abort();
	mem_free(first);
	mem_free(second);
}

static void try_log_frame(const uint8_t *data, size_t size)
{
	unsigned char header[WIRE_LOG_HEADER];
	int64_t attempt, offset;
	struct error err;

	if (wire_log_decode(data, size, &attempt, &offset, &err) < 0)
		return;
	wire_log_header(header, attempt, offset);
	if (memcmp(header, data, WIRE_LOG_HEADER) != 0)
		abort();
}

static void try_platform(const uint8_t *data, size_t size)
{
	char text[PLATFORM_TEXT_MAX], *given = mem_strndup((const char *)data, size);
	struct platform platform, again;
	struct error err;

	if (platform_parse(given, &platform, &err) == 0) {
		platform_format(&platform, text);
		if (platform_parse(text, &again, &err) < 0 || !platform_equal(&platform, &again))
			abort();
	}
	mem_free(given);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_message((const char *)data, size);
	try_spec((const char *)data, size);
	try_log_frame(data, size);
	try_platform(data, size);
	return 0;
}
