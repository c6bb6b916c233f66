/*
 * spec_load.h - config.json to struct spec through tables over base/json. One table per object
 * of the runtime-spec; all fields of 1.3 are recognised.
 *
 * Checked here: JSON itself, types and ranges of the C types, required fields (ociVersion,
 * process.cwd when process is there, mounts[].destination, ...), any 1.x version (pre-releases
 * too: "1.0.2-dev"), capabilities as a list (refused: "from before runtime-spec 1.0").
 * Not checked here: names that a feature owns, anything about the host.
 */
#ifndef BRYO_SPEC_LOAD_H
#define BRYO_SPEC_LOAD_H

#include "spec.h"

/*
 * Reads path below dirfd (at most JSON_MAX bytes). *ret_text (NUL-terminated, in the arena) is
 * the document as read, for the copy in the state directory. -ENOENT gives the text
 * "config.json: No such file or directory" with a hint at `bryo spec`. [any]
 */
int spec_load(struct arena *a, int dirfd, const char *path, struct spec **ret, const char **ret_text,
	      size_t *ret_len, struct err *err);
/* From memory; name is what errors call it. [pure] */
int spec_parse(struct arena *a, const char *name, const char *text, size_t len, struct spec **ret,
	       struct err *err);
/* From a document that was parsed before, and perhaps changed; the spec points into it. [pure] */
int spec_decode(struct arena *a, const struct json *doc, struct spec **ret, struct err *err);
/* Only a process object, as `exec --process FILE` reads it. [pure] */
int spec_parse_process(struct arena *a, const char *name, const char *text, size_t len,
		       struct spec_process **ret, struct err *err);

/* Only an array of mounts, as `mounts add` reads it, into ret->mounts. [pure] */
int spec_parse_mounts(struct arena *a, const char *name, const char *text, size_t len, struct spec *ret,
		      struct err *err);

/* Only a resources object, as `update --resources FILE` reads it. [pure] */
int spec_parse_resources(struct arena *a, const char *name, const char *text, size_t len, struct spec_resources **ret,
			 struct err *err);

/* The tables, by object, for lints and tests: {"process", spec_process_table}, ... ended by NULL. */
struct spec_table { const char *path; const struct json_field *table; };
const struct spec_table *spec_tables(void);

#endif
