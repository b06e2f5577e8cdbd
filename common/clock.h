/* SPDX-License-Identifier: Apache-2.0 */
/* What time it is, in milliseconds. The core never asks: it is told. */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t clock_ms_of(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Never goes back; for intervals. */
static inline int64_t clock_mono_ms(void)
{
	return clock_ms_of(CLOCK_MONOTONIC);
}

/* Since 1970; for rows and people. */
static inline int64_t clock_wall_ms(void)
{
	return clock_ms_of(CLOCK_REALTIME);
}

#endif
