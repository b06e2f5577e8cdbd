/* SPDX-License-Identifier: Apache-2.0 */
/* An image's config blob: which platform it is for, what it runs, which layers it unpacks. No I/O. */
#ifndef COMMON_OCI_IMAGE_CONFIG_H
#define COMMON_OCI_IMAGE_CONFIG_H

#include <stddef.h>

#include "common/error.h"
#include "common/oci/digest.h"
#include "common/oci/platform.h"

#define IMAGE_CONFIG_MAX_BYTES (4 * 1024 * 1024)

struct image_config {
	struct platform platform;              /* normalised */
	char (*diff_ids)[DIGEST_TEXT_MAX];     /* owned; of the unpacked layers, lowest first */
	size_t diff_id_count;
	char **entrypoint, **cmd, **env;       /* owned, NULL-ended, never NULL */
	char *working_dir;                     /* owned, never NULL */
};

/* ERR_INVALID names the member. Missing os or architecture are errors: an index needs them. */
int image_config_parse(const char *text, size_t len, struct image_config *ret_config, struct error *err);
void image_config_clear(struct image_config *config);

#endif
