/*
 * unpack.c - starts bryo-unpack and listens to it (unpack.h). The child is root of a user namespace
 * with the caller's IDs and alone in new mount, pid, network, IPC and UTS namespaces; it gets the
 * sources as descriptors, two pipes, and an environment of nothing. It shuts itself in further
 * (helpers/unpack_jail.c), since its libraries must be loaded before the host is out of sight.
 *
 * What it says may be said by an archive that took it over: lines are bounded, and only shown.
 */
#include "unpack.h"

#include "base/child.h"
#include "base/cleanup.h"
#include "base/fd.h"
#include "base/libexec.h"
#include "base/names.h"
#include "base/str.h"
#include "base/sys.h"
#include "feature/idmap_math.h"
#include "rootless/rootless.h"
#include "userns.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>

#define HELPER "bryo-unpack"
#define LINE   4096

#define MORE_IDS (64u << 20) /* that may be advised to give one user */

struct talk {
	struct bryo_ctx *ctx;
	struct unpack_job *job;
	int in, answers; /* its output, its input */
	bool done;
	char line[LINE]; /* what came of the next one */
	size_t len;
	char last
		[512]; /* what it said outside of the protocol: the loader's or a library's words */
	int rc;
	struct err err;
};

struct start { /* what the child needs */
	const char *path;
	char *const *argv;
	int rootfs, in, out;
	const int *keep;
	size_t n_keep;
};

/* [inside] Returns only when it failed. */
static int exec_helper(void *arg, struct err *err)
{
	const struct start *s = arg;
	char *const none[] = { "PATH=/usr/bin:/bin", NULL };

	if (fchdir(s->rootfs) < 0)
		return err_sys(err, "enter the new root file system");
	if (unshare(CLONE_NEWNS) < 0)
		return err_sys(err, "make a mount namespace");
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_sys(err, "make mounts private");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(err, "set no_new_privs");
	if (fd_dup_onto(s->in, STDIN_FILENO, err) < 0 ||
	    fd_dup_onto(s->out, STDOUT_FILENO, err) < 0 ||
	    fd_dup_onto(s->out, STDERR_FILENO, err) < 0 || fd_cloexec_from(3, err) < 0)
		return -EIO;
	for (size_t i = 0; i < s->n_keep; i++)
		if (fd_set_cloexec(s->keep[i], false, err) < 0)
			return -EIO;
	(void)execve(s->path, s->argv, none);
	return err_sys(err, "execute '%s'", s->path);
}

/* ------------------------------------------------------------------------ what it says */

static void told_skipped(struct bryo_ctx *ctx, const char *what)
{
	static const struct {
		const char *kind, *text, *why;
	} kinds[] = {
		{ "devices ", "device nodes were left out",
		  "the container gets its own; only root could make them" },
		{ "sockets ", "sockets were left out", "nobody listens on them any more" },
		{ "xattrs ", "extended attributes were left out",
		  "they cannot be set here, or mean nothing here" },
	};

	for (size_t i = 0; i < ARRAY_LEN(kinds) && ctx->notice; i++) {
		unsigned long long n;
		const char *p = what + strlen(kinds[i].kind);
		auto_free char *text = NULL;

		if (!str_starts(what, kinds[i].kind) || !str_next_u64(&p, UINT64_MAX, &n))
			continue;
		text = mem_printf("%llu %s, the first is%s (%s)", n, kinds[i].text, p,
				  kinds[i].why);
		(void)ctx->notice(ctx->notice_arg, text);
	}
}

static void told_user(struct unpack_job *job, const char *p)
{
	VEC(uint32_t) groups = VEC_INIT;
	unsigned long long uid, gid, id;

	if (!str_next_u64(&p, IDMAP_LAST, &uid) || !str_next_u64(&p, IDMAP_LAST, &gid))
		return;
	job->uid = (uint32_t)uid;
	job->gid = (uint32_t)gid;
	while (groups.n < 64 && str_next_u64(&p, IDMAP_LAST, &id)) {
		*vec_add(job->arena, &groups) = (uint32_t)id;
		p += *p == ',';
	}
	job->groups.v = groups.v;
	job->groups.n = groups.n;
}

/* No range gives the caller the files of others, nor IDs that a mistake has made that high. */
static void hint_owner(struct talk *t, const char *kind, uint64_t id, const struct id_ranges *have)
{
	const char *user = t->ctx->host.user;
	uint64_t count = id + 1;
	uint32_t first;

	for (size_t i = 0; i < have->n; i++)
		count -= have->v[i].count < count ? have->v[i].count : 0;
	if (t->job->how == UNPACK_COPY || count > MORE_IDS) {
		(void)err_hint(&t->err, t->rc, "--squash has root own what belongs to others");
		return;
	}
	first = subid_free((uint32_t)count);
	(void)err_hint(
		&t->err, t->rc,
		"sudo usermod --add-sub%.3ss %u-%u %s gives it more, or --squash has root own "
		"what belongs to others",
		kind, first, first + (uint32_t)count - 1, user ? user : "USER");
}

static void told_owner(struct talk *t, const char *p)
{
	bool group = str_starts(p, "gid ");
	auto_arena struct arena a = ARENA_INIT;
	struct id_ranges have;
	char text[160];
	const char *name = strchr(p + 4, ' ');
	char *id = arena_strndup(&a, p + 4, strcspn(p + 4, " "));
	struct stat st;

	/* of a directory's files the helper cannot see those of others, and we can */
	if (t->job->how == UNPACK_COPY && name &&
	    fstatat(t->job->source, name + 1, &st, AT_SYMLINK_NOFOLLOW) == 0)
		id = arena_printf(&a, "%u", group ? st.st_gid : st.st_uid);
	ranges_of_map(&a, group ? &t->job->ids->gid : &t->job->ids->uid, &have);
	ranges_text(&have, text, sizeof(text));
	t->rc = err_set(&t->err, EOVERFLOW,
			"'%s' belongs to %.3s %s%s, and the container has only %s",
			name ? name + 1 : "?", p, id,
			t->job->how == UNPACK_COPY ? " of this machine" : "", text);
	hint_owner(t, p, strtoull(id, NULL, 10), &have);
}

static void told_error(struct talk *t, const char *p)
{
	unsigned long long num;

	if (t->rc < 0 || !str_next_u64(&p, 4095, &num) || num == 0)
		return;
	t->rc = err_set(&t->err, (int)num, "%s", *p ? p + 1 : "unknown");
}

/* The file's owner as seen from outside, in the container's numbers. */
static void answer_owner(struct talk *t, const char *name)
{
	auto_str struct str text = STR_INIT;
	uint32_t uid, gid;
	struct stat st;

	if (fstatat(t->job->source, *name ? name : ".", &st, AT_SYMLINK_NOFOLLOW) < 0) {
		str_add(&text,
			"65534 65534\n"); /* in a directory of another mapped ID: so is the file */
	} else {
		bool u = id_to_inside(&t->job->ids->uid, st.st_uid, &uid);
		bool g = id_to_inside(&t->job->ids->gid, st.st_gid, &gid);

		str_addf(&text, "%lld %lld\n", u ? (long long)uid : -1, g ? (long long)gid : -1);
	}
	(void)fd_write_all(t->answers, text.p, text.len, NULL);
}

static void told_amount(struct unpack_job *job, const char *p)
{
	unsigned long long files, bytes;

	if (!str_next_u64(&p, UINT64_MAX, &files) || !str_next_u64(&p, UINT64_MAX, &bytes))
		return;
	job->files = files;
	job->bytes = bytes;
	if (job->progress)
		job->progress(job->progress_arg, files, bytes);
}

static void told(struct talk *t, const char *line)
{
	if (str_starts(line, "progress ")) {
		told_amount(t->job, line + strlen("progress "));
	} else if (str_starts(line, "done ")) {
		told_amount(t->job, line + strlen("done "));
		t->done = true;
	} else if (str_starts(line, "skipped ")) {
		told_skipped(t->ctx, line + strlen("skipped "));
	} else if (str_starts(line, "user ")) {
		told_user(t->job, line + strlen("user "));
	} else if (str_starts(line, "owner ")) {
		told_owner(t, line + strlen("owner "));
	} else if (str_starts(line, "ask ") && t->job->how == UNPACK_COPY) {
		answer_owner(t, line + strlen("ask "));
	} else if (str_starts(line, "error ")) {
		told_error(t, line + strlen("error "));
	} else {
		(void)snprintf(t->last, sizeof(t->last), "%.500s", line);
	}
}

/* False at its end. A line that is too long is cut. */
static bool listen_more(struct talk *t)
{
	ssize_t n = read(t->in, t->line + t->len, sizeof(t->line) - 1 - t->len);
	char *end;

	if (n < 0 && errno == EINTR)
		return true;
	if (n <= 0)
		return false;
	t->len += (size_t)n;
	t->line[t->len] = '\0';
	while ((end = memchr(t->line, '\n', t->len)) || t->len == sizeof(t->line) - 1) {
		size_t used = end ? (size_t)(end - t->line) + 1 : t->len;

		t->line[end ? used - 1 : used] = '\0';
		told(t, t->line);
		t->len -= used;
		memmove(t->line, t->line + used, t->len);
		t->line[t->len] = '\0';
	}
	return true;
}

static int interrupted(int signals, struct err *err)
{
	struct signalfd_siginfo info = { 0 };

	(void)!read(signals, &info, sizeof(info));
	return err_set(err, EINTR, "interrupted by %s", signal_name((int)info.ssi_signo));
}

static int listen_to(struct talk *t, struct err *err)
{
	struct pollfd p[] = { { .fd = t->in, .events = POLLIN },
			      { .fd = t->job->signals, .events = POLLIN } };

	for (;;) {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return err_sys(err, "wait for '" HELPER "'");
		if (p[1].revents)
			return interrupted(t->job->signals, err);
		if (p[0].revents && !listen_more(t))
			return 0;
	}
}

/* Its last word, or what its end says. */
static int verdict(struct talk *t, struct userns_child *c, struct err *err)
{
	int rc = userns_wait(c, err);

	if (t->rc < 0) {
		*err = t->err;
		return t->rc;
	}
	if (rc < 0 && t->last[0])
		return err_in(err, rc, "'" HELPER "': %s", t->last);
	if (rc < 0)
		return err_in(err, rc, "'" HELPER "'");
	return t->done ? 0 : err_set(err, EIO, "'" HELPER "' ended too early");
}

/* ------------------------------------------------------------------------ starting it */

static int find_helper(struct arena *a, const char **ret, struct err *err)
{
	int rc = libexec_find(a, HELPER, ret, err);

	return rc < 0 ? err_hint(
				err, rc,
				"it reads archives for bryo: `make install` brings it where libarchive-dev "
				"and libssl-dev were there to build with")
		      : 0;
}

static char *const *arguments(struct arena *a, const struct unpack_job *job, int *ret_keep,
			      size_t *ret_n)
{
	static const char *const how[] = { "tar", "layers", "copy" };
	VEC(char *) argv = VEC_INIT;

	*vec_add(a, &argv) = arena_strdup(a, HELPER);
	*vec_add(a, &argv) = arena_strdup(a, how[job->how]);
	if (job->squash)
		*vec_add(a, &argv) = arena_strdup(a, "--squash");
	if (job->progress)
		*vec_add(a, &argv) = arena_strdup(a, "--progress");
	if (job->user)
		*vec_add(a, &argv) = arena_printf(a, "--user=%s", job->user);
	if (job->cwd)
		*vec_add(a, &argv) = arena_printf(a, "--cwd=%s", job->cwd);
	if (job->how != UNPACK_LAYERS) {
		ret_keep[(*ret_n)++] = job->source;
		*vec_add(a, &argv) = arena_printf(a, "%d", job->source);
	}
	for (size_t i = 0; i < job->layers.n; i++) {
		const struct unpack_layer *l = &job->layers.v[i];

		ret_keep[(*ret_n)++] = l->fd;
		*vec_add(a, &argv) = arena_printf(a, "%d", l->fd);
		*vec_add(a, &argv) = arena_strdup(a, l->digest);
		*vec_add(a, &argv) = arena_strdup(a, l->diff_id);
	}
	*vec_add(a, &argv) = NULL;
	return argv.v;
}

static int converse(struct bryo_ctx *ctx, struct unpack_job *job, struct start *s, int out,
		    int answers, struct err *err)
{
	const uint64_t alone = CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;
	struct talk t = { .ctx = ctx, .job = job, .in = out, .answers = answers };
	struct userns_child c = USERNS_CHILD_INIT;
	int rc = userns_start(&ctx->host, job->ids, alone, exec_helper, s, &c, err);

	fd_closep(&s->in);
	fd_closep(&s->out);
	if (rc < 0)
		return rc;
	rc = listen_to(&t, err);
	if (rc < 0) {
		userns_end(&c);
		return rc;
	}
	return verdict(&t, &c, err);
}

int unpack_run(struct bryo_ctx *ctx, struct unpack_job *job, struct err *err)
{
	auto_arena struct arena a = ARENA_INIT;
	struct start s = { .rootfs = job->rootfs, .in = -1, .out = -1 };
	int *keep = arena_alloc(&a, (job->layers.n + 1) * sizeof(*keep));
	int down[2], up[2];
	int rc = find_helper(&a, &s.path, err);

	if (rc < 0)
		return rc;
	s.argv = arguments(&a, job, keep, &s.n_keep);
	s.keep = keep;
	if (pipe2(down, O_CLOEXEC) < 0)
		return err_sys(err, "make a pipe");
	auto_fd int answers = down[1];
	s.in = down[0];
	if (pipe2(up, O_CLOEXEC) < 0) {
		rc = err_sys(err, "make a pipe");
		fd_closep(&s.in);
		return rc;
	}
	auto_fd int out = up[0];
	s.out = up[1];
	return converse(ctx, job, &s, out, answers, err);
}

int unpack_digest(const char *digest, const void *data, size_t len, struct err *err)
{
	auto_arena struct arena a = ARENA_INIT;
	char *argv[] = { HELPER, "digest", arena_strdup(&a, digest), NULL };
	char *const none[] = { NULL };
	struct child c = CHILD_INIT;
	const char *text = c.output;
	unsigned long long num;
	int rc = find_helper(&a, &c.path, err);

	if (rc < 0)
		return rc;
	c.argv = argv;
	c.envp = none;
	c.input = data;
	c.input_len = len;
	c.capture = true;
	rc = child_run(&c, err);
	if (rc == 0 || !str_starts(text, "error "))
		return rc;
	text += strlen("error ");
	return str_next_u64(&text, 4095, &num) && num
		       ? err_set(err, (int)num, "%s", *text ? text + 1 : "")
		       : rc;
}
