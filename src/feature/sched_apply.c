/*
 * sched_apply.c - the half of sched.h that acts, in the process that becomes the program, and the
 * words for both forms of the plan. The I/O priority is set for the process alone: it has just
 * become the leader of a session of its own, so that its process group is nobody else.
 */
#include "sched.h"

#include "base/cleanup.h"
#include "base/sys.h"

#include <linux/ioprio.h>
#include <sys/personality.h>

static int set_scheduler(const struct sched_plan *p, struct err *err)
{
	int rc;

	if (syscall(SYS_sched_setattr, 0, &p->attr, 0) == 0)
		return 0;
	rc = err_sys(err, "process.scheduler: set %s", p->process->scheduler->policy);
	if (rc == -EINVAL && str_eq(p->process->scheduler->policy, "SCHED_ISO"))
		err_hint(err, rc, "Linux reserves SCHED_ISO and does not implement it");
	else if (rc == -EPERM && p->attr.runtime)
		err_hint(err, rc,
			 "a process with a deadline must be allowed on all CPUs of its cpuset");
	else if (rc == -EPERM && p->attr.priority)
		err_hint(err, rc,
			 "where the kernel schedules real-time groups, the cgroup may have no share: "
			 "see cpu.rt_runtime_us");
	else if (rc == -EBUSY)
		err_hint(
			err, rc,
			"the CPUs have no more bandwidth to promise: lower runtime, or raise period");
	else if (rc == -EOPNOTSUPP)
		err_hint(
			err, rc,
			"this kernel is built without UCLAMP_TASK, which the UTIL_CLAMP flags need");
	return rc;
}

static int set_memory(const struct sched_plan *p, struct err *err)
{
	int rc;

	/* The kernel counts one bit less than it is told. */
	if (syscall(SYS_set_mempolicy, p->memory, p->nodes, p->nodes ? SCHED_NODES + 1 : 0) == 0)
		return 0;
	rc = err_sys(err, "linux.memoryPolicy: set %s", p->linux_->memory_policy->mode);
	if (rc == -EINVAL && p->nodes)
		return err_hint(
			err, rc,
			"nodes '%.60s' must be online and allowed to the caller (Mems_allowed_list in "
			"/proc/self/status), and the mode known to this kernel",
			p->linux_->memory_policy->nodes);
	return rc == -ENOSYS ? err_hint(err, rc, "this kernel is built without NUMA") : rc;
}

int sched_inside(const struct sched_plan *p, struct err *err)
{
	int rc = 0;

	if (!p->active)
		return 0;
	if (p->has_attr)
		rc = set_scheduler(p, err);
	if (rc == 0 && p->has_io && syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, p->io) < 0)
		rc = err_sys(err, "process.ioPriority: set %s", p->process->io_priority->class);
	if (rc == 0 && p->has_memory)
		rc = set_memory(p, err);
	if (rc == 0 && p->has_personality && personality(p->personality) < 0) {
		rc = err_sys(err, "linux.personality: set %s", p->linux_->personality->domain);
		err_hint(err, rc, "this machine may not run 32-bit programs");
	}
	return rc;
}

static int set_affinity(const unsigned long *cpus, const char *field, const char *text,
			struct err *err)
{
	int rc;

	if (!cpus || syscall(SYS_sched_setaffinity, 0, SCHED_CPUS / 8, cpus) == 0)
		return 0;
	rc = err_sys(err, "process.execCPUAffinity.%s: '%.60s'", field, text);
	return rc == -EINVAL
		       ? err_hint(
				 err, rc,
				 "none of these CPUs is online and allowed here (see Cpus_allowed_list in "
				 "/proc/self/status)")
		       : rc;
}

int sched_affinity_initial(const struct sched_plan *p, struct err *err)
{
	return p->initial ? set_affinity(p->initial, "initial",
					 p->process->exec_cpu_affinity->initial, err)
			  : 0;
}

int sched_affinity_final(const struct sched_plan *p, struct err *err)
{
	return p->final ? set_affinity(p->final, "final", p->process->exec_cpu_affinity->final, err)
			: 0;
}

static void dump_scheduler(const struct spec_scheduler *s, struct json_out *o)
{
	json_out_object(o, "scheduler");
	json_out_str(o, "policy", s->policy);
	if (s->nice.set)
		json_out_i64(o, "nice", s->nice.v);
	if (s->priority.set)
		json_out_i64(o, "priority", s->priority.v);
	if (s->flags.n)
		json_out_strv(o, "flags", &s->flags);
	if (s->runtime.set)
		json_out_u64(o, "runtime", s->runtime.v);
	if (s->deadline.set)
		json_out_u64(o, "deadline", s->deadline.v);
	if (s->period.set)
		json_out_u64(o, "period", s->period.v);
	json_out_end(o, '}');
}

static void dump_memory(const struct spec_memory_policy *m, struct json_out *o)
{
	json_out_object(o, "memoryPolicy");
	json_out_str(o, "mode", m->mode);
	json_out_str(o, "nodes", m->nodes);
	json_out_strv(o, "flags", &m->flags);
	json_out_end(o, '}');
}

void sched_dump_json(const struct sched_plan *p, struct json_out *o)
{
	if (p->has_attr)
		dump_scheduler(p->process->scheduler, o);
	if (p->has_io) {
		json_out_object(o, "ioPriority");
		json_out_str(o, "class", p->process->io_priority->class);
		json_out_i64(o, "priority", p->process->io_priority->priority);
		json_out_end(o, '}');
	}
	if (p->initial || p->final) {
		json_out_object(o, "execCPUAffinity");
		json_out_str(o, "initial", p->process->exec_cpu_affinity->initial);
		json_out_str(o, "final", p->process->exec_cpu_affinity->final);
		json_out_end(o, '}');
	}
	if (p->has_personality)
		json_out_str(o, "personality", p->linux_->personality->domain);
	if (p->has_memory)
		dump_memory(p->linux_->memory_policy, o);
}

static void text_flags(struct str *s, const struct strv *flags)
{
	for (size_t i = 0; i < flags->n; i++)
		str_addf(s, " %s", flags->v[i]);
	str_addc(s, '\n');
}

static void text_scheduler(const struct sched_plan *p, struct str *s)
{
	const struct sched_attributes *at = &p->attr;

	str_addf(s, "  scheduler    %s", p->process->scheduler->policy);
	if (at->priority)
		str_addf(s, " priority %u", at->priority);
	else if (at->runtime)
		str_addf(s, " runtime %llu deadline %llu period %llu ns",
			 (unsigned long long)at->runtime, (unsigned long long)at->deadline,
			 (unsigned long long)(at->period ? at->period : at->deadline));
	else
		str_addf(s, " nice %d", at->nice);
	text_flags(s, &p->process->scheduler->flags);
}

void sched_dump_text(const struct sched_plan *p, struct str *s)
{
	if (p->has_attr)
		text_scheduler(p, s);
	if (p->has_io)
		str_addf(s, "  I/O priority %s %lld\n", p->process->io_priority->class,
			 (long long)p->process->io_priority->priority);
	if (p->initial)
		str_addf(s, "  exec starts on CPUs %s\n", p->process->exec_cpu_affinity->initial);
	if (p->final)
		str_addf(s, "  exec runs on CPUs %s\n", p->process->exec_cpu_affinity->final);
	if (p->has_personality)
		str_addf(s, "  personality  %s\n", p->linux_->personality->domain);
	if (!p->has_memory)
		return;
	str_addf(s, "  memory       %s%s%s", p->linux_->memory_policy->mode,
		 p->nodes ? " nodes " : "", p->nodes ? p->linux_->memory_policy->nodes : "");
	text_flags(s, &p->linux_->memory_policy->flags);
}
