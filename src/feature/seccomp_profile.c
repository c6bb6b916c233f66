/*
 * seccomp_profile.c - the vocabulary of linux.seccomp and every check that needs no libseccomp.
 * Runs in the runtime, and purely: the same errors come from `plan`, a fuzzer and a build
 * without the library.
 *
 * What a filter looks like is decided by the text of seccomp_profile_key() alone (with the
 * library and the machine), so the cache in seccomp_cache.c compares that text. A member that
 * changes the instructions and is not in the key would give a container somebody else's filter.
 */
#include "seccomp_profile.h"

#include "base/cleanup.h"
#include "base/vec.h"

#include <ctype.h>
#include <errno.h>
#include <linux/seccomp.h>

#ifndef SECCOMP_FILTER_FLAG_TSYNC_ESRCH
#define SECCOMP_FILTER_FLAG_TSYNC_ESRCH (1UL << 4)
#endif
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5) /* 5.19 */
#endif

#define ARGS	  6    /* of a system call */
#define ERRNO_MAX 4095 /* the kernel clamps above it */

static const struct name actions[] = {
	{ "SCMP_ACT_KILL", SECCOMP_RET_KILL_THREAD },
	{ "SCMP_ACT_KILL_PROCESS", SECCOMP_RET_KILL_PROCESS },
	{ "SCMP_ACT_KILL_THREAD", SECCOMP_RET_KILL_THREAD },
	{ "SCMP_ACT_TRAP", SECCOMP_RET_TRAP },
	{ "SCMP_ACT_ERRNO", SECCOMP_RET_ERRNO },
	{ "SCMP_ACT_TRACE", SECCOMP_RET_TRACE },
	{ "SCMP_ACT_ALLOW", SECCOMP_RET_ALLOW },
	{ "SCMP_ACT_LOG", SECCOMP_RET_LOG },
	{ "SCMP_ACT_NOTIFY", SECCOMP_RET_USER_NOTIF },
};

/* Values are libseccomp's enum scmp_compare; seccomp.c asserts it. */
static const struct name ops[] = {
	{ "SCMP_CMP_NE", 1 },	     { "SCMP_CMP_LT", 2 }, { "SCMP_CMP_LE", 3 },
	{ "SCMP_CMP_EQ", 4 },	     { "SCMP_CMP_GE", 5 }, { "SCMP_CMP_GT", 6 },
	{ "SCMP_CMP_MASKED_EQ", 7 },
};

/* Only whether the specification has the name; the token is libseccomp's. */
static const struct name archs[] = {
	{ "SCMP_ARCH_X86", 0 },	     { "SCMP_ARCH_X86_64", 0 },	     { "SCMP_ARCH_X32", 0 },
	{ "SCMP_ARCH_ARM", 0 },	     { "SCMP_ARCH_AARCH64", 0 },     { "SCMP_ARCH_MIPS", 0 },
	{ "SCMP_ARCH_MIPS64", 0 },   { "SCMP_ARCH_MIPS64N32", 0 },   { "SCMP_ARCH_MIPSEL", 0 },
	{ "SCMP_ARCH_MIPSEL64", 0 }, { "SCMP_ARCH_MIPSEL64N32", 0 }, { "SCMP_ARCH_PPC", 0 },
	{ "SCMP_ARCH_PPC64", 0 },    { "SCMP_ARCH_PPC64LE", 0 },     { "SCMP_ARCH_S390", 0 },
	{ "SCMP_ARCH_S390X", 0 },    { "SCMP_ARCH_PARISC", 0 },	     { "SCMP_ARCH_PARISC64", 0 },
	{ "SCMP_ARCH_RISCV64", 0 },  { "SCMP_ARCH_LOONGARCH64", 0 }, { "SCMP_ARCH_M68K", 0 },
	{ "SCMP_ARCH_SH", 0 },	     { "SCMP_ARCH_SHEB", 0 },
};

static const struct name flags[] = {
	{ "SECCOMP_FILTER_FLAG_TSYNC", SECCOMP_FILTER_FLAG_TSYNC },
	{ "SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG },
	{ "SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW },
	{ "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV },
};

static int check_action(const char *name, const struct opt_u32 *errno_ret, uint32_t *ret,
			struct err *err)
{
	int64_t v = name ? name_find(actions, ARRAY_LEN(actions), name) : -1;
	uint32_t data = errno_ret->set ? errno_ret->v : EPERM;

	if (v < 0)
		return err_set(err, EINVAL, "unknown action '%s'", name ? name : "");
	if (v == SECCOMP_RET_ERRNO || v == SECCOMP_RET_TRACE) {
		uint32_t max = v == SECCOMP_RET_ERRNO ? ERRNO_MAX : SECCOMP_RET_DATA;

		if (data > max)
			return err_set(err, EINVAL, "errnoRet %u: %s takes at most %u", data, name,
				       max);
		v |= data;
	} else if (errno_ret->set) {
		return err_set(err, EINVAL,
			       "errnoRet: %s returns no number, only ERRNO and TRACE do", name);
	}
	*ret = (uint32_t)v;
	return 0;
}

static int check_args(struct arena *a, const struct spec_seccomp_rule *rule,
		      struct profile_rule *ret, struct err *err)
{
	uint32_t *op = arena_alloc(a, rule->args.n * sizeof(*op));
	bool used[ARGS] = { false };

	for (size_t i = 0; i < rule->args.n; i++) {
		const struct spec_seccomp_arg *arg = &rule->args.v[i];
		int64_t v = arg->op ? name_find(ops, ARRAY_LEN(ops), arg->op) : -1;

		if (arg->index >= ARGS)
			return err_set(err, EINVAL,
				       "args[%zu].index %u: a system call has arguments 0 to %d", i,
				       arg->index, ARGS - 1);
		if (v < 0)
			return err_set(err, EINVAL, "args[%zu]: unknown operator '%s'", i,
				       arg->op ? arg->op : "");
		ret->same_index = ret->same_index || used[arg->index];
		used[arg->index] = true;
		op[i] = (uint32_t)v;
	}
	ret->ops = op;
	return 0;
}

static int check_rule(struct arena *a, const struct spec_seccomp_rule *rule,
		      struct profile_rule *ret, struct err *err)
{
	int rc = check_action(rule->action, &rule->errno_ret, &ret->action, err);

	if (rc < 0)
		return rc;
	if (!rule->names.n)
		return err_set(err, EINVAL, "names is empty");
	ret->spec = rule;
	for (size_t i = 0; ret->action == SECCOMP_RET_USER_NOTIF && i < rule->names.n; i++)
		if (str_eq(rule->names.v[i], "sendmsg"))
			return err_set(
				err, EINVAL,
				"SCMP_ACT_NOTIFY cannot be used for sendmsg: the descriptor is handed over with it");
	return check_args(a, rule, ret, err);
}

static int check_rules(struct arena *a, const struct spec_seccomp *spec,
		       struct seccomp_profile *ret, struct err *err)
{
	ret->rules.v = arena_alloc(a, spec->syscalls.n * sizeof(*ret->rules.v));
	for (size_t i = 0; i < spec->syscalls.n; i++) {
		struct profile_rule *rule = &ret->rules.v[ret->rules.n++];
		int rc = check_rule(a, &spec->syscalls.v[i], rule, err);

		if (rc < 0)
			return err_in(err, rc, "linux.seccomp.syscalls[%zu]", i);
		ret->notify = ret->notify || rule->action == SECCOMP_RET_USER_NOTIF;
	}
	return 0;
}

static int check_archs(struct arena *a, const struct spec_seccomp *spec,
		       struct seccomp_profile *ret, struct err *err)
{
	ret->archs.v = arena_alloc(a, (spec->architectures.n + 1) * sizeof(char *));
	for (size_t i = 0; i < spec->architectures.n; i++) {
		const char *name = spec->architectures.v[i];
		char *lower;

		if (name_find(archs, ARRAY_LEN(archs), name) < 0)
			return err_set(
				err, EINVAL,
				"linux.seccomp.architectures[%zu]: unknown architecture '%s'", i,
				name);
		lower = arena_strdup(a, name + strlen("SCMP_ARCH_"));
		for (char *c = lower; *c; c++)
			*c = (char)tolower((unsigned char)*c);
		ret->archs.v[ret->archs.n++] = lower;
	}
	return 0;
}

static int check_flags(const struct spec_seccomp *spec, struct seccomp_profile *ret,
		       struct err *err)
{
	/* an empty list is a wish, an absent one is not */
	if (!spec->flags.v)
		ret->flags = SECCOMP_FILTER_FLAG_SPEC_ALLOW;
	for (size_t i = 0; i < spec->flags.n; i++) {
		int64_t v = name_find(flags, ARRAY_LEN(flags), spec->flags.v[i]);

		if (v < 0)
			return err_set(err, EINVAL, "linux.seccomp.flags[%zu]: unknown flag '%s'",
				       i, spec->flags.v[i]);
		ret->flags |= (unsigned)v;
	}
	/* the kernel refuses this one without a listener, and it means nothing then */
	if (!ret->notify)
		ret->flags &= ~(unsigned)SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	else
		ret->flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
	if (ret->notify && (ret->flags & SECCOMP_FILTER_FLAG_TSYNC))
		ret->flags |= SECCOMP_FILTER_FLAG_TSYNC_ESRCH;
	return 0;
}

static int check_listener(const struct spec_seccomp *spec, const struct seccomp_profile *p,
			  struct err *err)
{
	bool path = spec->listener_path && *spec->listener_path;

	if (spec->listener_metadata && *spec->listener_metadata && !path)
		return err_set(err, EINVAL,
			       "linux.seccomp.listenerMetadata: there is no listenerPath");
	if (p->notify && !path)
		return err_hint(
			err,
			err_set(err, EINVAL, "linux.seccomp: SCMP_ACT_NOTIFY without listenerPath"),
			"nobody would answer and the calls would hang; name the agent's socket");
	return 0;
}

int seccomp_profile_check(struct arena *a, const struct spec_seccomp *spec,
			  struct seccomp_profile *ret, struct err *err)
{
	int rc;

	*ret = (struct seccomp_profile){ 0 };
	rc = check_action(spec->default_action, &spec->default_errno_ret, &ret->default_action,
			  err);
	if (rc == 0 && ret->default_action == SECCOMP_RET_USER_NOTIF)
		rc = err_set(err, EINVAL, "SCMP_ACT_NOTIFY cannot be the default action");
	if (rc < 0)
		return err_in(err, rc, "linux.seccomp.defaultAction");
	switch (ret->default_action & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
	case SECCOMP_RET_LOG:
	case SECCOMP_RET_TRACE:
		ret->permissive = true;
	}
	rc = check_archs(a, spec, ret, err);
	if (rc == 0)
		rc = check_rules(a, spec, ret, err);
	if (rc == 0)
		rc = check_flags(spec, ret, err);
	return rc < 0 ? rc : check_listener(spec, ret, err);
}

void seccomp_profile_key(const struct seccomp_profile *p, struct str *ret)
{
	str_addf(ret, "default %x\n", p->default_action);
	for (size_t i = 0; i < p->archs.n; i++)
		str_addf(ret, "arch %s\n", p->archs.v[i]);
	for (size_t i = 0; i < p->rules.n; i++) {
		const struct profile_rule *rule = &p->rules.v[i];

		str_addf(ret, "rule %x %zu", rule->action, rule->spec->names.n);
		for (size_t j = 0; j < rule->spec->args.n; j++) {
			const struct spec_seccomp_arg *arg = &rule->spec->args.v[j];

			str_addf(ret, " %u/%u/%llx/%llx", arg->index, rule->ops[j],
				 (unsigned long long)arg->value,
				 (unsigned long long)arg->value_two);
		}
		str_addc(ret, '\n');
		/* a name may hold any byte but NUL, and ends with it; how many, the line says */
		for (size_t j = 0; j < rule->spec->names.n; j++)
			str_addn(ret, rule->spec->names.v[j], strlen(rule->spec->names.v[j]) + 1);
	}
}

const struct name *seccomp_words(enum seccomp_words which, size_t *ret_n)
{
	static const struct {
		const struct name *table;
		size_t n;
	} words[] = {
		[SECCOMP_WORDS_ACTIONS] = { actions, ARRAY_LEN(actions) },
		[SECCOMP_WORDS_OPS] = { ops, ARRAY_LEN(ops) },
		[SECCOMP_WORDS_ARCHS] = { archs, ARRAY_LEN(archs) },
		[SECCOMP_WORDS_FLAGS] = { flags, ARRAY_LEN(flags) },
	};

	*ret_n = words[which].n;
	return words[which].table;
}
