/*
 * image_config.h - the configuration of an image, and what becomes of it in a config.json
 * (image-spec, config.md and conversion.md). [pure]
 */
#ifndef BRYO_IMAGE_CONFIG_H
#define BRYO_IMAGE_CONFIG_H

#include "base/json.h"

struct image_config {
	const char *os, *architecture, *variant, *os_version, *author, *created;
	struct strv os_features;
	struct strv diff_ids;	 /* of the layers, lowest first */
	struct strv entrypoint, cmd, env;
	const char *user, *cwd, *stop_signal;
	struct strv volumes, ports; /* sorted as they are in the document */
	struct pairs labels;
};

/* Who "User" turned out to be. */
struct image_user {
	uint32_t uid, gid;
	struct { const uint32_t *v; size_t n; } groups;
};

/* name is what errors call it. -EINVAL */
int image_config_parse(struct arena *a, const char *name, const char *text, size_t len,
		       struct image_config *ret, struct err *err);
/*
 * Changes doc, a config.json as spec_sample() makes it: the program, its environment, directory and
 * user, volumes as mounts, the rest as annotations. Labels whose names would steer the runtime are
 * left out and returned, since the image is a stranger's.
 */
void image_config_apply(struct arena *a, const struct image_config *c, const struct image_user *user,
			struct json *doc, struct strv *ret_refused);

#endif
