/* SPDX-License-Identifier: Apache-2.0 */
#include "common/version.h"

#ifndef MANIFOLD_VERSION
#error "MANIFOLD_VERSION comes from the Makefile"
#endif

/* The feature lists are those of the x86-64 psABI; where a compiler has no macro for one, the others decide. */
#if defined(__x86_64__)
#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512CD__) && defined(__AVX512DQ__) && \
	defined(__AVX512VL__)
#define ISA_LEVEL "x86-64-v4"
#elif defined(__AVX2__) && defined(__BMI__) && defined(__BMI2__) && defined(__F16C__) && defined(__FMA__) && \
	defined(__LZCNT__)
#define ISA_LEVEL "x86-64-v3"
#elif defined(__SSE4_2__) && defined(__SSSE3__) && defined(__POPCNT__)
#define ISA_LEVEL "x86-64-v2"
#else
#define ISA_LEVEL "x86-64"
#endif
#elif defined(__aarch64__)
#if __ARM_ARCH >= 9
#define ISA_LEVEL "armv9-a"
#elif defined(__ARM_FEATURE_ATOMICS) && defined(__ARM_FEATURE_QRDMX)
#define ISA_LEVEL "armv8.1-a"
#else
#define ISA_LEVEL "armv8-a"
#endif
#elif defined(__arm__)
#if __ARM_ARCH >= 8
#define ISA_LEVEL "armv8-a (32 bit)"
#elif __ARM_ARCH == 7
#define ISA_LEVEL "armv7-a"
#elif __ARM_ARCH == 6
#define ISA_LEVEL "armv6"
#else
#define ISA_LEVEL "armv5"
#endif
#elif defined(__i386__)
#define ISA_LEVEL "i386"
#elif defined(__riscv) && __riscv_xlen == 64
#define ISA_LEVEL "riscv64"
#elif defined(__s390x__)
#define ISA_LEVEL "s390x"
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
#define ISA_LEVEL "ppc64le"
#elif defined(__loongarch64)
#define ISA_LEVEL "loong64"
#else
#define ISA_LEVEL "unknown"
#endif

const char *version_text(void)
{
	return MANIFOLD_VERSION;
}

const char *version_isa_level(void)
{
	return ISA_LEVEL;
}
