/*
 * prepare.c - the document, the options written over its annotations, and the plan of both. An
 * option and the annotation that it stands for are one thing from here on: what comes after looks
 * at the spec only. Runs in the calling process and changes nothing but, where it may, the cache
 * of compiled filters.
 */
#include "prepare.h"

#include "layers.h"

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "oci/idmap_style.h"
#include "oci/proc_word.h"
#include "oci/spec_load.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

static int load_spec(struct prepared *p, const struct bryo_create_options *o, struct err *err)
{
	char real[PATH_MAX];
	auto_fd int dir = -1;

	if (!realpath(o->bundle ? o->bundle : ".", real))
		return err_sys(err, "bundle '%s'", o->bundle ? o->bundle : ".");
	p->bundle = arena_strdup(&p->arena, real);
	if (o->config_text) {
		p->config = o->config_text;
		p->config_len = strlen(o->config_text);
		return spec_parse(&p->arena, "config (made by bryo)", p->config, p->config_len,
				  &p->spec, err);
	}
	if (o->config)
		return spec_load(&p->arena, AT_FDCWD, o->config, &p->spec, &p->config,
				 &p->config_len, err);
	dir = open(real, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_sys(err, "bundle '%s'", real);
	return spec_load(&p->arena, dir, "config.json", &p->spec, &p->config, &p->config_len, err);
}

static const char *publish_words(struct prepared *p, const struct bryo_create_options *o)
{
	auto_str struct str s = STR_INIT;

	for (size_t i = 0; i < o->publish.n; i++)
		str_addf(&s, "%s%s", i ? "," : "", o->publish.v[i]);
	return arena_strdup(&p->arena, s.p ? s.p : "");
}

static int load(struct prepared *p, const struct bryo_create_options *o, struct err *err)
{
	int rc = load_spec(p, o, err);

	if (rc == 0)
		rc = layers_options(&p->arena, p->spec, o, err);
	if (rc == 0 && o->idmap)
		idmap_style_set(&p->arena, p->spec, o->idmap);
	if (rc == 0 && o->publish.n)
		spec_annotation_set(&p->arena, p->spec, PUBLISH_ANNOTATION, publish_words(p, o));
	if (rc == 0 && o->net)
		spec_annotation_set(&p->arena, p->spec, NET_ANNOTATION, o->net);
	if (rc == 0 && o->proc)
		spec_annotation_set(&p->arena, p->spec, PROC_ANNOTATION, o->proc);
	if (rc == 0 && o->init)
		spec_annotation_set(&p->arena, p->spec, INIT_ANNOTATION, "true");
	if (rc == 0 && o->die_with_parent)
		spec_annotation_set(&p->arena, p->spec, DIE_ANNOTATION, "true");
	if (rc == 0 && o->timeout)
		spec_annotation_set(&p->arena, p->spec, TIMEOUT_ANNOTATION, o->timeout);
	if (rc == 0 && p->notify_dir)
		sdnotify_spec(&p->arena, p->spec, p->notify_dir);
	return rc;
}

static int make_plan(struct bryo_ctx *ctx, struct prepared *p, const char *id,
		     const struct bryo_create_options *o, struct host *host, bool dry,
		     struct err *err)
{
	const struct strv listen = { o->listen.v, o->listen.n };
	struct plan_request q = {
		.spec = p->spec,
		.id = id,
		.bundle = p->bundle,
		.state_dir = p->state_dir,
		.net_target = p->target.id ? &p->target : NULL,
		.cgroup_manager = ctx->cgroup_manager,
		.no_pivot = o->no_pivot,
		.no_new_keyring = o->no_new_keyring,
		.preserve_fds = o->preserve_fds,
		.listen = { o->listen_fds, o->listen_names, &listen },
		.compile_seccomp = !host->faked,
		.seccomp_cache = -1,
	};

	if (p->spec->linux_.seccomp && !dry)
		q.seccomp_cache = p->seccomp_cache = ctx_seccomp_cache(ctx);
	return plan_build(&p->arena, &q, host, &p->plan, err);
}

static void name_directories(const struct bryo_ctx *ctx, struct prepared *p, const char *id)
{
	auto_free char *root = path_absolute(ctx->root ? ctx->root : "/");

	p->state_dir = arena_printf(&p->arena, "%s/%s", root, id);
	if (ctx->notify_socket && ctx->root)
		p->notify_dir = arena_printf(&p->arena, "%s/" SDNOTIFY_DIR, p->state_dir);
}

static int find_target(const struct bryo_ctx *ctx, struct prepared *p, struct err *err)
{
	struct net_words words;
	int rc = net_words_of(&p->arena, p->spec, &words, err);

	return rc < 0 || words.kind != NET_JOIN
		       ? rc
		       : net_target_find(ctx, &p->arena, words.join, &p->target, err);
}

int prepare(struct bryo_ctx *ctx, const char *id, const struct bryo_create_options *o,
	    struct host *host, bool dry, struct prepared *p, struct err *err)
{
	int rc = state_id_check(id, err);

	name_directories(ctx, p, id);
	if (rc == 0)
		rc = listen_check(o->listen_fds, err);
	if (rc == 0)
		rc = preserve_fds_check(3 + o->listen_fds, o->preserve_fds, err);
	if (rc == 0)
		rc = load(p, o, err);
	if (rc == 0 && !host->faked)
		rc = find_target(ctx, p, err);
	if (rc == 0)
		rc = make_plan(ctx, p, id, o, host, dry, err);
	return rc;
}

void prepared_end(struct prepared *p)
{
	net_target_close(&p->target);
	listen_close(&p->plan.process.listen);
	fd_closep(&p->seccomp_cache);
	arena_free(&p->arena);
}

int prepare_check_threads(struct err *err)
{
	struct stat st;

	/* One entry besides "." and "..": link count 3. */
	if (stat("/proc/self/task", &st) < 0 || st.st_nlink <= 3)
		return 0;
	return err_set(err, EINVAL,
		       "a container can be created from a single-threaded process only");
}
