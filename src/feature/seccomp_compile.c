/*
 * seccomp_compile.c - a checked profile to BPF through libseccomp; the only file that knows the
 * library. Runs in the runtime, before the clone.
 *
 * In a static program the library is linked in and costs nothing until it is used. Else it is
 * loaded when a profile misses the cache and closed again: it costs 0.2 ms to load, more to
 * compile, and its memory would be inherited by init, which waits between create and start with
 * as little as possible.
 *
 * As runc does, the filter begins with a stub: a system call that is newer than every one the
 * profile names gives ENOSYS, not the default action. A libc that meets EPERM for a call it has
 * never tried before does not fall back to the old one; with ENOSYS it does.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "seccomp_compile.h"

#include "feature/seccomp.h"

#include "base/cleanup.h"
#include "base/vec.h"

#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>

#ifdef HAVE_SECCOMP

#include <dlfcn.h>
#include <malloc.h>
#include <seccomp.h>
#include <sys/mman.h>

_Static_assert(SCMP_CMP_NE == 1 && SCMP_CMP_EQ == 4 && SCMP_CMP_MASKED_EQ == 7,
	       "operators of seccomp_profile.c");
_Static_assert(SCMP_ACT_KILL_PROCESS == SECCOMP_RET_KILL_PROCESS &&
		       SCMP_ACT_NOTIFY == SECCOMP_RET_USER_NOTIF,
	       "actions of seccomp_profile.c");

#define LIBRARY	       "libseccomp.so.2"
#define OPTIMIZE_ABOVE 8 /* rules; libseccomp 2.5 was seen to hang on smaller trees (runc#3405) */
#define X32_BIT	       0x40000000u

struct lib {
	void *handle;
	__typeof__(seccomp_init) *init;
	__typeof__(seccomp_release) *release;
	__typeof__(seccomp_arch_resolve_name) *arch_resolve_name;
	__typeof__(seccomp_arch_native) *arch_native;
	__typeof__(seccomp_arch_add) *arch_add;
	__typeof__(seccomp_attr_set) *attr_set;
	__typeof__(seccomp_syscall_resolve_name_arch) *syscall_resolve_name_arch;
	__typeof__(seccomp_rule_add_array) *rule_add_array;
	__typeof__(seccomp_export_bpf) *export_bpf;
	__typeof__(seccomp_version) *version;
};

#ifdef SECCOMP_LINKED

static void lib_close(struct lib *lib)
{
	(void)lib;
}

#define auto_lib __attribute__((cleanup(lib_close)))

static int lib_open(struct lib *lib, struct err *err)
{
	(void)err;
	*lib = (struct lib){ NULL, seccomp_init, seccomp_release, seccomp_arch_resolve_name, seccomp_arch_native,
			     seccomp_arch_add, seccomp_attr_set, seccomp_syscall_resolve_name_arch,
			     seccomp_rule_add_array, seccomp_export_bpf, seccomp_version };
	return 0;
}

const char *seccomp_linked_library(void)
{
	return LIBRARY " linked into bryo " BRYO_VERSION;
}

static const char *library_file(struct arena *a, const struct lib *lib)
{
	(void)a;
	(void)lib;
	return seccomp_linked_library();
}

#else

const char *seccomp_linked_library(void)
{
	return NULL;
}

static const char *library_file(struct arena *a, const struct lib *lib)
{
	Dl_info where;

	return dladdr((void *)lib->init, &where) ? arena_strdup(a, where.dli_fname) : "";
}

static const struct {
	const char *name;
	size_t off;
} symbols[] = {
	{ "seccomp_init", offsetof(struct lib, init) },
	{ "seccomp_release", offsetof(struct lib, release) },
	{ "seccomp_arch_resolve_name", offsetof(struct lib, arch_resolve_name) },
	{ "seccomp_arch_native", offsetof(struct lib, arch_native) },
	{ "seccomp_arch_add", offsetof(struct lib, arch_add) },
	{ "seccomp_attr_set", offsetof(struct lib, attr_set) },
	{ "seccomp_syscall_resolve_name_arch", offsetof(struct lib, syscall_resolve_name_arch) },
	{ "seccomp_rule_add_array", offsetof(struct lib, rule_add_array) },
	{ "seccomp_export_bpf", offsetof(struct lib, export_bpf) },
	{ "seccomp_version", offsetof(struct lib, version) },
};

static void lib_close(struct lib *lib)
{
	if (lib->handle)
		(void)dlclose(lib->handle);
	lib->handle = NULL;
}

#define auto_lib __attribute__((cleanup(lib_close)))

static int lib_open(struct lib *lib, struct err *err)
{
	const char *why;

	lib->handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	for (size_t i = 0; lib->handle && i < ARRAY_LEN(symbols); i++) {
		void *p = dlsym(lib->handle, symbols[i].name);

		if (!p)
			lib_close(lib);
		else
			memcpy((char *)lib + symbols[i].off, &p, sizeof(p));
	}
	if (lib->handle)
		return 0;
	why = dlerror();
	return err_hint(err, err_set(err, ENOTSUP, "load libseccomp: %s", why ? why : "too old"),
			"install the package of " LIBRARY
			" (Debian: libseccomp2), or remove linux.seccomp");
}

#endif /* !SECCOMP_LINKED */

/* One architecture of the filter, and the newest system call that the profile names for it. */
struct arch {
	uint32_t token;
	int64_t last;
};

struct compiler {
	struct arena *arena;
	struct lib lib;
	scmp_filter_ctx ctx;
	const struct seccomp_profile *profile;
	VEC(struct arch) archs;
	struct str skipped; /* ", "-separated, for the note */
	size_t n_added;
};

static void compiler_release(struct compiler *c)
{
	if (c->ctx)
		c->lib.release(c->ctx);
	str_free(&c->skipped);
	lib_close(&c->lib);
}

#define auto_compiler __attribute__((cleanup(compiler_release)))

static void skip(struct compiler *c, const char *name)
{
	str_addf(&c->skipped, "%s%s", c->skipped.len ? ", " : "", name);
}

static int add_archs(struct compiler *c, struct err *err)
{
	uint32_t native = c->lib.arch_native();

	*vec_add(c->arena, &c->archs) = (struct arch){ native, -1 };
	for (size_t i = 0; i < c->profile->archs.n; i++) {
		const char *name = c->profile->archs.v[i];
		uint32_t token = c->lib.arch_resolve_name(name);
		int rc = token && token != native ? c->lib.arch_add(c->ctx, token) : 0;

		if (!token)
			skip(c,
			     name); /* this machine cannot run what the library has not heard of */
		if (rc == -EEXIST || !token || token == native)
			continue;
		if (rc < 0) {
			rc = err_set(err, -rc, "linux.seccomp.architectures: add '%s'", name);
			return err_hint(
				err, rc,
				"it cannot share a filter with this machine's architecture");
		}
		*vec_add(c->arena, &c->archs) = (struct arch){ token, -1 };
	}
	return 0;
}

/* Notes the newest number per architecture; returns the native one. */
static int resolve(struct compiler *c, const char *name)
{
	int native = __NR_SCMP_ERROR;

	for (size_t i = 0; i < c->archs.n; i++) {
		struct arch *arch = &c->archs.v[i];
		int nr = c->lib.syscall_resolve_name_arch(arch->token, name);

		if (i == 0)
			native = nr;
		if (nr >= 0 && nr > arch->last)
			arch->last = nr;
	}
	return native;
}

static int add_conditions(struct compiler *c, const struct profile_rule *rule, int nr)
{
	const struct spec_seccomp_arg *spec = rule->spec->args.v;
	size_t n = rule->spec->args.n;
	struct scmp_arg_cmp *cmp = arena_alloc(c->arena, n * sizeof(*cmp));
	int rc = 0;

	for (size_t i = 0; i < n; i++)
		cmp[i] = (struct scmp_arg_cmp){ spec[i].index, (enum scmp_compare)rule->ops[i],
						spec[i].value, spec[i].value_two };
	if (!rule->same_index)
		return c->lib.rule_add_array(c->ctx, rule->action, nr, (unsigned)n, cmp);
	for (size_t i = 0; rc >= 0 && i < n; i++) {
		rc = c->lib.rule_add_array(c->ctx, rule->action, nr, 1, &cmp[i]);
		rc = rc == -EEXIST ? 0 : rc;
	}
	return rc;
}

static int add_rule(struct compiler *c, const struct profile_rule *rule, struct err *err)
{
	for (size_t i = 0; i < rule->spec->names.n; i++) {
		const char *name = rule->spec->names.v[i];
		int nr = resolve(c, name);
		int rc;

		if (nr == __NR_SCMP_ERROR) {
			skip(c, name);
			continue;
		}
		/* libseccomp refuses a rule that says what the default says already */
		if (rule->action == c->profile->default_action)
			continue;
		c->n_added++;
		rc = add_conditions(c, rule, nr);
		if (rc < 0 && rc != -EEXIST)
			return err_set(err, -rc, "add a rule for '%s': %s", name, strerror(-rc));
	}
	return 0;
}

#define STUB_PER_ARCH	7
#define STMT(op, value) ((struct sock_filter){ (op), 0, 0, (value) })
#define JUMP(op, value, yes, no) \
	((struct sock_filter){ BPF_JMP | BPF_K | (op), (yes), (no), (value) })

/*
 * "nr > last gives ENOSYS" for one AUDIT_ARCH. x32 shares x86_64's and is told apart by a bit of
 * the number; where it is not in the filter all its numbers are above last.
 */
static size_t stub_arch(struct sock_filter *f, uint32_t audit, int64_t last, int64_t last_x32)
{
	size_t n = 0, body = last_x32 >= 0 ? 5 : 3;

	f[n++] = STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
	f[n++] = JUMP(BPF_JEQ, audit, 0, (unsigned char)body);
	f[n++] = STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	if (last_x32 >= 0) {
		f[n++] = JUMP(BPF_JGT, (uint32_t)last_x32, 2, 0);
		f[n++] = JUMP(BPF_JGE, X32_BIT, 2, 0);
	}
	f[n++] = JUMP(BPF_JGT, (uint32_t)last, 0, 1);
	f[n++] = STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
	return n;
}

static size_t stub_build(const struct compiler *c, struct sock_filter *f)
{
	int64_t last_x32 = -1;
	size_t n = 0;

	if (c->profile->permissive || c->profile->default_action == (SECCOMP_RET_ERRNO | ENOSYS))
		return 0;
	for (size_t i = 0; i < c->archs.n; i++)
		if (c->archs.v[i].token == SCMP_ARCH_X32)
			last_x32 = c->archs.v[i].last;
	for (size_t i = 0; i < c->archs.n; i++) {
		const struct arch *arch = &c->archs.v[i];

		if (arch->token == SCMP_ARCH_X32 || arch->last < 0)
			continue;
		n += stub_arch(f + n, arch->token, arch->last,
			       arch->token == SCMP_ARCH_X86_64 ? last_x32 : -1);
	}
	return n;
}

static int export(struct compiler *c, struct seccomp_entry *ret, struct err *err)
{
	size_t room = c->archs.n * STUB_PER_ARCH, stub, n;
	auto_fd int fd = memfd_create("seccomp", MFD_CLOEXEC);
	struct sock_filter *f;
	struct stat st;
	int rc;

	if (fd < 0)
		return err_sys(err, "memfd_create");
	rc = c->lib.export_bpf(c->ctx, fd);
	if (rc < 0)
		return err_set(err, -rc, "generate the filter: %s", strerror(-rc));
	if (fstat(fd, &st) < 0)
		return err_sys(err, "stat the filter");
	n = (size_t)st.st_size / sizeof(*f);
	f = arena_alloc(c->arena, (room + n) * sizeof(*f));
	stub = stub_build(c, f);
	if (n + stub > BPF_MAXINSNS)
		return err_set(err, E2BIG,
			       "the profile needs %zu instructions, the kernel takes %d", n + stub,
			       BPF_MAXINSNS);
	if (pread(fd, f + stub, n * sizeof(*f), 0) != (ssize_t)(n * sizeof(*f)))
		return err_sys(err, "read the filter");
	ret->filter = f;
	ret->n = (unsigned short)(n + stub);
	return 0;
}

int seccomp_compile(struct arena *a, const struct seccomp_profile *p, struct seccomp_entry *ret,
		    struct err *err)
{
	auto_compiler struct compiler c = { .arena = a, .profile = p };
	int rc = lib_open(&c.lib, err);

	if (rc < 0)
		return rc;
	c.ctx = c.lib.init(p->default_action);
	if (!c.ctx)
		return err_set(err, EINVAL, "libseccomp does not take the default action");
	rc = add_archs(&c, err);
	for (size_t i = 0; rc == 0 && i < p->rules.n; i++)
		rc = err_in(err, add_rule(&c, &p->rules.v[i], err), "linux.seccomp.syscalls[%zu]",
			    i);
	if (rc < 0)
		return rc;
	/* an older library ignores it; the filter is then a long list, and right */
	if (c.n_added > OPTIMIZE_ABOVE)
		(void)c.lib.attr_set(c.ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	rc = export(&c, ret, err);
	ret->skipped = c.skipped.len ? arena_strdup(a, c.skipped.p) : "";
	ret->library = library_file(a, &c.lib);
	return rc;
}

bool seccomp_compile_archs(struct json_out *o)
{
	auto_lib struct lib lib = { 0 };
	const struct name *words;
	size_t n;

	if (lib_open(&lib, NULL) < 0)
		return false;
	words = seccomp_words(SECCOMP_WORDS_ARCHS, &n);
	for (size_t i = 0; i < n; i++) {
		char lower[32];
		const char *from = words[i].name + strlen("SCMP_ARCH_");
		size_t len = strlen(from);

		for (size_t j = 0; j <= len; j++)
			lower[j] =
				(char)(from[j] >= 'A' && from[j] <= 'Z' ? from[j] + 32 : from[j]);
		if (lib.arch_resolve_name(lower))
			json_out_str(o, NULL, words[i].name);
	}
	return true;
}

const char *seccomp_library_version(void)
{
	static char text[16]; /* of a constant */
	auto_lib struct lib lib = { 0 };
	const struct scmp_version *v;

	if (lib_open(&lib, NULL) < 0)
		return NULL;
	v = lib.version();
	(void)snprintf(text, sizeof(text), "%u.%u.%u", v->major, v->minor, v->micro);
	return text;
}

#else

int seccomp_compile(struct arena *a, const struct seccomp_profile *p, struct seccomp_entry *ret,
		    struct err *err)
{
	int rc = err_set(err, ENOTSUP, "linux.seccomp: bryo was built without libseccomp");

	(void)a, (void)p, (void)ret;
	return err_hint(err, rc,
			"remove it from the config, or build with libseccomp-dev installed");
}

bool seccomp_compile_archs(struct json_out *o)
{
	(void)o;
	return false;
}

const char *seccomp_linked_library(void)
{
	return NULL;
}

const char *seccomp_library_version(void)
{
	return NULL;
}

#endif
