/*
 * probe_tools.c - subordinate IDs of the caller and the two programs that can map them; the program
 * that stacks directories where the kernel does not.
 * Runs in the runtime, reads only (getsubids is started only where nsswitch.conf says that
 * ranges live elsewhere than in the files).
 */
#include "probe.h"

#include "base/child.h"
#include "base/cleanup.h"
#include "rootless/rootless.h"

#include <fcntl.h>
#include <unistd.h>

/* False when getsubids is missing or has nothing to say: the files are asked next. */
static bool from_nss(struct host *h)
{
	if (!h->user || !subid_needs_nss("/etc/nsswitch.conf"))
		return false;
	if (subid_getsubids(h->arena, h->user, false, &h->subuids, NULL) < 0 ||
	    subid_getsubids(h->arena, h->user, true, &h->subgids, NULL) < 0)
		return false;
	h->subid_source = "getsubids";
	return true;
}

int probe_subids(struct host *h, struct err *err)
{
	int rc = 0;

	if (!from_nss(h)) {
		h->subid_source = "/etc/subuid";
		rc = subid_ranges(h->arena, "/etc/subuid", h->user, h->uid, &h->subuids, err);
		if (rc == 0)
			rc = subid_ranges(h->arena, "/etc/subgid", h->user, h->uid, &h->subgids,
					  err);
	}
	if (rc < 0)
		return rc;
	newidmap_probe(h->arena, "newuidmap", h->no_new_privs, &h->newuidmap);
	newidmap_probe(h->arena, "newgidmap", h->no_new_privs, &h->newgidmap);
	return 0;
}

void probe_layers(struct host *h)
{
	auto_free char *path = NULL;

	if (child_find("fuse-overlayfs", NULL, &path, NULL) == 0)
		h->fuse_overlayfs = arena_strdup(h->arena, path);
	h->dev_fuse = faccessat(AT_FDCWD, "/dev/fuse", R_OK | W_OK, AT_EACCESS) == 0;
}
