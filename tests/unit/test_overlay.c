/* Layers of a root file system: lists, words, and which backend (feature/rootfs/rootfs.h). */
#include "feature/rootfs/rootfs.h"

#include "base/cleanup.h"
#include "tap.h"

#include <string.h>

static const struct {
	const char *text;
	size_t n;			  /* 0: refused */
	const char *first, *last, *again; /* again: NULL: as text */
} lists[] = {
	{ "/a", 1, "/a", "/a", NULL },
	{ "/a:/b:/c", 3, "/a", "/c", NULL },
	{ "a", 1, "/base/a", "/base/a", "/base/a" },
	{ "/a\\:b", 1, "/a:b", "/a:b", NULL },
	{ "/a\\\\:/b", 2, "/a\\", "/b", NULL },
	{ "/a\\b", 1, "/ab", "/ab", "/ab" },
	{ "/a\\", 1, "/a\\", "/a\\", "/a\\\\" },
	{ "/a,b c\n\"'", 1, "/a,b c\n\"'", "/a,b c\n\"'", NULL },
	{ "", 0, NULL, NULL, NULL },
	{ ":", 0, NULL, NULL, NULL },
	{ "/a:", 0, NULL, NULL, NULL },
	{ ":/a", 0, NULL, NULL, NULL },
	{ "/a::/b", 0, NULL, NULL, NULL },
};

/* covers: org.bryo.overlay.lower */
static void test_lists(void)
{
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		auto_arena struct arena a = ARENA_INIT;
		struct err err = ERR_INIT;
		struct strv v = { 0 };
		int rc = overlay_split(&a, lists[i].text, "/base", &v, &err);
		const char *again = lists[i].again ? lists[i].again : lists[i].text;

		if (!lists[i].n)
			ok(rc == -EINVAL && err.hint[0], "list %zu is refused", i);
		else
			ok(rc == 0 && v.n == lists[i].n && str_eq(v.v[0], lists[i].first) &&
				   str_eq(v.v[v.n - 1], lists[i].last) &&
				   str_eq(overlay_join(&a, &v), again),
			   "list %zu", i);
	}
}

static const struct {
	const char *what, *kind, *lower, *upper, *ephemeral;
	unsigned minor; /* of kernel 6 */
	bool program, dev;
	int rc;
	size_t n;
	enum rootfs_kind first;
	enum overlay_upper changes;
} cases[] = {
	{ "nothing is plain", NULL, NULL, NULL, NULL, 12, 1, 1, 0, 1, ROOTFS_PLAIN, UPPER_NONE },
	{ "layers: the kernel, then the program", NULL, "/a", NULL, NULL, 12, 1, 1, 0, 2,
	  ROOTFS_OVERLAY, UPPER_NONE },
	{ "not installed", "auto", "/a", NULL, NULL, 12, 0, 1, 0, 1, ROOTFS_OVERLAY, UPPER_NONE },
	{ "no /dev/fuse", "auto", "/a", NULL, NULL, 12, 1, 0, 0, 1, ROOTFS_OVERLAY, UPPER_NONE },
	{ "the kernel by name", "overlay", "/a", NULL, NULL, 12, 1, 1, 0, 1, ROOTFS_OVERLAY,
	  UPPER_NONE },
	{ "the program by name", "fuse-overlayfs", "/a", NULL, NULL, 12, 1, 1, 0, 1,
	  ROOTFS_FUSE_OVERLAYFS, UPPER_NONE },
	{ "by name, not installed", "fuse-overlayfs", "/a", NULL, NULL, 12, 0, 1, -ENOENT, 0, 0,
	  0 },
	{ "by name, no /dev/fuse", "fuse-overlayfs", "/a", NULL, NULL, 12, 1, 0, -ENOENT, 0, 0, 0 },
	{ "one layer that is not written is bound", "auto", NULL, NULL, NULL, 12, 1, 1, 0, 1,
	  ROOTFS_PLAIN, UPPER_NONE },
	{ "kept", NULL, NULL, "/u", NULL, 12, 1, 1, 0, 2, ROOTFS_OVERLAY, UPPER_KEPT },
	{ "kept, with slashes", NULL, NULL, "/u//", NULL, 12, 1, 1, 0, 2, ROOTFS_OVERLAY,
	  UPPER_KEPT },
	{ "kept, from the bundle", NULL, NULL, "u", NULL, 12, 1, 1, 0, 2, ROOTFS_OVERLAY,
	  UPPER_KEPT },
	{ "thrown away", NULL, NULL, NULL, "true", 6, 1, 1, 0, 2, ROOTFS_OVERLAY, UPPER_MEMORY },
	{ "thrown away, old tmpfs", NULL, NULL, NULL, "true", 5, 1, 1, 0, 2, ROOTFS_OVERLAY,
	  UPPER_DISK },
	{ "thrown away on disk", NULL, NULL, NULL, "disk", 12, 1, 1, 0, 2, ROOTFS_OVERLAY,
	  UPPER_DISK },
	{ "thrown away in memory", NULL, NULL, NULL, "memory", 5, 1, 1, 0, 2, ROOTFS_OVERLAY,
	  UPPER_MEMORY },
	{ "the program sees no tmpfs", "fuse-overlayfs", NULL, NULL, "true", 12, 1, 1, 0, 1,
	  ROOTFS_FUSE_OVERLAYFS, UPPER_DISK },
	{ "not thrown away", NULL, NULL, "/u", "false", 12, 1, 1, 0, 2, ROOTFS_OVERLAY,
	  UPPER_KEPT },
	{ "an empty upper is none", NULL, NULL, "", "true", 12, 1, 1, 0, 2, ROOTFS_OVERLAY,
	  UPPER_MEMORY },
	{ "kept and thrown away", NULL, NULL, "/u", "true", 12, 1, 1, -EINVAL, 0, 0, 0 },
	{ "an unknown word", NULL, NULL, NULL, "yes", 12, 1, 1, -EINVAL, 0, 0, 0 },
	{ "an unknown backend", "aufs", NULL, NULL, NULL, 12, 1, 1, -EINVAL, 0, 0, 0 },
	{ "plain has no layers", "plain", "/a", NULL, NULL, 12, 1, 1, -EINVAL, 0, 0, 0 },
	{ "tmpfs has no changes to keep", "tmpfs", NULL, "/u", NULL, 12, 1, 1, -EINVAL, 0, 0, 0 },
};

static void annotate(struct arena *a, struct spec *spec, const char *name, const char *value)
{
	if (value)
		spec_annotation_set(a, spec, name, value);
}

/* covers: org.bryo.rootfs org.bryo.overlay.upper org.bryo.overlay.ephemeral */
static void test_choice(void)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_arena struct arena a = ARENA_INIT;
		struct host host = { .arena = &a, .faked = true, .kernel_major = 6 };
		struct spec spec = { .root = { .present = true, .path = "r" } };
		struct rootfs_request q = { &spec, "/b", &host, false, NULL, true };
		struct notes notes = { .arena = &a };
		struct rootfs_plan plan = { 0 };
		struct err err = ERR_INIT;
		int rc;

		host.kernel_minor = cases[i].minor;
		host.fuse_overlayfs = cases[i].program ? "/usr/bin/fuse-overlayfs" : NULL;
		host.dev_fuse = cases[i].dev;
		annotate(&a, &spec, "org.bryo.rootfs", cases[i].kind);
		annotate(&a, &spec, "org.bryo.overlay.lower", cases[i].lower);
		annotate(&a, &spec, "org.bryo.overlay.upper", cases[i].upper);
		annotate(&a, &spec, "org.bryo.overlay.ephemeral", cases[i].ephemeral);
		rc = rootfs_plan(&a, &q, &notes, &plan, &err);
		ok(rc == cases[i].rc &&
			   (rc < 0 ||
			    (plan.n_kinds == cases[i].n && plan.kinds[0] == cases[i].first &&
			     plan.overlay.upper == cases[i].changes && str_eq(plan.path, "/b/r"))),
		   "%s", cases[i].what);
		ok(rc < 0 || plan.kinds[0] == ROOTFS_TMPFS || !plan.overlay.lower.n ||
			   plan.readonly == (cases[i].changes == UPPER_NONE),
		   "%s: written or not", cases[i].what);
		ok(!plan.overlay.dir || rc < 0 ||
			   (plan.overlay.dir[0] == '/' &&
			    plan.overlay.dir[strlen(plan.overlay.dir) - 1] == 'u'),
		   "%s: absolute", cases[i].what);
	}
}

static const struct {
	const char *what;
	struct id_extent mine[3], layers[3];
	bool differs;
	const char *text;
} maps[] = {
	{ "the same",
	  { { 0, 1000, 1 }, { 1, 100000, 65536 } },
	  { { 0, 1000, 1 }, { 1, 100000, 65536 } },
	  false,
	  "0:0:1:1:1:65536" },
	{ "keep-id shows what subid made",
	  { { 0, 100000, 1000 }, { 1000, 1000, 1 }, { 1001, 101000, 64536 } },
	  { { 0, 1000, 1 }, { 1, 100000, 65536 } },
	  true,
	  "0:1:1000:1000:0:1:1001:1001:64536" },
	{ "nothing in common", { { 0, 1000, 1 } }, { { 0, 2000, 1 } }, false, NULL },
	{ "up to the last ID",
	  { { 0, 4294967290u, 6 } },
	  { { 10, 4294967292u, 4 } },
	  true,
	  "2:10:4" },
};

/* covers: org.bryo.overlay.idmap */
static void test_maps(void)
{
	for (size_t i = 0; i < ARRAY_LEN(maps); i++) {
		auto_str struct str text = STR_INIT;
		struct id_extents mine = { (struct id_extent *)maps[i].mine, 3 };
		struct id_extents layers = { (struct id_extent *)maps[i].layers, 3 };

		ok(overlay_idmap_text(&mine, &layers, &text) == maps[i].differs,
		   "%s: differs or not", maps[i].what);
		ok_str(text.p, maps[i].text, maps[i].what);
	}
}

static void test_limit(void)
{
	auto_arena struct arena a = ARENA_INIT;
	struct host host = { .arena = &a, .faked = true, .kernel_major = 6, .kernel_minor = 12 };

	for (size_t n = 498; n <= 500; n++) {
		struct spec spec = { .root = { .present = true, .path = "/r" } };
		struct rootfs_request q = { &spec, "/b", &host, false, NULL, true };
		struct notes notes = { .arena = &a };
		struct rootfs_plan plan = { 0 };
		struct err err = ERR_INIT;
		char *text = arena_alloc(&a, 2 * n);
		int rc;

		for (size_t i = 0; i < 2 * n - 1; i++)
			text[i] = i % 2 ? ':' : 'l';
		spec_annotation_set(&a, &spec, "org.bryo.overlay.lower", text);
		rc = rootfs_plan(&a, &q, &notes, &plan, &err);
		ok(rc == (n < 500 ? 0 : -EINVAL), "%zu layers and the root", n);
		ok(rc < 0 ||
			   (plan.overlay.lower.n == n + 1 && str_eq(plan.overlay.lower.v[n], "/r")),
		   "%zu layers: the root is the lowest", n);
	}
}

int main(void)
{
	test_lists();
	test_choice();
	test_maps();
	test_limit();
	return done();
}
