/*
 * caps.c - capability sets (caps.h). The only user of libcap. Runs in init and in the exec child.
 */
#include "caps.h"

#include "base/cleanup.h"
#include "base/names.h"

#include <linux/capability.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>

static uint64_t set_of(struct arena *a, const struct strv *names, const char *which,
		       struct notes *notes)
{
	uint64_t set = 0;

	for (size_t i = 0; i < names->n; i++) {
		int cap = strncasecmp(names->v[i], "CAP_", 4) == 0
				  ? capability_from_name(names->v[i])
				  : -1;

		if (cap >= 0) {
			set |= 1ULL << cap;
			continue;
		}
		note_add(notes, NOTE_WARNING, arena_printf(a, "process.capabilities.%s", which),
			 "no such capability is known", "'%.40s' is left out", names->v[i]);
	}
	return set;
}

/* The kernel's own rules: effective is a part of permitted, and ambient of that and of inheritable. */
static void keep_rules(struct caps_plan *caps, struct notes *notes)
{
	uint64_t both = caps->permitted & caps->inheritable;

	for (int cap = 0; cap < 64; cap++) {
		uint64_t bit = 1ULL << cap;

		if (caps->effective & ~caps->permitted & bit)
			note_add(notes, NOTE_WARNING, "process.capabilities.effective",
				 "it is not in permitted", "%s is left out", capability_name(cap));
		/* no warning: the specs that runc and crun write ask for it, and get none either */
		if (caps->ambient & ~both & bit)
			note_add(notes, NOTE_ADAPTED, "process.capabilities.ambient",
				 "it is not in permitted and inheritable", "%s is left out",
				 capability_name(cap));
	}
	caps->effective &= caps->permitted;
	caps->ambient &= both;
}

static void add_extra(char *const *extra, struct notes *notes, struct caps_plan *ret)
{
	for (; extra && *extra; extra++) {
		int cap = capability_from_name(*extra);

		if (cap < 0) {
			note_add(notes, NOTE_WARNING, "--cap", "no such capability is known",
				 "'%.40s' is left out", *extra);
			continue;
		}
		ret->bounding |= 1ULL << cap;
		ret->effective |= 1ULL << cap;
		ret->permitted |= 1ULL << cap;
		ret->ambient |= ret->inheritable & (1ULL << cap);
	}
}

void caps_plan(struct arena *a, const struct spec_caps *caps, char *const *extra,
	       struct notes *notes, struct caps_plan *ret)
{
	ret->bounding = set_of(a, &caps->bounding, "bounding", notes);
	ret->effective = set_of(a, &caps->effective, "effective", notes);
	ret->permitted = set_of(a, &caps->permitted, "permitted", notes);
	ret->inheritable = set_of(a, &caps->inheritable, "inheritable", notes);
	ret->ambient = set_of(a, &caps->ambient, "ambient", notes);
	keep_rules(ret, notes);
	add_extra(extra, notes, ret);
}

int caps_bounding_inside(const struct caps_plan *plan, struct err *err)
{
	for (int cap = 0; cap < 64; cap++) {
		if (plan->bounding & (1ULL << cap))
			continue;
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0)
			continue;
		if (errno == EINVAL)
			return 0; /* past the kernel's last capability */
		if (errno == EPERM && prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 0)
			continue;
		return err_sys(err, "drop %s from the bounding set",
			       capability_name(cap) ? capability_name(cap) : "a capability");
	}
	return 0;
}

int caps_keep_inside(bool keep, struct err *err)
{
	if (prctl(PR_SET_KEEPCAPS, keep, 0, 0, 0) < 0)
		return err_sys(err, "keep capabilities across the change of user");
	return 0;
}

static int caps_get(struct __user_cap_data_struct data[2])
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };

	return capget(&head, data);
}

static uint64_t join(uint32_t low, uint32_t high)
{
	return low | (uint64_t)high << 32;
}

int caps_inside(const struct caps_plan *plan, struct err *err)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct now[2], want[2];
	uint64_t have;

	if (caps_get(now) < 0)
		return err_sys(err, "read our capabilities");
	/* What we do not hold cannot be given: the spec asks for a warning at most. */
	have = join(now[0].permitted, now[1].permitted);
	for (int i = 0; i < 2; i++) {
		int shift = 32 * i;

		want[i].permitted = (uint32_t)((plan->permitted & have) >> shift);
		want[i].effective = (uint32_t)((plan->effective & have) >> shift);
		want[i].inheritable = (uint32_t)((plan->inheritable & have) >> shift);
	}
	if (capset(&head, want) < 0)
		return err_sys(err, "set the capabilities");
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return err_sys(err, "clear the ambient capabilities");
	for (int cap = 0; cap < 64; cap++)
		if ((plan->ambient & have & (1ULL << cap)) &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
			return err_sys(err, "raise %s in the ambient set",
				       capability_name(cap) ? capability_name(cap)
							    : "a capability");
	return 0;
}

uint64_t caps_own_effective(void)
{
	struct __user_cap_data_struct now[2];

	return caps_get(now) < 0 ? 0 : join(now[0].effective, now[1].effective);
}
