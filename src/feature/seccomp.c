/*
 * seccomp.c - linux.seccomp in the plan, and the one system call that loads it.
 *
 * The runtime checks (seccomp_profile.c), then takes the instructions from the cache
 * (seccomp_cache.c) or from libseccomp (seccomp_compile.c). Init gets them finished: compiling
 * there would need megabytes in a process that may wait for days, and system calls that the
 * filter may just be about to forbid.
 */
#include "feature/seccomp.h"

#include "seccomp_cache.h"
#include "seccomp_compile.h"
#include "seccomp_profile.h"

#include "base/cleanup.h"
#include "base/sys.h"

#include <linux/seccomp.h>
#include <malloc.h>
#include <sys/utsname.h>

static void key_build(const struct seccomp_profile *p, struct str *key)
{
	struct utsname u = { 0 };

	(void)uname(&u);
	/* the last two tell the ABIs of one machine apart */
	str_addf(key, "native %s %zu %ld\n", u.machine, sizeof(long), (long)SYS_read);
	seccomp_profile_key(p, key);
}

/*
 * What init needs goes to a; whatever is only needed on the way is in an arena of its own: init
 * inherits what we leave, and libseccomp alone needs megabytes for a while.
 */
static int filter_get(struct arena *a, struct arena *tmp, const struct seccomp_profile *p,
		      int cache_dir, struct seccomp_entry *ret, struct err *err)
{
	auto_str struct str key = STR_INIT;
	int rc;

	key_build(p, &key);
	if (cache_dir >= 0 && seccomp_cache_load(a, cache_dir, &key, ret))
		return 0;
	rc = seccomp_compile(tmp, p, ret, err);
	if (rc < 0)
		return err_in(err, rc, "compile the system call filter");
	if (cache_dir >= 0 && *ret->library)
		seccomp_cache_save(cache_dir, &key, ret);
	ret->filter = memcpy(arena_alloc(a, ret->n * sizeof(*ret->filter)), ret->filter,
			     ret->n * sizeof(*ret->filter));
	ret->skipped = arena_strdup(a, ret->skipped);
	arena_free(tmp);
	(void)malloc_trim(0);
	return 0;
}

int seccomp_plan(struct arena *a, const struct spec_seccomp *spec, int cache_dir, bool compile,
		 struct notes *notes, struct seccomp_plan *ret, struct err *err)
{
	struct arena tmp = ARENA_INIT, tmp_compile = ARENA_INIT;
	struct seccomp_entry entry = { .skipped = "" };
	struct seccomp_profile profile;
	int rc = seccomp_profile_check(&tmp, spec, &profile, err);

	if (rc == 0 && compile)
		rc = filter_get(a, &tmp_compile, &profile, cache_dir, &entry, err);
	arena_free(&tmp_compile);
	arena_free(&tmp);
	if (rc < 0)
		return rc;
	if (*entry.skipped)
		note_add(notes, NOTE_ADAPTED, "linux.seccomp", "this libseccomp does not know them",
			 "skipped %s", entry.skipped);
	*ret = (struct seccomp_plan){
		.active = true,
		.n = entry.n,
		.filter = entry.filter,
		.flags = profile.flags,
		.notify = profile.notify,
		.skipped = *entry.skipped ? entry.skipped : NULL,
		.listener_path = spec->listener_path,
		.listener_metadata = spec->listener_metadata,
		.default_action = spec->default_action,
		.n_rules = spec->syscalls.n,
	};
	return 0;
}

static void features_words(struct json_out *o, const char *key, enum seccomp_words which)
{
	size_t n;
	const struct name *words = seccomp_words(which, &n);

	json_out_array(o, key);
	for (size_t i = 0; i < n; i++)
		json_out_str(o, NULL, words[i].name);
	json_out_end(o, ']');
}

/* A flag that the kernel knows fails on the address only. */
static bool flag_supported(unsigned flag)
{
	if (flag & SECCOMP_FILTER_FLAG_TSYNC)
		return true;
	flag |= SECCOMP_FILTER_FLAG_NEW_LISTENER; /* one of them is refused without */
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flag, NULL) < 0 && errno == EFAULT;
}

void seccomp_features(struct json_out *o)
{
	const struct name *flags;
	bool enabled;
	size_t n;

	json_out_object(o, "seccomp");
	json_out_array(o, "archs");
	enabled = seccomp_compile_archs(o);
	json_out_end(o, ']');
	json_out_bool(o, "enabled", enabled);
	if (enabled) {
		features_words(o, "actions", SECCOMP_WORDS_ACTIONS);
		features_words(o, "operators", SECCOMP_WORDS_OPS);
		features_words(o, "knownFlags", SECCOMP_WORDS_FLAGS);
		flags = seccomp_words(SECCOMP_WORDS_FLAGS, &n);
		json_out_array(o, "supportedFlags");
		for (size_t i = 0; i < n; i++)
			if (flag_supported((unsigned)flags[i].value))
				json_out_str(o, NULL, flags[i].name);
		json_out_end(o, ']');
	}
	json_out_end(o, '}');
}

int seccomp_inside(const struct seccomp_plan *plan, struct err *err)
{
	struct sock_fprog prog = { plan->n, (struct sock_filter *)plan->filter };
	long rc = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, plan->flags, &prog);
	int num;

	if (rc < 0) {
		num = err_sys(err, "load the system call filter");
		if (num == -EACCES)
			return err_hint(err, num,
					"it needs process.noNewPrivileges or CAP_SYS_ADMIN");
		return num == -EINVAL
			       ? err_hint(err, num, "the kernel knows no such filter or flag")
			       : num;
	}
	if (rc > 0 && !plan->notify)
		return err_set(err, EBUSY, "load the system call filter: thread %ld cannot follow",
			       rc);
	return (int)rc;
}
