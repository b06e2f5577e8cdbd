/* SPDX-License-Identifier: Apache-2.0 */
/* For tests: what is written to stdout or stderr between begin and end. */
#ifndef COMMON_TEST_CAPTURE_H
#define COMMON_TEST_CAPTURE_H

#include <check.h>
#include <stdio.h>
#include <unistd.h>

struct capture {
	FILE *stream, *file;
	int saved_fd;
};

static struct capture capture_begin(FILE *stream)
{
	struct capture capture = { .stream = stream, .file = tmpfile() };

	ck_assert_ptr_nonnull(capture.file);
	fflush(stream);
	capture.saved_fd = dup(fileno(stream));
	ck_assert_int_ge(dup2(fileno(capture.file), fileno(stream)), 0);
	return capture;
}

static void capture_end(struct capture *capture, char *text, size_t size)
{
	size_t len;

	fflush(capture->stream);
	ck_assert_int_ge(dup2(capture->saved_fd, fileno(capture->stream)), 0);
	close(capture->saved_fd);
	rewind(capture->file);
	len = fread(text, 1, size - 1, capture->file);
	text[len] = '\0';
	fclose(capture->file);
}

#endif
