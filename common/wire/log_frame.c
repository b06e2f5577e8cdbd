/* SPDX-License-Identifier: Apache-2.0 */
#include <endian.h>
#include <string.h>

#include "common/wire/wire.h"

void wire_log_header(unsigned char out[WIRE_LOG_HEADER], int64_t attempt, int64_t offset)
{
	uint64_t words[2] = { htobe64((uint64_t)attempt), htobe64((uint64_t)offset) };

	memcpy(out, words, WIRE_LOG_HEADER);
}

int wire_log_decode(const unsigned char *frame, size_t len, int64_t *ret_attempt, int64_t *ret_offset, struct error *err)
{
	uint64_t words[2];
	int64_t attempt, offset;

	if (len < WIRE_LOG_HEADER)
		return error_set(err, ERR_INVALID, "log frame: %zu bytes, the header alone has %d", len, WIRE_LOG_HEADER);
	if (len > WIRE_LOG_HEADER + WIRE_LOG_DATA_MAX)
		return error_set(err, ERR_INVALID, "log frame: %zu bytes, at most %d are taken", len,
				 WIRE_LOG_HEADER + WIRE_LOG_DATA_MAX);
	memcpy(words, frame, WIRE_LOG_HEADER);
	attempt = (int64_t)be64toh(words[0]);
	offset = (int64_t)be64toh(words[1]);
	if (attempt < 1)
		return error_set(err, ERR_INVALID, "log frame: the attempt must be from 1 up");
	if (offset < 0 || offset > INT64_MAX - WIRE_LOG_DATA_MAX)
		return error_set(err, ERR_INVALID, "log frame: the offset is out of range");
	*ret_attempt = attempt;
	*ret_offset = offset;
	return 0;
}
