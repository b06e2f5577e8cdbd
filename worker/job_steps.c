/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/job_steps.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

void steps_init(struct steps *steps, int64_t attempt, void (*on_step)(const struct wire_step *step, void *arg), void *arg)
{
	*steps = (struct steps){ .on_step = on_step, .arg = arg, .attempt = attempt };
}

static int64_t wall_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void steps_end(struct steps *steps)
{
	if (!steps->has_current)
		return;
	steps->has_current = false;
	steps->current.ended_ms = wall_ms();
	steps->on_step(&steps->current, steps->arg);
}

static void step_begin(struct steps *steps, const char *label, int total, const char *name)
{
	steps_end(steps);
	steps->count++;
	/* Of several stages each counts for itself: the steps are numbered through, their number is not known before. */
	steps->current = (struct wire_step){ .attempt = steps->attempt, .n = steps->count,
					     .total = label[0] == '[' ? 0 : total, .started_ms = wall_ms() };
	snprintf(steps->current.name, sizeof(steps->current.name), "%s", name);
	snprintf(steps->label, sizeof(steps->label), "%.300s", label);
	steps->has_current = true;
	steps->on_step(&steps->current, steps->arg);
}

static void line_read(struct steps *steps)
{
	const char *line = steps->line, *step = line;
	int n, total, name_at = 0;

	if (strncmp(line, "--> Using cache", 15) == 0) {
		steps->current.is_cached = true;
		return;
	}
	if (line[0] == '[') {
		step = strstr(line, "] ");
		step = step ? step + 2 : line;
	}
	if (sscanf(step, "STEP %d/%d: %n", &n, &total, &name_at) == 2 && name_at > 0 && n > 0 && total >= n)
		step_begin(steps, line, total, step + name_at);
}

void steps_bytes(struct steps *steps, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (data[i] == '\n') {
			steps->line[steps->line_len] = '\0';
			line_read(steps);
			steps->line_len = 0;
		} else if (steps->line_len < sizeof(steps->line) - 1) {
			steps->line[steps->line_len++] = data[i];
		}
	}
}
