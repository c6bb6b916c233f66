/* layers.h - layers of a root file system, as the options name them and as delete finds them. */
#ifndef BRYO_LAYERS_H
#define BRYO_LAYERS_H

#include "base/err.h"
#include "lib/bryo.h"
#include "oci/spec.h"

/* --rootfs, --overlay, --upper and --ephemeral, written over the config's. */
int layers_options(struct arena *a, struct spec *spec, const struct bryo_create_options *o, struct err *err);

#endif
