/* SPDX-License-Identifier: Apache-2.0 */
/* Which Manifold this is, and for which instruction set it was compiled (from the compiler's own macros). */
#ifndef COMMON_VERSION_H
#define COMMON_VERSION_H

/* "0.1.0" */
const char *version_text(void);

/* "x86-64", "x86-64-v2", "x86-64-v3", "x86-64-v4", "armv8-a", "armv7-a", ... */
const char *version_isa_level(void);

#endif
