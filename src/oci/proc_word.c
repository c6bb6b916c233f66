/* proc_word.c - the words of org.bryo.proc (proc_word.h). [pure] */
#include "proc_word.h"

#include "base/cleanup.h"
#include "base/str.h"

#include <string.h>

static const struct {
	const char *name;
	enum proc_word word;
} words[] = {
	{ "new", PROC_NEW },
	{ "bind", PROC_BIND },
	{ "none", PROC_NONE },
};

int proc_word_of(const struct spec *spec, enum proc_word *ret, struct err *err)
{
	const char *text = spec_annotation(spec, PROC_ANNOTATION);
	int rc;

	*ret = PROC_NOT_SAID;
	if (!text)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_eq(words[i].name, text)) {
			*ret = words[i].word;
			return 0;
		}
	rc = err_set(err, EINVAL, "annotation " PROC_ANNOTATION ": unknown value '%.40s'", text);
	return err_hint(err, rc, "new, bind or none, as --proc has them");
}

bool proc_word_covers(const char *path)
{
	return strcmp(path, "/proc") == 0 || strncmp(path, "/proc/", 6) == 0;
}
