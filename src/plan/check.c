/*
 * check.c - rules between features, and what is asked for and not done (plan.h). The rule of the
 * project: what the config asks for is done, adapted to mean the same, or refused by name.
 */
#include "plan.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "base/sys.h"
#include "feature/mount_data.h"
#include "oci/proc_word.h"

#include <linux/capability.h>
#include <string.h>

/* Without both, nothing tells what belongs to the container. */
static void check_sharing(const struct spec *spec, const struct plan *plan, struct notes *notes)
{
	bool asked = str_eq(spec_annotation(spec, PROC_ANNOTATION), "bind");

	if ((plan->ns.differ & CLONE_NEWPID) || plan->cgroup.backend != CGROUP_NONE)
		return;
	note_add(
		notes, NOTE_WARNING, "linux.namespaces",
		asked ? "--proc bind shares the outer pid namespace and there is no cgroup"
		      : "the config has no pid namespace and there is no cgroup",
		"processes that the container leaves behind cannot all be found by kill and delete");
	note_remedy(notes, asked ? "--proc none, for a program that needs no /proc"
				 : "add {\"type\": \"pid\"} to linux.namespaces");
}

/* Nobody but root can have rules enforced; what is not there needs none. */
static void check_device_rules(const struct spec *spec, const struct plan *plan,
			       struct notes *notes)
{
	const struct spec_resources *r = &spec->linux_.resources;

	for (size_t i = 0; i < plan->devices.n && r->devices.n && !plan->cgroup.filter_devices;
	     i++) {
		const struct device *d = &plan->devices.v[i];

		if ((d->type != 'c' && d->type != 'b') ||
		    device_program_allows(r, d->type, d->major, d->minor, BPF_DEVCG_ACC_READ) ||
		    device_program_allows(r, d->type, d->major, d->minor, BPF_DEVCG_ACC_WRITE))
			continue;
		note_add(notes, NOTE_WARNING, "linux.resources.devices",
			 "only root, on cgroup v2, can have device rules enforced",
			 "'%s' is there and can be used, though the rules deny it", d->path);
		note_remedy(notes, "leave it out of linux.devices");
	}
}

static int check_userns(const struct spec *spec, const struct plan *plan, struct err *err)
{
	const struct caps_plan *c = &plan->process.caps;
	uint64_t all = c->bounding | c->permitted | c->inheritable | c->ambient;

	if (!str_eq(spec_annotation(spec, USERNS_ANNOTATION), "disabled") ||
	    !(all & (1ULL << CAP_SYS_RESOURCE)))
		return 0;
	err_set(err, EINVAL,
		"annotation " USERNS_ANNOTATION ": the process may have CAP_SYS_RESOURCE, "
		"with which it can allow user namespaces again");
	return err_hint(err, -EINVAL, "take it out of process.capabilities, of bounding above all");
}

/* crun's, which are not here: passed over, less would be around the program than was asked for. */
static int check_foreign(const struct spec *spec, struct err *err)
{
	static const struct {
		const char *key, *what;
	} rows[] = {
		{ "run.oci.handler", "programs are executed by the kernel only" },
		{ "run.oci.seccomp_bpf_data", "filters are made from linux.seccomp only" },
		{ "run.oci.seccomp.plugins", "notifications go to an agent only" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (!spec_annotation(spec, rows[i].key))
			continue;
		err_set(err, ENOTSUP, "annotation %s is not supported: %s", rows[i].key,
			rows[i].what);
		return err_hint(err, -ENOTSUP,
				"take it out if the container may run without, or run it with crun");
	}
	return 0;
}

/* Of ours one that is misspelt would be passed over in silence; an error the spec forbids. */
static void check_own(const struct spec *spec, struct notes *notes)
{
	static const char own[] = "org.bryo.";
	static const char *const known[] = {
		"clamp",	 "dieWithParent", "hostname",	   "idmap",
		"init",		 "limits",	  "network",	   "overlay.ephemeral",
		"overlay.idmap", "overlay.lower", "overlay.upper", "proc",
		"publish",	 "rootfs",	  "session",	   "timeout",
		"userns",
	};

	for (size_t i = 0; i < spec->annotations.n; i++) {
		const char *name = spec->annotations.v[i].name;
		bool found = !str_starts(name, own);

		for (size_t k = 0; k < ARRAY_LEN(known) && !found; k++)
			found = str_eq(name + sizeof(own) - 1, known[k]);
		if (found)
			continue;
		note_add(notes, NOTE_WARNING, "annotations", "this bryo knows none of that name",
			 "'%.80s' has no effect", name);
		note_remedy(notes, "bryo(1), ANNOTATIONS, has their names");
	}
}

/* Who gets the content of a descriptor does not get the descriptor. */
static int check_data(const struct plan *plan, struct err *err)
{
	/* those of --listen have other numbers here */
	int passed = plan->process.preserve_fds - listen_made(&plan->process.listen);

	for (size_t i = 0; i < plan->mounts.n; i++) {
		const struct mount_data *d = plan->mounts.v[i].content;

		if (!d || d->fd < 3 || d->fd >= 3 + passed)
			continue;
		err_set(err, EINVAL,
			"mounts[%zu] '%s': the process would get descriptor %d as well", i,
			plan->mounts.v[i].target, d->fd);
		return err_hint(err, -EINVAL,
				"take one behind those of --preserve-fds and LISTEN_FDS: fd:%d",
				3 + passed);
	}
	return 0;
}

/* bind would say that another program has it. */
static int check_ports(const struct plan *plan, struct err *err)
{
	auto_arena struct arena a = ARENA_INIT;

	for (int i = 0; i < listen_made(&plan->process.listen); i++) {
		const struct listen_socket *s = &plan->process.listen.make[i];
		struct port own = { s->kind == LISTEN_UDP ? PORT_UDP : PORT_TCP,
				    s->address,
				    false,
				    s->port,
				    1,
				    1 };

		own.v6 = s->address && strchr(s->address, ':');
		for (size_t k = 0; k < plan->net.ports.n; k++)
			if (s->kind != LISTEN_UNIX && port_overlaps(&own, &plan->net.ports.v[k]))
				return err_set(
					err, EINVAL,
					"--listen %s and --publish %s claim one port of the host",
					s->word, port_word(&a, &plan->net.ports.v[k]));
	}
	return 0;
}

/* delete finds one directory of changes in the record. */
static int check_changes(const struct plan *plan, struct err *err)
{
	size_t n = plan->rootfs.overlay.upper == UPPER_KEPT ||
		   plan->rootfs.overlay.upper == UPPER_DISK;

	for (size_t i = 0; i < plan->mounts.n; i++)
		n += plan->mounts.v[i].layers && plan->mounts.v[i].layers->upper == UPPER_DISK;
	if (n < 2)
		return 0;
	err_set(err, ENOTSUP, "%zu overlays have their changes in a directory, and one is possible",
		n);
	return err_hint(err, -ENOTSUP, "from Linux 6.6 on, changes that are thrown away need none");
}

int plan_check(const struct spec *spec, const struct plan *plan, struct notes *notes,
	       struct err *err)
{
	check_sharing(spec, plan, notes);
	check_device_rules(spec, plan, notes);
	check_own(spec, notes);
	if (check_data(plan, err) < 0 || check_ports(plan, err) < 0)
		return -EINVAL;
	if (check_changes(plan, err) < 0 || check_foreign(spec, err) < 0)
		return -ENOTSUP;
	return check_userns(spec, plan, err);
}
