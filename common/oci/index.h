/* SPDX-License-Identifier: Apache-2.0 */
/* An index: several images of one name, told apart by platform. Text in, struct out, and back. No I/O. */
#ifndef COMMON_OCI_INDEX_H
#define COMMON_OCI_INDEX_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "common/error.h"
#include "common/oci/descriptor.h"
#include "common/oci/platform.h"

#define INDEX_ENTRIES_MAX 1024

struct index_entry {
	struct descriptor descriptor;
	struct platform platform;
	bool has_platform;       /* false also for unknown/unknown, which attestations carry */
	char reference_type[64]; /* vnd.docker.reference.type: "attestation-manifest", or "" */
};

/*
 * An OCI index, byte for byte as Go tools write it (field order, escapes, two blanks, no newline at
 * the end), sorted by platform_compare, so that the same images give the same bytes in any order.
 * Every entry needs a platform. ERR_INVALID: no entries, or two for one platform. Appends to out.
 */
int index_build(const struct index_entry *entries, size_t count, struct buf *out, struct error *err);

/*
 * An OCI index or Docker list, entries in their own order (mem_free). media_type is what the transport
 * said, or NULL. ERR_INVALID names the entry.
 */
int index_parse(const char *text, size_t len, const char *media_type, struct index_entry **ret_entries,
		size_t *ret_count, struct error *err);

#endif
