/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/wire/codec.h"

static const struct field fields[] = {
	FIELD(wire_offer, attempt, FIELD_INT64, .min = 1),
	FIELD(wire_offer, job, FIELD_INT64, .min = 1),
	FIELD(wire_offer, build, FIELD_INT64, .min = 1),
	FIELD(wire_offer, number, FIELD_INT, .min = 1),
	FIELD(wire_offer, platform, FIELD_PLATFORM, 0),
	FIELD(wire_offer, run_timeout_s, FIELD_INT, .min = 0),
	{ 0 },
};

void wire_offer_encode(const struct wire_message *msg, json_t *obj)
{
	const struct wire_offer *offer = &msg->offer;
	json_t *repositories = json_array();
	json_t *spec = json_loads(offer->spec, 0, NULL);

	if (!spec)
		abort(); /* spec is spec_encode() text by contract */
	fields_encode(fields, offer, obj);
	wire_set(obj, "spec", spec);
	for (size_t i = 0; i < offer->repository_count; i++)
		json_array_append_new(repositories, json_clean_string(offer->repositories[i]));
	wire_set(obj, "repositories", repositories);
}

static int decode_repositories(const json_t *obj, struct wire_offer *offer, struct error *err)
{
	const json_t *list;

	if (json_member_list(JSON_MEMBER(obj, "offer", "repositories"), SPEC_TAGS_MAX, &list, err) < 0)
		return -1;
	offer->repository_count = json_array_size(list);
	for (size_t i = 0; i < offer->repository_count; i++) {
		const char *name = json_string_value(json_array_get(list, i));

		if (!name || !strchr(name, '/') || text_copy(offer->repositories[i], sizeof(*offer->repositories), name) < 0)
			return error_set(err, ERR_INVALID, "offer: \"repositories\" must hold host/path texts of at "
					 "most %zu bytes", sizeof(*offer->repositories) - 1);
		for (size_t j = 0; j < i; j++)
			if (strcmp(offer->repositories[j], name) == 0)
				return error_set(err, ERR_INVALID, "offer: \"repositories\" names %s twice", name);
	}
	return 0;
}

/* Last, so that nothing owns memory when another member is refused. */
static int decode_spec(const json_t *obj, struct wire_offer *offer, struct error *err)
{
	const json_t *value = json_object_get(obj, "spec");
	struct build_spec spec;

	if (!value)
		return error_set(err, ERR_INVALID, "offer: \"spec\" is missing");
	if (spec_from_json(value, &spec, err) < 0)
		return error_wrap(err, "offer: \"spec\"");
	offer->spec = spec_encode(&spec);
	spec_clear(&spec);
	return 0;
}

int wire_offer_decode(const json_t *obj, struct wire_message *msg, struct error *err)
{
	if (fields_decode(fields, obj, "offer", &msg->offer, err) < 0)
		return -1;
	if (decode_repositories(obj, &msg->offer, err) < 0)
		return -1;
	return decode_spec(obj, &msg->offer, err);
}
