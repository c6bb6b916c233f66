/*
 * bundle.c - bryo_bundle(): a root file system and its config.json from what images are shipped as.
 * Runs in the calling process; bryo-unpack writes the files (unpack.h).
 *
 * All is made in a scratch directory (base/scratch.h) beside the wanted one and renamed at the end,
 * so what stands under the name is whole, and the next one there finds what a killed one has left.
 * It has mode 0700: there are set-user-ID programs of strangers in it, which nobody else on this
 * machine may start. The IDs that the files got are written into config.json as mappings, because
 * what the caller owns may have changed when it is run. Device nodes are made for nobody, also not
 * for root: a container has its own.
 */
#include "context.h"

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/json_edit.h"
#include "base/scratch.h"
#include "base/str.h"
#include "base/sys.h"
#include "base/tree.h"
#include "image.h"
#include "oci/spec_sample.h"
#include "unpack.h"
#include "userns.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>

enum source { SOURCE_TAR, SOURCE_TREE, SOURCE_LAYOUT, SOURCE_LAYOUT_ARCHIVE };

struct making {
	struct bryo_ctx *ctx;
	const struct bryo_bundle_options *o;
	struct arena arena;
	struct idmap_plan ids;
	enum source kind;
	int source;
	const char *tag;
	struct image image;
	struct unpack_job job;
	int parent, stage,
		rootfs; /* the directory of the new one; under its first name; DIR/rootfs */
	char name[NAME_MAX + 1], first_name[NAME_MAX + 1]; /* "" until it is made */
	int signals;
	sigset_t old_mask;
};

/* ------------------------------------------------------------------------ signals */

static int hold_signals(struct making *m, struct err *err)
{
	sigset_t ends;

	sys_signals_ending(&ends);
	m->signals = signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK);
	if (m->signals < 0)
		return err_sys(err, "make a signalfd");
	sigaddset(&ends, SIGPIPE); /* the helper may go while it is answered */
	(void)sigprocmask(SIG_BLOCK, &ends, &m->old_mask);
	return 0;
}

static void release_signals(struct making *m)
{
	const struct timespec now = { 0 };
	sigset_t pipe;

	if (m->signals < 0)
		return;
	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	if (!sigismember(&m->old_mask, SIGPIPE))
		(void)sigtimedwait(&pipe, NULL, &now);
	(void)sigprocmask(SIG_SETMASK, &m->old_mask, NULL);
	fd_closep(&m->signals);
}

/* ------------------------------------------------------------------------ the source */

/* The name of an image, as podman and docker take it, is a frequent guess. */
static int no_source(const char *path, struct err *err)
{
	int rc = err_sys(err, "open '%s'", path);
	const char *docker = "docker://";

	if (rc != -ENOENT || path[0] == '/' || path[0] == '.')
		return rc;
	return err_hint(
		err, rc,
		"SOURCE is a tar, a directory or an OCI image layout; of an image in a registry, "
		"skopeo copy %s%s oci:LAYOUT:TAG makes one",
		str_starts(path, docker) ? "" : docker, path);
}

static int open_layout(struct making *m, const char *path, enum source kind, struct err *err)
{
	int flags = kind == SOURCE_LAYOUT ? O_RDONLY | O_DIRECTORY : O_RDONLY | O_NOCTTY;
	struct stat st;

	m->kind = kind;
	m->source = open(path, flags | O_CLOEXEC);
	if (m->source < 0 || fstat(m->source, &st) < 0)
		return no_source(path, err);
	if (kind == SOURCE_LAYOUT_ARCHIVE && S_ISDIR(st.st_mode))
		return err_hint(err, err_set(err, EISDIR, "'%s' is a directory", path),
				"oci:%s%s%s", path, m->tag ? ":" : "", m->tag ? m->tag : "");
	return 0;
}

/* PATH or PATH:TAG. A tag may have colons, and so may a path: the shortest one that exists. */
static int open_tagged(struct making *m, const char *text, enum source kind, struct err *err)
{
	struct stat st;

	for (const char *p = strchr(text, ':'); p; p = strchr(p + 1, ':')) {
		char *path = arena_strndup(&m->arena, text, (size_t)(p - text));

		if (stat(path, &st) == 0 && p[1]) {
			m->tag = p + 1;
			return open_layout(m, path, kind, err);
		}
	}
	return open_layout(m, text, kind, err);
}

static int open_path(struct making *m, const char *path, struct err *err)
{
	struct stat st;

	if (strchr(path, ':') && stat(path, &st) < 0 && errno == ENOENT)
		return open_tagged(m, path, SOURCE_LAYOUT, err);
	m->source = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (m->source < 0 || fstat(m->source, &st) < 0)
		return no_source(path, err);
	m->kind = SOURCE_TAR;
	if (S_ISDIR(st.st_mode))
		m->kind = image_is_layout(m->source) ? SOURCE_LAYOUT : SOURCE_TREE;
	return 0;
}

static int open_source(struct making *m, struct err *err)
{
	const char *s = m->o->source;

	if (str_eq(s, "-")) {
		m->kind = SOURCE_TAR;
		m->source = fd_dup(STDIN_FILENO, 3, err);
		return m->source < 0 ? m->source : 0;
	}
	if (str_starts(s, "oci:"))
		return open_tagged(m, s + strlen("oci:"), SOURCE_LAYOUT, err);
	if (str_starts(s, "oci-archive:"))
		return open_tagged(m, s + strlen("oci-archive:"), SOURCE_LAYOUT_ARCHIVE, err);
	return open_path(m, s, err);
}

/* ------------------------------------------------------------------------ the stage */

static int split_name(struct making *m, struct err *err)
{
	auto_free char *path = mem_strdup(m->o->dir);
	size_t len = strlen(path);
	char *slash;

	while (len > 1 && path[len - 1] == '/')
		path[--len] = '\0';
	slash = strrchr(path, '/');
	(void)snprintf(m->name, sizeof(m->name), "%s", slash ? slash + 1 : path);
	if (!*m->name || str_eq(m->name, ".") || str_eq(m->name, "..") ||
	    strlen(slash ? slash + 1 : path) > NAME_MAX)
		return err_set(err, EINVAL, "'%s' is not the name of a new directory", m->o->dir);
	if (slash)
		slash[slash == path ? 1 : 0] = '\0';
	m->parent = open(slash ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return m->parent < 0 ? err_sys(err, "open '%s'", slash ? path : ".") : 0;
}

/* It would be copied into itself without an end. */
static int check_apart(const struct making *m, struct err *err)
{
	struct stat source;

	if (m->kind != SOURCE_TREE || fstat(m->source, &source) < 0 ||
	    !tree_is_above(&source, m->parent))
		return 0;
	return err_set(err, EINVAL, "'%s' is inside of '%s'", m->o->dir, m->o->source);
}

static int check_free(const struct making *m, struct err *err)
{
	auto_fd int fd =
		openat(m->parent, m->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char batch[1024];
	long n;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return err_set(err, EEXIST, "'%s' exists and is not a directory", m->o->dir);
	n = syscall(SYS_getdents64, fd, batch, sizeof(batch));
	if (n <= 0)
		return n < 0 ? err_sys(err, "read '%s'", m->o->dir) : 0;
	/* "." and ".." are 24 bytes each */
	return n <= 48 ? 0
		       : err_hint(err, err_set(err, ENOTEMPTY, "'%s' is not empty", m->o->dir),
				  "bryo rm-tree removes an old bundle");
}

static int make_stage(struct making *m, struct err *err)
{
	m->stage = scratch_make(m->parent, m->name, m->first_name, err);
	if (m->stage < 0)
		return err_in(err, m->stage, "'%s'", m->o->dir);
	if (mkdirat(m->stage, "rootfs", 0755) < 0)
		return err_sys(err, "make '%s/rootfs'", m->o->dir);
	m->rootfs = openat(m->stage, "rootfs", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return m->rootfs < 0 ? err_sys(err, "open '%s/rootfs'", m->o->dir) : 0;
}

/* ------------------------------------------------------------------------ config.json */

static bool is_single(const struct id_extents *map)
{
	return map->n == 1 && map->v[0].count == 1;
}

static struct spec_mappings mappings(struct arena *a, const struct id_extents *map)
{
	struct spec_mappings ret = { arena_alloc(a, map->n * sizeof(*ret.v)), map->n };

	for (size_t i = 0; i < map->n; i++)
		ret.v[i] = (struct spec_mapping){ .container_id = map->v[i].inside,
						  .host_id = map->v[i].outside,
						  .size = map->v[i].count };
	return ret;
}

static int sample(struct making *m, struct str *ret, struct err *err)
{
	struct host *host = &m->ctx->host;
	struct spec_sample_options o = { .terminal = true };
	int rc = host_need_cgroup(host, err);

	if (rc < 0)
		return rc;
	o.kind = host->privileged ? SAMPLE_ROOT : SAMPLE_USER;
	o.cgroupns = host->cgroup == HOST_CGROUP_V2;
	if (is_single(&m->ids.uid) || is_single(&m->ids.gid)) {
		o.idmap = "single"; /* whoever the image's user is */
		o.mapped.style = IDMAP_SINGLE;
	} else if (!host->privileged || m->o->idmap) {
		o.mapped = (struct idmap_words){ IDMAP_LIST, mappings(&m->arena, &m->ids.uid),
						 mappings(&m->arena, &m->ids.gid) };
	}
	spec_sample(&o, ret);
	return 0;
}

static void notice(const struct making *m, const char *text)
{
	if (m->ctx->notice)
		(void)m->ctx->notice(m->ctx->notice_arg, text);
}

static void apply_image(struct making *m, struct json *doc)
{
	struct image_user user = { m->job.uid, m->job.gid, { m->job.groups.v, m->job.groups.n } };
	struct strv refused;

	if (m->ids.deny_setgroups && user.groups.n) {
		user.groups.n = 0;
		notice(m, "the user's supplementary groups were left out (with one ID for all, "
			  "nobody can be in others)");
	}
	image_config_apply(&m->arena, &m->image.config, &user, doc, &refused);
	for (size_t i = 0; i < refused.n; i++)
		notice(m,
		       arena_printf(
			       &m->arena,
			       "the image's label '%.100s' was left out (it would steer the runtime)",
			       refused.v[i]));
}

static int write_config(struct making *m, struct err *err)
{
	auto_json_out struct json_out out;
	auto_str struct str text = STR_INIT;
	struct json *doc;
	int rc;

	json_out_init(&out, "\t");
	rc = sample(m, &text, err);
	if (rc == 0)
		rc = json_parse(&m->arena, "config.json", text.p, text.len, &doc, err);
	if (rc < 0)
		return rc;
	if (m->job.how == UNPACK_LAYERS)
		apply_image(m, doc);
	if (!json_out_tree(&out, NULL, doc))
		return err_set(err, E2BIG, "config.json: nested too deeply");
	str_addc(&out.s, '\n');
	return file_replace_at(m->stage, "config.json", out.s.p, out.s.len, 0644, err);
}

/* ------------------------------------------------------------------------ making it */

static struct unpack_job new_job(struct making *m, enum unpack_how how, int rootfs)
{
	return (struct unpack_job){
		.how = how,
		.rootfs = rootfs,
		.source = m->source,
		.squash = m->o->squash,
		.ids = &m->ids,
		.signals = m->signals,
		.progress = m->o->progress,
		.progress_arg = m->o->progress_arg,
		.arena = &m->arena,
	};
}

/* The archive's layout beside the root file system, all of it the caller's own. */
static int unpack_layout(struct making *m, struct err *err)
{
	auto_fd int layout = -1;
	struct idmap_plan single;
	struct unpack_job job;
	int rc = userns_ids(&m->arena, &m->ctx->host, "single", &single, err);

	if (rc < 0)
		return rc;
	if (mkdirat(m->stage, "layout", 0700) < 0)
		return err_sys(err, "make a directory for the layout");
	layout = openat(m->stage, "layout", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (layout < 0)
		return err_sys(err, "open the directory for the layout");
	job = new_job(m, UNPACK_TAR, layout);
	job.ids = &single;
	job.squash = true;
	rc = unpack_run(m->ctx, &job, err);
	if (rc < 0)
		return rc;
	fd_closep(&m->source);
	m->source = take_fd(&layout);
	return 0;
}

static int unpack_image(struct making *m, struct err *err)
{
	const struct image_config *c = &m->image.config;
	int rc = m->kind == SOURCE_LAYOUT_ARCHIVE ? unpack_layout(m, err) : 0;

	if (rc < 0)
		return rc;
	m->image.arena = &m->arena;
	m->image.layout = m->source;
	m->image.machine = m->ctx->host.machine;
	rc = image_open(&m->image, m->tag, err);
	if (rc < 0)
		return rc;
	if (image_foreign(&m->image))
		notice(m, image_foreign(&m->image));
	m->job = new_job(m, UNPACK_LAYERS, m->rootfs);
	m->job.layers = m->image.layers;
	m->job.user = c->user && *c->user ? c->user : NULL;
	m->job.cwd = c->cwd && *c->cwd ? c->cwd : NULL;
	rc = unpack_run(m->ctx, &m->job, err);
	if (rc == 0 && m->kind == SOURCE_LAYOUT_ARCHIVE)
		rc = userns_remove(&m->ctx->host, m->stage, "layout", err);
	return rc;
}

/* A tar of a layout, or what `docker save` writes, is a root file system by mistake only. */
static int check_rootfs(const struct making *m, struct err *err)
{
	int rc;

	if (image_is_layout(m->rootfs)) {
		rc = err_set(err, EINVAL, "it is an OCI image layout, not a root file system");
		return err_hint(err, rc, "oci-archive:%s", m->o->source);
	}
	if (faccessat(m->rootfs, "manifest.json", F_OK, AT_SYMLINK_NOFOLLOW) < 0 ||
	    faccessat(m->rootfs, "repositories", F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	rc = err_set(err, EINVAL,
		     "it is an image as `docker save` writes it, not a root file system");
	return err_hint(err, rc,
			"skopeo copy docker-archive:%s oci:LAYOUT:TAG makes one that bryo reads",
			m->o->source);
}

static int unpack(struct making *m, struct err *err)
{
	int rc;

	if (m->kind == SOURCE_LAYOUT || m->kind == SOURCE_LAYOUT_ARCHIVE) {
		rc = unpack_image(m, err);
	} else {
		m->job = new_job(m, m->kind == SOURCE_TREE ? UNPACK_COPY : UNPACK_TAR, m->rootfs);
		rc = unpack_run(m->ctx, &m->job, err);
		if (rc == 0 && m->kind == SOURCE_TAR)
			rc = check_rootfs(m, err);
	}
	return rc < 0 ? err_in(err, rc, "%s", m->o->source) : 0;
}

static int choose_ids(struct making *m, struct err *err)
{
	const struct host *host = &m->ctx->host;
	int rc = userns_ids(&m->arena, &m->ctx->host, m->o->idmap, &m->ids, err);
	uint32_t inside;

	if (rc < 0 || host->privileged || id_to_inside(&m->ids.uid, host->uid, &inside))
		return rc;
	rc = err_set(err, EINVAL, "idmap: your own uid %u, who makes the directory, is not mapped",
		     host->uid);
	return err_hint(err, rc, "map it to some ID, or leave the mapping out");
}

static int named_meanwhile(int rc, struct err *err)
{
	return rc == -ENOTEMPTY || rc == -EEXIST
		       ? err_hint(err, rc, "somebody else has made it meanwhile; that one stays")
		       : rc;
}

static int make(struct making *m, struct err *err)
{
	int rc = open_source(m, err);

	if (rc == 0)
		rc = split_name(m, err);
	if (rc == 0)
		rc = check_free(m, err);
	if (rc == 0)
		rc = check_apart(m, err);
	if (rc == 0)
		rc = choose_ids(m, err);
	if (rc < 0)
		return rc;
	userns_sweep(&m->ctx->host, m->parent);
	rc = hold_signals(m, err);
	if (rc == 0)
		rc = make_stage(m, err);
	if (rc == 0)
		rc = unpack(m, err);
	if (rc == 0)
		rc = write_config(m, err);
	if (rc < 0)
		return rc;
	if (renameat(m->parent, m->first_name, m->parent, m->name) < 0)
		return named_meanwhile(err_sys(err, "name it '%s'", m->o->dir), err);
	m->first_name[0] = '\0';
	return 0;
}

static void making_end(struct making *m)
{
	struct err err = ERR_INIT;
	char text[ERR_TEXT];

	if (m->stage >= 0 && m->first_name[0] &&
	    userns_remove(&m->ctx->host, m->parent, m->first_name, &err) < 0) {
		(void)err_in(&err, -err.num, "clean up");
		notice(m, err_format(&err, text, sizeof(text)));
	}
	image_close(&m->image);
	fd_closep(&m->source);
	fd_closep(&m->rootfs);
	fd_closep(&m->stage);
	fd_closep(&m->parent);
	release_signals(m);
	arena_free(&m->arena);
}

int bryo_bundle(bryo_ctx *ctx, const struct bryo_bundle_options *o, struct bryo_err *e)
{
	struct err local = ERR_INIT, *err = e ? err_of(e) : &local;
	struct making m = { .ctx = ctx,
			    .o = o,
			    .arena = ARENA_INIT,
			    .source = -1,
			    .parent = -1,
			    .stage = -1,
			    .rootfs = -1,
			    .signals = -1 };
	int rc = make(&m, err);

	making_end(&m);
	return rc;
}
