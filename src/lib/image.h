/*
 * image.h - an image in an OCI layout (image-spec, image-layout.md): what its documents say, each
 * verified before it is believed. For the files of lib/ only. [outside]
 */
#ifndef BRYO_IMAGE_H
#define BRYO_IMAGE_H

#include "base/err.h"
#include "base/mem.h"
#include "lib/unpack.h"
#include "oci/image_config.h"

#include <stdbool.h>

struct image {
	struct arena *arena;
	int layout;		     /* the directory */
	const char *machine;	     /* uname -m: which platform is wanted */
	struct image_config config;
	struct unpack_layers layers; /* open blobs of the size that they should have; image_close() */
};

/*
 * tag: a reference name of index.json or a digest; NULL where there is only one image. -ENOENT
 * lists what there is. The arena, layout and machine are the caller's and set before.
 */
int image_open(struct image *image, const char *tag, struct err *err);
/* What to warn of where its configuration is for another machine, or NULL. A layout of one image
 * may say so nowhere else. */
const char *image_foreign(const struct image *image);
void image_close(struct image *image);
/* Whether the directory looks like a layout. */
bool image_is_layout(int dirfd);

#endif
