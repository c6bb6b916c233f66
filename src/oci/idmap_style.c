/*
 * idmap_style.c - the words for ID mappings (idmap_style.h). Runs in the runtime and in the
 * command line, before the plan. What the caller owns is not known here: the plan checks a list
 * as it checks linux.uidMappings. [pure]
 */
#include "idmap_style.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "base/vec.h"

#include <string.h>

static const struct {
	const char *name;
	enum idmap_style style;
} words[] = {
	{ "single", IDMAP_SINGLE },
	{ "subid", IDMAP_SUBID },
	{ "keep-id", IDMAP_KEEP_ID },
};

static int refuse(const char *text, const char *part, struct err *err)
{
	int rc = err_set(err, EINVAL, "idmap '%.120s': '%.60s' is not START:HOST:SIZE", text, part);

	return err_hint(err, rc,
			"single, subid, keep-id, or a list such as 0:1000:1,1:100000:65536, where a "
			"leading u or g is for users or groups only");
}

/* Splits part, which it may write to, at its colons. */
static bool parse_line(char *part, struct spec_mapping *ret)
{
	uint32_t *fields[] = { &ret->container_id, &ret->host_id, &ret->size };

	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		char *end = strchrnul(part, ':');
		bool last = i == ARRAY_LEN(fields) - 1;
		unsigned long long n;

		if (last != !*end)
			return false;
		*end = '\0';
		if (!str_to_u64(part, UINT32_MAX, &n))
			return false;
		*fields[i] = (uint32_t)n;
		part = end + 1;
	}
	return true;
}

static int parse_list(struct arena *a, const char *text, struct idmap_words *ret, struct err *err)
{
	VEC(struct spec_mapping) uid = VEC_INIT, gid = VEC_INIT;

	for (const char *p = text, *end;; p = end + 1) {
		char side = *p == 'u' || *p == 'g' ? *p++ : '\0';
		struct spec_mapping m;
		char *part;

		end = strchrnul(p, ',');
		part = arena_strndup(a, p, (size_t)(end - p));
		if (!parse_line(arena_strdup(a, part), &m))
			return refuse(text, part, err);
		if (side != 'g')
			*vec_add(a, &uid) = m;
		if (side != 'u')
			*vec_add(a, &gid) = m;
		if (!*end)
			break;
	}
	ret->style = IDMAP_LIST;
	ret->uid = (struct spec_mappings){ uid.v, uid.n };
	ret->gid = (struct spec_mappings){ gid.v, gid.n };
	return 0;
}

int idmap_style_parse(struct arena *a, const char *text, struct idmap_words *ret, struct err *err)
{
	*ret = (struct idmap_words){ .style = IDMAP_NOT_SAID };
	if (!text)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_eq(words[i].name, text)) {
			ret->style = words[i].style;
			return 0;
		}
	return parse_list(a, text, ret, err);
}

int idmap_style_of(struct arena *a, const struct spec *spec, struct idmap_words *ret, struct err *err)
{
	const char *text = spec_annotation(spec, IDMAP_ANNOTATION);
	int rc = idmap_style_parse(a, text, ret, err);

	if (rc < 0)
		return err_in(err, rc, "annotation %s", IDMAP_ANNOTATION);
	if (!text || (!spec->linux_.uid_mappings.n && !spec->linux_.gid_mappings.n))
		return 0;
	rc = err_set(err, EINVAL,
		     "annotation %s and linux.uidMappings or gidMappings exclude each other",
		     IDMAP_ANNOTATION);
	return err_hint(err, rc, "leave one of them out; the option --idmap replaces both");
}

void idmap_style_set(struct arena *a, struct spec *spec, const char *text)
{
	spec_annotation_set(a, spec, IDMAP_ANNOTATION, text);
	spec->linux_.uid_mappings.n = spec->linux_.gid_mappings.n = 0;
}
