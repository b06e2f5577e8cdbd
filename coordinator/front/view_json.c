/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/front/view_json.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/mem.h"

json_t *json_words(const char *text)
{
	CLEANUP(mem_freep) char *plain = NULL;
	json_t *string;

	if (!text[0])
		return json_null();
	string = json_string(text);
	if (string)
		return string;
	plain = mem_strdup(text);
	for (char *at = plain; *at; at++) {
		if ((unsigned char)*at >= 0x80)
			*at = '?';
	}
	return json_string(plain);
}

json_t *json_time(int64_t wall)
{
	time_t seconds = (time_t)(wall / 1000);
	struct tm parts;
	char date[32], text[48];

	if (wall <= 0 || !gmtime_r(&seconds, &parts))
		return json_null();
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &parts);
	snprintf(text, sizeof(text), "%s.%03dZ", date, (int)(wall % 1000));
	return json_string(text);
}

void json_put(json_t *object, const char *key, json_t *value)
{
	if (!value || json_object_set_new(object, key, value) < 0)
		abort(); /* out of memory */
}

json_t *list_json(const char *name, json_t *list, int limit)
{
	size_t count = json_array_size(list);
	json_t *root = json_object();
	json_t *last = count && count == (size_t)limit ? json_array_get(list, count - 1) : NULL;

	json_put(root, "next_before", last ? json_incref(json_object_get(last, "id")) : json_null());
	json_put(root, name, list);
	return root;
}
