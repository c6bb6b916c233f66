/*
 * overlay_idmap.c - layers whose files are owned as in a container with other ID mappings, shown
 * with the owners of this one (overlay.h). Pure but for subordinate IDs, which are only read.
 *
 * The program runs in the container's user namespace: it sees there what the disk has, translated
 * by this container's map. What it should show is the same host ID translated by the layers' map.
 */
#include "overlay.h"

#include "base/str.h"
#include "oci/idmap_style.h"

#include <string.h>

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* The host IDs that both lines hold: as the program sees them, as they are shown, how many. */
static void add_common(const struct id_extent *mine, const struct id_extent *layers,
		       struct str *ret, bool *differs)
{
	uint32_t first = mine->outside > layers->outside ? mine->outside : layers->outside;
	uint32_t off_mine = first - mine->outside, off_layers = first - layers->outside;
	uint32_t count, seen, shown;

	if (off_mine >= mine->count || off_layers >= layers->count)
		return;
	count = least(mine->count - off_mine, layers->count - off_layers);
	seen = mine->inside + off_mine;
	shown = layers->inside + off_layers;
	*differs |= seen != shown;
	str_addf(ret, "%s%u:%u:%u", ret->len ? ":" : "", seen, shown, count);
}

bool overlay_idmap_text(const struct id_extents *mine, const struct id_extents *layers,
			struct str *ret)
{
	bool differs = false;

	for (size_t i = 0; i < mine->n; i++)
		for (size_t k = 0; k < layers->n; k++)
			add_common(&mine->v[i], &layers->v[k], ret, &differs);
	return differs;
}

int overlay_idmap(struct arena *a, const char *word, const struct idmap_plan *mine,
		  struct host *host, struct overlay_plan *ret, struct err *err)
{
	struct spec as = { 0 };
	struct notes ignored = { .arena = a };
	struct idmap_plan layers = { 0 };
	auto_str struct str uid = STR_INIT, gid = STR_INIT;
	bool differs;
	int rc;

	if (!mine->active || !mine->known) {
		err_set(err, EINVAL, "the container has no ID mappings of its own");
		return err_hint(err, -EINVAL,
				"leave the annotation out, or give the container --idmap");
	}
	idmap_style_set(a, &as, word);
	rc = idmap_plan(a, &as, host, true, false, &ignored, &layers, err);
	if (rc < 0)
		return rc;
	differs = overlay_idmap_text(&mine->uid, &layers.uid, &uid);
	differs |= overlay_idmap_text(&mine->gid, &layers.gid, &gid);
	if (differs && uid.len && gid.len) {
		ret->uid_map = arena_strdup(a, uid.p);
		ret->gid_map = arena_strdup(a, gid.p);
	}
	return 0;
}
