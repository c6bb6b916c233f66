/*
 * layers.c - what the options for the root file system say over a config (feature/rootfs/rootfs.h).
 * Options and annotations mean the same; a relative path of an option starts from the caller's
 * directory, one of an annotation from the bundle. Runs in the calling process.
 */
#include "layers.h"

#include "context.h"
#include "feature/rootfs/overlay.h"

#include <stdlib.h>

static const char *absolute(struct arena *a, const char *path)
{
	char *full = path_absolute(path);
	const char *kept = arena_strdup(a, full);

	free(full);
	return kept;
}

static int set_layers(struct arena *a, struct spec *spec, const char *text, struct err *err)
{
	struct strv dirs;
	int rc = overlay_split(a, text, absolute(a, "."), &dirs, err);

	if (rc < 0)
		return err_in(err, rc, "--overlay");
	spec_annotation_set(a, spec, "org.bryo.overlay.lower", overlay_join(a, &dirs));
	return 0;
}

int layers_options(struct arena *a, struct spec *spec, const struct bryo_create_options *o, struct err *err)
{
	int rc = o->overlay ? set_layers(a, spec, o->overlay, err) : 0;

	if (rc < 0)
		return rc;
	if (o->upper && o->ephemeral) {
		err_set(err, EINVAL, "--upper and --ephemeral exclude each other");
		return err_hint(err, -EINVAL, "changes are kept, or they are thrown away");
	}
	if (o->rootfs) {
		spec->root.path = absolute(a, o->rootfs);
		spec->root.present = true;
	}
	if (o->upper || o->ephemeral) {
		spec_annotation_set(a, spec, "org.bryo.overlay.upper", o->upper ? absolute(a, o->upper) : "");
		spec_annotation_set(a, spec, "org.bryo.overlay.ephemeral", o->ephemeral ? "true" : "false");
	}
	return 0;
}
