/*
 * devices.c - rules of linux.resources.devices to a BPF program (devices.h). Three steps: the
 * rules checked, with a first one that denies all and the default devices at the end; those that
 * can still decide something, from the last to the first; their instructions.
 *
 * cgroup v1 kept one list of exceptions to one default, so that "allow c *:*, deny c 1:11" could
 * not be said: the kernel ignored the second rule, runc refuses it. It is taken as it reads, which
 * the specification's "in the listed order" asks for. So are numbers and access of type "a", which
 * v1 and runc ignore: "allow a 10:229 r" is not "allow everything".
 */
#include "devices.h"

#include "base/cleanup.h"
#include "base/str.h"

#include <string.h>

#define ACCESS_ALL (BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE)
#define ANY	   (-1)

static const struct device_rule defaults[] = {
	{ 'a', true, BPF_DEVCG_ACC_MKNOD, ANY, ANY },
	{ 'c', true, ACCESS_ALL, 1, 3 },     /* null */
	{ 'c', true, ACCESS_ALL, 1, 5 },     /* zero */
	{ 'c', true, ACCESS_ALL, 1, 7 },     /* full */
	{ 'c', true, ACCESS_ALL, 1, 8 },     /* random */
	{ 'c', true, ACCESS_ALL, 1, 9 },     /* urandom */
	{ 'c', true, ACCESS_ALL, 5, 0 },     /* tty */
	{ 'c', true, ACCESS_ALL, 5, 1 },     /* console */
	{ 'c', true, ACCESS_ALL, 5, 2 },     /* ptmx */
	{ 'c', true, ACCESS_ALL, 136, ANY }, /* pts */
	{ 'c', true, ACCESS_ALL, 10,
	  200 }, /* net/tun: runc 1.2.0 to 1.2.3 did without, see its 1.2.4 */
};

static int check_access(const char *text, unsigned *ret, struct err *err)
{
	static const struct {
		char letter;
		unsigned bit;
	} letters[] = {
		{ 'r', BPF_DEVCG_ACC_READ },
		{ 'w', BPF_DEVCG_ACC_WRITE },
		{ 'm', BPF_DEVCG_ACC_MKNOD },
	};

	*ret = text && *text ? 0 : ACCESS_ALL;
	for (const char *p = text; p && *p; p++) {
		size_t i = 0;

		while (i < ARRAY_LEN(letters) && letters[i].letter != *p)
			i++;
		if (i == ARRAY_LEN(letters))
			return err_set(err, EINVAL, "access: wants letters of rwm, found '%s'",
				       text);
		*ret |= letters[i].bit;
	}
	return 0;
}

static int check_number(const char *name, struct opt_i64 in, int64_t *ret, struct err *err)
{
	*ret = in.set ? in.v : ANY;
	if (*ret < ANY || *ret > UINT32_MAX)
		return err_set(err, EINVAL, "%s: %lld is not a device number", name,
			       (long long)*ret);
	return 0;
}

static int check_rule(const struct spec_device_rule *in, struct device_rule *ret, struct err *err)
{
	const char *type = in->type && *in->type ? in->type : "a";
	int rc;

	if (!str_eq(type, "a") && !str_eq(type, "b") && !str_eq(type, "c"))
		return err_set(err, EINVAL, "type: wants a, b or c, found '%s'", type);
	ret->type = *type;
	ret->allow = in->allow;
	rc = check_access(in->access, &ret->access, err);
	if (rc == 0)
		rc = check_number("major", in->major, &ret->major, err);
	if (rc == 0)
		rc = check_number("minor", in->minor, &ret->minor, err);
	return rc;
}

struct rules {
	struct device_rule *v;
	size_t n;
};

/* All that there is to say, in the order in which it is said. */
static int check_rules(struct arena *a, const struct spec_resources *r, struct rules *ret,
		       struct err *err)
{
	size_t n = r->devices.n;

	if (n > DEVICE_RULES_MAX)
		return err_set(err, E2BIG, "linux.resources.devices has %zu rules, more than %d", n,
			       DEVICE_RULES_MAX);
	ret->n = 1 + n + ARRAY_LEN(defaults);
	ret->v = arena_alloc(a, ret->n * sizeof(*ret->v));
	ret->v[0] = (struct device_rule){ 'a', false, ACCESS_ALL, ANY, ANY };
	for (size_t i = 0; i < n; i++) {
		int rc = check_rule(&r->devices.v[i], &ret->v[1 + i], err);

		if (rc < 0)
			return err_in(err, rc, "linux.resources.devices[%zu]", i);
	}
	memcpy(&ret->v[1 + n], defaults, sizeof(defaults));
	return 0;
}

/* By the text of the specification, bit by bit: nothing in common with what plan does. */
bool device_program_allows(const struct spec_resources *r, char type, uint32_t major,
			   uint32_t minor, unsigned access)
{
	auto_arena struct arena a = ARENA_INIT;
	struct rules all;
	unsigned allowed = 0;

	if (check_rules(&a, r, &all, NULL) < 0)
		return false;
	for (size_t i = 0; i < all.n; i++) {
		const struct device_rule *rule = &all.v[i];

		if ((rule->type != 'a' && rule->type != type) ||
		    (rule->major >= 0 && rule->major != major) ||
		    (rule->minor >= 0 && rule->minor != minor))
			continue;
		allowed = rule->allow ? allowed | rule->access : allowed & ~rule->access;
	}
	return (access & ~allowed) == 0;
}

/* A rule that decides something which no later rule has decided. */
struct step {
	struct device_rule rule; /* access: only what is still open */
	bool last;		 /* all that is open for such a type: after it nothing remains */
};

struct steps {
	struct step *v;
	size_t n;
};

static bool is_catch_all(const struct device_rule *r)
{
	return r->major < 0 && r->minor < 0;
}

/* Everything that r matches was decided by one later rule: a config often repeats the defaults. */
static bool is_covered(const struct steps *s, const struct device_rule *r)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct device_rule *k = &s->v[i].rule;

		if ((k->type == 'a' || k->type == r->type) &&
		    (k->major < 0 || k->major == r->major) &&
		    (k->minor < 0 || k->minor == r->minor) && (r->access & ~k->access) == 0)
			return true;
	}
	return false;
}

/* From the last rule to the first, until for both types a rule without numbers decided all. */
static void choose_steps(struct arena *a, const struct rules *all, struct steps *ret)
{
	struct {
		char type;
		unsigned open;
	} types[] = { { 'b', ACCESS_ALL }, { 'c', ACCESS_ALL } };

	ret->v = arena_alloc(a, all->n * sizeof(*ret->v));
	ret->n = 0;
	for (size_t i = all->n; i-- > 0 && (types[0].open | types[1].open);) {
		struct device_rule r = all->v[i];
		unsigned open = 0;

		for (size_t t = 0; t < ARRAY_LEN(types); t++)
			if (r.type == 'a' || r.type == types[t].type)
				open |= types[t].open;
		r.access &= open;
		if (!r.access || is_covered(ret, &r))
			continue;
		ret->v[ret->n++] = (struct step){ r, r.access == open };
		for (size_t t = 0; t < ARRAY_LEN(types); t++)
			if (is_catch_all(&r) && (r.type == 'a' || r.type == types[t].type))
				types[t].open &= ~r.access;
	}
}

/* What stands before a final "allow all the rest" and allows, is part of it; likewise denying. */
static void drop_moot(struct steps *s)
{
	struct step *end = &s->v[s->n - 1];

	if (end->rule.type != 'a')
		return; /* a rule for b and one for c end it together */
	while (s->n > 1 && s->v[s->n - 2].rule.allow == end->rule.allow) {
		s->v[s->n - 2] = *end;
		end = &s->v[--s->n - 1];
	}
}

/*
 * The program. OPEN holds what the access asks for and no rule has allowed yet; it never reaches
 * a step empty. A device is compared by arithmetic, with one branch: a chain of jumps would teach
 * the verifier the numbers of a matching device, and for a step that does not end the program
 * it would walk all the later ones once more for each.
 */
enum {
	VERDICT = BPF_REG_0,
	DIFFERS = BPF_REG_1,
	TYPE = BPF_REG_2,
	OPEN = BPF_REG_3,
	MAJOR = BPF_REG_4,
	MINOR = BPF_REG_5,
	CONTEXT = BPF_REG_1,
	SCRATCH = BPF_REG_0
};

#define STEP_MAX  14 /* instructions: 8 to compare, 1 jump, 5 to decide */
#define FRAME_MAX 8  /* before and after the steps */

static struct bpf_insn *add(struct device_program *p, int code, int dst, int src, int32_t imm)
{
	p->v[p->n] = (struct bpf_insn){ .code = (uint8_t)code,
					.dst_reg = (uint8_t)dst & 0xf,
					.src_reg = (uint8_t)src & 0xf,
					.imm = imm };
	return &p->v[p->n++];
}

static void add_load(struct device_program *p, int dst, size_t off)
{
	add(p, BPF_LDX | BPF_W | BPF_MEM, dst, CONTEXT, 0)->off = (int16_t)off;
}

/* 32-bit arithmetic: with a register, and with a number. */
static void add_reg(struct device_program *p, int op, int dst, int src)
{
	add(p, BPF_ALU | op | BPF_X, dst, src, 0);
}

static void add_num(struct device_program *p, int op, int dst, uint32_t value)
{
	add(p, BPF_ALU | op | BPF_K, dst, 0, (int32_t)value);
}

/* Where it jumps to is filled in by land(). */
static struct bpf_insn *add_jump(struct device_program *p, int op, int dst, int32_t value)
{
	return add(p, BPF_JMP | op | BPF_K, dst, 0, value);
}

static void land(const struct device_program *p, struct bpf_insn *jump)
{
	if (jump)
		jump->off = (int16_t)(&p->v[p->n] - jump - 1);
}

static void add_return(struct device_program *p, bool verdict)
{
	add_num(p, BPF_MOV, VERDICT, verdict);
	add(p, BPF_JMP | BPF_EXIT, 0, 0, 0);
}

/* Returns the jump that other devices take, NULL where the rule is for all of them. */
static struct bpf_insn *add_compare(struct device_program *p, const struct device_rule *r)
{
	const struct {
		int reg;
		bool asked;
		uint32_t value;
	} parts[] = {
		{ MAJOR, r->major >= 0, (uint32_t)r->major },
		{ MINOR, r->minor >= 0, (uint32_t)r->minor },
		{ TYPE, r->type != 'a', r->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR },
	};
	int into = DIFFERS;

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		if (!parts[i].asked)
			continue;
		add_reg(p, BPF_MOV, into, parts[i].reg);
		add_num(p, BPF_XOR, into, parts[i].value);
		if (into == SCRATCH)
			add_reg(p, BPF_OR, DIFFERS, SCRATCH);
		into = SCRATCH;
	}
	return into == SCRATCH ? add_jump(p, BPF_JNE, DIFFERS, 0) : NULL;
}

static void add_step(struct device_program *p, const struct step *s)
{
	struct bpf_insn *other = add_compare(p, &s->rule), *rest = NULL;

	if (!s->last && s->rule.allow) {
		add_num(p, BPF_AND, OPEN, ~s->rule.access);
		rest = add_jump(p, BPF_JNE, OPEN, 0);
	} else if (!s->last) {
		add_reg(p, BPF_MOV, SCRATCH, OPEN);
		add_num(p, BPF_AND, SCRATCH, s->rule.access);
		rest = add_jump(p, BPF_JEQ, SCRATCH, 0);
	}
	add_return(p, s->rule.allow);
	land(p, other);
	land(p, rest);
}

static void assemble(struct arena *a, const struct steps *s, struct device_program *p)
{
	const struct step *end = &s->v[s->n - 1];

	p->v = arena_alloc(a, (s->n * STEP_MAX + FRAME_MAX) * sizeof(*p->v));
	add_load(p, TYPE, offsetof(struct bpf_cgroup_dev_ctx, access_type));
	add_reg(p, BPF_MOV, OPEN, TYPE);
	add_num(p, BPF_RSH, OPEN, 16);
	add_num(p, BPF_AND, TYPE, 0xffff);
	add_load(p, MAJOR, offsetof(struct bpf_cgroup_dev_ctx, major));
	add_load(p, MINOR, offsetof(struct bpf_cgroup_dev_ctx, minor));
	for (size_t i = 0; i < s->n; i++)
		add_step(p, &s->v[i]);
	/* Never reached: one step for each type ended it. The verifier wants an end all the same. */
	if (end->rule.type != 'a')
		add_return(p, false);
}

int device_program_plan(struct arena *a, const struct spec_resources *r, struct device_program *ret,
			struct err *err)
{
	auto_arena struct arena scratch = ARENA_INIT;
	struct device_program p = { .allows_all = true };
	struct rules all;
	struct steps steps;
	int rc = check_rules(&scratch, r, &all, err);

	if (rc < 0)
		return rc;
	choose_steps(&scratch, &all, &steps);
	drop_moot(&steps);
	for (size_t i = 0; i < steps.n; i++)
		p.allows_all = p.allows_all && steps.v[i].rule.allow;
	if (!p.allows_all)
		assemble(a, &steps, &p);
	*ret = p;
	return 0;
}
