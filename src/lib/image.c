/*
 * image.c - from index.json over an index or two and a manifest to the configuration and the layers
 * of one image (image.h). Runs in the runtime.
 *
 * A layout is a stranger's. A blob's name is made of its digest, which is checked to be one, and is
 * opened below the layout through no link; no more is read of it than the descriptor says, which
 * is bounded; and what was read is digested before it is parsed. Layers are only opened here and
 * compared in size: bryo-unpack digests them before it reads them.
 */
#include "image.h"

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/sys.h"
#include "base/vec.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define DOCUMENT_MAX (4u << 20)
#define LAYERS_MAX   512
#define INDEX_DEPTH  4

#define OCI    "application/vnd.oci.image."
#define DOCKER "application/vnd.docker.distribution.manifest."
#define DIFF   "application/vnd.docker.image.rootfs."

struct platform {
	const char *os, *architecture, *variant;
};

struct descriptor {
	const char *type, *digest;
	struct opt_u64 size;
	struct pairs annotations;
	struct platform platform;
	bool has_platform;
};

struct index {
	struct list manifests;
	const char *type;
};
struct manifest {
	struct descriptor config;
	struct list layers;
};

#define DESC(member) offsetof(struct descriptor, member)

static const struct json_field platform_fields[] = {
	{ .name = "os", .kind = JSON_AS_STRING, .off = offsetof(struct platform, os) },
	{ .name = "architecture",
	  .kind = JSON_AS_STRING,
	  .off = offsetof(struct platform, architecture) },
	{ .name = "variant", .kind = JSON_AS_STRING, .off = offsetof(struct platform, variant) },
	{ 0 },
};
static const struct json_field descriptor_fields[] = {
	{ .name = "mediaType", .kind = JSON_AS_STRING, .off = DESC(type) },
	{ .name = "digest", .kind = JSON_AS_STRING, .off = DESC(digest), .required = true },
	{ .name = "size", .kind = JSON_AS_OPT_U64, .off = DESC(size), .required = true },
	{ .name = "annotations", .kind = JSON_AS_MAP, .off = DESC(annotations) },
	{ .name = "platform",
	  .kind = JSON_AS_STRUCT,
	  .off = DESC(platform),
	  .table = platform_fields,
	  .present = DESC(has_platform) },
	{ 0 },
};
static const struct json_field index_fields[] = {
	{ .name = "mediaType", .kind = JSON_AS_STRING, .off = offsetof(struct index, type) },
	{ .name = "manifests",
	  .kind = JSON_AS_LIST,
	  .off = offsetof(struct index, manifests),
	  .table = descriptor_fields,
	  .size = sizeof(struct descriptor),
	  .required = true },
	{ 0 },
};
static const struct json_field manifest_fields[] = {
	{ .name = "config",
	  .kind = JSON_AS_STRUCT,
	  .off = offsetof(struct manifest, config),
	  .table = descriptor_fields,
	  .required = true },
	{ .name = "layers",
	  .kind = JSON_AS_LIST,
	  .off = offsetof(struct manifest, layers),
	  .table = descriptor_fields,
	  .size = sizeof(struct descriptor),
	  .required = true },
	{ 0 },
};

/* ------------------------------------------------------------------------ blobs */

/* "sha256:" and 64 digits, or "sha512:" and 128: nothing else becomes a file name. */
static bool is_digest(const char *text)
{
	size_t want = str_starts(text, "sha256:") ? 64 : str_starts(text, "sha512:") ? 128 : 0;

	return want && strlen(text + 7) == want && strspn(text + 7, "0123456789abcdef") == want;
}

static int blob_open(const struct image *img, const struct descriptor *d, struct err *err)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};
	auto_fd int fd = -1;
	char path[160];
	struct stat st;

	if (!is_digest(d->digest))
		return err_set(err, EINVAL, "'%.150s' is not a digest in sha256 or sha512",
			       d->digest);
	(void)snprintf(path, sizeof(path), "blobs/%.6s/%.128s", d->digest, d->digest + 7);
	fd = sys_openat2(img->layout, path, &how);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, "open '%s'", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, EINVAL, "'%s' is not a regular file", path);
	if ((uint64_t)st.st_size != d->size.v)
		return err_set(err, EBADMSG, "'%s' has %lld bytes, not %llu", path,
			       (long long)st.st_size, (unsigned long long)d->size.v);
	return take_fd(&fd);
}

static int blob_read(struct image *img, const struct descriptor *d, const char **ret,
		     size_t *ret_len, struct err *err)
{
	auto_free char *text = NULL;
	auto_fd int fd = -1;
	int rc;

	if (d->size.v > DOCUMENT_MAX)
		return err_set(err, EFBIG, "it would have %llu bytes, more than %u MiB",
			       (unsigned long long)d->size.v, DOCUMENT_MAX >> 20);
	fd = blob_open(img, d, err);
	if (fd < 0)
		return fd;
	rc = fd_read_all(fd, DOCUMENT_MAX, &text, ret_len, err);
	if (rc == 0)
		rc = unpack_digest(d->digest, text, *ret_len, err);
	if (rc == 0)
		*ret = arena_strndup(img->arena, text, *ret_len);
	return rc;
}

static int blob_decode(struct image *img, const struct descriptor *d, const char *what,
		       const struct json_field *table, void *out, struct err *err)
{
	const char *text;
	struct json *doc;
	size_t len;
	int rc = blob_read(img, d, &text, &len, err);

	if (rc == 0)
		rc = json_parse(img->arena, what, text, len, &doc, err);
	if (rc == 0)
		rc = json_decode(img->arena, doc, table, out, err);
	return rc < 0 ? err_in(err, rc, "%s %.19s", what, d->digest) : 0;
}

/* ------------------------------------------------------------------------ which image */

static const char *architecture(const char *machine)
{
	static const char *const names[][2] = {
		{ "x86_64", "amd64" },
		{ "aarch64", "arm64" },
		{ "armv7l", "arm" },
		{ "armv6l", "arm" },
		{ "i686", "386" },
		{ "i386", "386" },
		{ "ppc64", "ppc64" },
		{ "ppc64le", "ppc64le" },
		{ "s390x", "s390x" },
		{ "riscv64", "riscv64" },
		{ "loongarch64", "loong64" },
		{ "mips64", "mips64" },
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_eq(machine, names[i][0]))
			return names[i][1];
	return machine;
}

static bool is_index(const struct descriptor *d)
{
	return str_eq(d->type, OCI "index.v1+json") || str_eq(d->type, DOCKER "list.v2+json");
}

static bool is_manifest(const struct descriptor *d)
{
	return str_eq(d->type, OCI "manifest.v1+json") || str_eq(d->type, DOCKER "v2+json");
}

/* Without a platform it is for everybody; attestations are for "unknown". */
static bool fits(const struct image *img, const struct descriptor *d)
{
	const char *mine = architecture(img->machine);

	if (!is_index(d) && !is_manifest(d))
		return false;
	if (!d->has_platform || !d->platform.architecture)
		return true;
	if (!str_eq(d->platform.os, "linux") || !str_eq(d->platform.architecture, mine))
		return false;
	/* arm is the one whose variants do not run what is newer */
	return !str_eq(mine, "arm") || !d->platform.variant ||
	       !(str_eq(img->machine, "armv6l") && str_eq(d->platform.variant, "v7"));
}

static const char *tag_of(const struct descriptor *d)
{
	static const char *const names[] = { "org.opencontainers.image.ref.name",
					     "io.containerd.image.name" };

	for (size_t k = 0; k < ARRAY_LEN(names); k++)
		for (size_t i = 0; i < d->annotations.n; i++)
			if (str_eq(d->annotations.v[i].name, names[k]))
				return d->annotations.v[i].value;
	return NULL;
}

static bool is_named(const struct descriptor *d, const char *tag)
{
	if (str_eq(d->digest, tag))
		return true;
	for (size_t i = 0; i < d->annotations.n; i++)
		if ((str_eq(d->annotations.v[i].name, "org.opencontainers.image.ref.name") ||
		     str_eq(d->annotations.v[i].name, "io.containerd.image.name")) &&
		    str_eq(d->annotations.v[i].value, tag))
			return true;
	return false;
}

static int refuse_tag(const struct index *index, const char *tag, struct err *err)
{
	const struct descriptor *list = index->manifests.v;
	auto_str struct str have = STR_INIT;
	int rc;

	for (size_t i = 0; i < index->manifests.n && have.len < 300; i++)
		str_addf(&have, "%s%.100s", i ? ", " : "",
			 tag_of(&list[i]) ? tag_of(&list[i]) : list[i].digest);
	if (!index->manifests.n)
		return err_set(err, ENOENT, "the layout holds no image");
	if (tag)
		rc = err_set(err, ENOENT, "the layout holds no image '%.100s'", tag);
	else
		rc = err_set(err, EINVAL, "the layout holds %zu images", index->manifests.n);
	return err_hint(err, rc, "name one of: %s", have.p);
}

/* By its name, or the only one: more entries may be one image for several platforms. */
static int pick_named(const struct image *img, const struct index *index, const char *tag,
		      const struct descriptor **ret, struct err *err)
{
	const struct descriptor *list = index->manifests.v, *found = NULL;
	bool several = false, unnamed = true;

	for (size_t i = 0; i < index->manifests.n; i++)
		unnamed = unnamed && !tag_of(&list[i]);
	for (size_t i = 0; i < index->manifests.n; i++) {
		if (tag ? !is_named(&list[i], tag) : unnamed && !fits(img, &list[i]))
			continue;
		several = several || (found && !str_eq(found->digest, list[i].digest));
		if (!found || !fits(img, found))
			found = &list[i];
	}
	if (!found || (several && !tag))
		return refuse_tag(index, tag, err);
	*ret = found;
	return 0;
}

static int pick_platform(const struct image *img, const struct index *index,
			 const struct descriptor **ret, struct err *err)
{
	const struct descriptor *list = index->manifests.v;
	auto_str struct str have = STR_INIT;
	int rc;

	for (size_t i = 0; i < index->manifests.n; i++) {
		if (fits(img, &list[i])) {
			*ret = &list[i];
			return 0;
		}
		if (list[i].platform.architecture && have.len < 200)
			str_addf(&have, "%s%.20s/%.20s", have.len ? ", " : "",
				 list[i].platform.os ? list[i].platform.os : "?",
				 list[i].platform.architecture);
	}
	rc = err_set(err, ENOENT, "the image is not there for linux/%s",
		     architecture(img->machine));
	return err_hint(err, rc, "there is: %s", have.len ? have.p : "nothing that is an image");
}

static int find_manifest(struct image *img, const struct descriptor *d, struct manifest *ret,
			 struct err *err)
{
	for (int depth = 0; is_index(d); depth++) {
		struct index *index = arena_alloc(img->arena, sizeof(*index));
		int rc = depth == INDEX_DEPTH
				 ? err_set(err, ELOOP, "more than %d indexes within each other",
					   depth)
				 : blob_decode(img, d, "index", index_fields, index, err);

		if (rc == 0)
			rc = pick_platform(img, index, &d, err);
		if (rc < 0)
			return rc;
	}
	if (!is_manifest(d))
		return err_set(err, EINVAL, "media type '%.100s' is not that of an image",
			       d->type ? d->type : "");
	return blob_decode(img, d, "manifest", manifest_fields, ret, err);
}

/* ------------------------------------------------------------------------ its parts */

static bool is_layer(const char *type)
{
	static const char *const types[] = {
		OCI "layer.v1.tar",
		OCI "layer.v1.tar+gzip",
		OCI "layer.v1.tar+zstd",
		OCI "layer.nondistributable.v1.tar",
		OCI "layer.nondistributable.v1.tar+gzip",
		OCI "layer.nondistributable.v1.tar+zstd",
		DIFF "diff.tar",
		DIFF "diff.tar.gzip",
		DIFF "diff.tar.zstd",
		DIFF "foreign.diff.tar",
		DIFF "foreign.diff.tar.gzip",
	};

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (str_eq(type, types[i]))
			return true;
	return false;
}

static int open_layer(struct image *img, const struct descriptor *d, size_t i, struct err *err)
{
	const char *diff_id = img->config.diff_ids.v[i];
	int fd;

	if (!d->type || !is_layer(d->type))
		return err_set(err, EOPNOTSUPP, "media type '%.100s' is not that of a layer",
			       d->type ? d->type : "");
	if (!is_digest(diff_id))
		return err_set(err, EINVAL, "diff_id '%.150s' is not a digest", diff_id);
	fd = blob_open(img, d, err);
	if (fd < 0)
		return fd;
	img->layers.v[img->layers.n++] = (struct unpack_layer){ fd, d->digest, diff_id };
	return 0;
}

static int open_layers(struct image *img, const struct manifest *m, struct err *err)
{
	const struct descriptor *list = m->layers.v;

	if (m->layers.n != img->config.diff_ids.n)
		return err_set(err, EINVAL, "%zu layers, but %zu diff_ids in the configuration",
			       m->layers.n, img->config.diff_ids.n);
	if (m->layers.n > LAYERS_MAX)
		return err_set(err, E2BIG, "%zu layers, more than %d", m->layers.n, LAYERS_MAX);
	img->layers.v = arena_alloc(img->arena, (m->layers.n + 1) * sizeof(*img->layers.v));
	for (size_t i = 0; i < m->layers.n; i++) {
		int rc = open_layer(img, &list[i], i, err);

		if (rc < 0)
			return err_in(err, rc, "layer %zu", i + 1);
	}
	return 0;
}

static int read_index(struct image *img, struct index *ret, struct err *err)
{
	auto_fd int fd = openat(img->layout, "index.json",
				O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	auto_free char *text = NULL;
	struct json *doc;
	struct stat st;
	size_t len;
	int rc;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_hint(err, err_sys(err, "open 'index.json'"),
				"an OCI image layout has oci-layout, index.json and blobs");
	if (!S_ISREG(st.st_mode))
		return err_set(err, EINVAL, "'index.json' is not a regular file");
	rc = fd_read_all(fd, DOCUMENT_MAX, &text, &len, err);
	if (rc == 0)
		rc = json_parse(img->arena, "index.json", arena_strndup(img->arena, text, len), len,
				&doc, err);
	return rc < 0 ? rc : json_decode(img->arena, doc, index_fields, ret, err);
}

int image_open(struct image *img, const char *tag, struct err *err)
{
	struct index index = { .type = NULL };
	struct manifest manifest = { .layers = { NULL, 0 } };
	const struct descriptor *d = NULL;
	const char *text;
	size_t len;
	int rc = read_index(img, &index, err);

	if (rc == 0)
		rc = pick_named(img, &index, tag, &d, err);
	if (rc == 0)
		rc = find_manifest(img, d, &manifest, err);
	if (rc < 0)
		return rc;
	rc = blob_read(img, &manifest.config, &text, &len, err);
	if (rc == 0)
		rc = image_config_parse(img->arena, "image configuration", text, len, &img->config,
					err);
	if (rc < 0)
		return err_in(err, rc, "configuration %.19s", manifest.config.digest);
	rc = open_layers(img, &manifest, err);
	if (rc < 0)
		image_close(img);
	return rc;
}

const char *image_foreign(const struct image *img)
{
	const struct image_config *c = &img->config;
	const char *mine = architecture(img->machine);
	const char *os = c->os ? c->os : "linux", *arch = c->architecture ? c->architecture : mine;
	bool narrow = (str_eq(mine, "amd64") && str_eq(arch, "386")) ||
		      (str_eq(mine, "arm64") && str_eq(arch, "arm"));

	if (str_eq(os, "linux") && (str_eq(arch, mine) || narrow))
		return NULL;
	return arena_printf(
		img->arena,
		"the image is for %.40s/%.40s, and this machine is linux/%s: its programs "
		"need an emulator",
		os, arch, mine);
}

void image_close(struct image *img)
{
	for (size_t i = 0; i < img->layers.n; i++)
		fd_closep(&img->layers.v[i].fd);
	img->layers.n = 0;
}

bool image_is_layout(int dirfd)
{
	return faccessat(dirfd, "oci-layout", F_OK, AT_SYMLINK_NOFOLLOW) == 0 &&
	       faccessat(dirfd, "index.json", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}
