/*
 * overlay_word.c - the words of layered root file systems (overlay_word.h): annotations and lists
 * of directories. Pure.
 */
#include "overlay_word.h"

#include "base/str.h"
#include "base/vec.h"

#include <string.h>

static const struct {
	const char *name;
	enum overlay_upper upper;
} ephemeral_words[] = {
	{ "memory", UPPER_MEMORY },
	{ "disk", UPPER_DISK },
	{ "false", UPPER_NONE },
};

static int ephemeral_word(const char *text, bool old_tmpfs, enum overlay_upper *ret,
			  struct err *err)
{
	if (str_eq(text, "true")) {
		*ret = old_tmpfs ? UPPER_DISK : UPPER_MEMORY;
		return 0;
	}
	for (size_t i = 0; i < sizeof(ephemeral_words) / sizeof(*ephemeral_words); i++) {
		if (!str_eq(text, ephemeral_words[i].name))
			continue;
		*ret = ephemeral_words[i].upper;
		return 0;
	}
	err_set(err, EINVAL, "annotation org.bryo.overlay.ephemeral: unknown value '%s'", text);
	return err_hint(err, -EINVAL, "true, memory, disk or false");
}

int overlay_words(const struct spec *spec, bool old_tmpfs, struct overlay_words *ret,
		  struct err *err)
{
	const char *ephemeral = spec_annotation(spec, OVERLAY_EPHEMERAL_ANNOTATION);
	int rc;

	*ret = (struct overlay_words){
		.lower = spec_annotation(spec, OVERLAY_LOWER_ANNOTATION),
		.upper = spec_annotation(spec, OVERLAY_UPPER_ANNOTATION),
	};
	rc = ephemeral ? ephemeral_word(ephemeral, old_tmpfs, &ret->ephemeral, err) : 0;
	if (rc < 0)
		return rc;
	if (ret->upper && !*ret->upper)
		ret->upper = NULL;
	if (ret->upper && ret->ephemeral != UPPER_NONE) {
		err_set(err, EINVAL,
			"changes cannot be kept and thrown away: annotations org.bryo.overlay.upper and "
			"org.bryo.overlay.ephemeral exclude each other");
		return err_hint(err, -EINVAL, "either --upper DIR or --ephemeral");
	}
	ret->any = ret->lower || ret->upper || ret->ephemeral != UPPER_NONE ||
		   spec_annotation(spec, OVERLAY_IDMAP_ANNOTATION);
	return 0;
}

/* Up to the next bare colon; *p moves behind it, and is NULL after the last one. */
static char *next_dir(struct arena *a, const char **p)
{
	char *dir = arena_alloc(a, strlen(*p) + 1), *to = dir;
	const char *from = *p;

	for (; *from && *from != ':'; from++) {
		if (*from == '\\' && from[1])
			from++;
		*to++ = *from;
	}
	*p = *from ? from + 1 : NULL;
	return dir;
}

int overlay_split(struct arena *a, const char *text, const char *base, struct strv *ret,
		  struct err *err)
{
	VEC(const char *) dirs = VEC_INIT;
	const char *p = text;

	while (p) {
		const char *dir = next_dir(a, &p);

		if (!*dir) {
			err_set(err, EINVAL, "layers '%s': the name of a directory is empty", text);
			return err_hint(err, -EINVAL,
					"DIR[:DIR...]; a colon in a name is written '\\:'");
		}
		*vec_add(a, &dirs) = dir[0] == '/' ? dir : arena_printf(a, "%s/%s", base, dir);
	}
	*ret = (struct strv){ dirs.v, dirs.n };
	return 0;
}

const char *overlay_join(struct arena *a, const struct strv *dirs)
{
	size_t size = 1;
	char *text, *to;

	for (size_t i = 0; i < dirs->n; i++)
		size += 2 * strlen(dirs->v[i]) + 1;
	text = to = arena_alloc(a, size);
	for (size_t i = 0; i < dirs->n; i++) {
		if (i)
			*to++ = ':';
		for (const char *c = dirs->v[i]; *c; c++) {
			if (*c == ':' || *c == '\\')
				*to++ = '\\';
			*to++ = *c;
		}
	}
	return text;
}
