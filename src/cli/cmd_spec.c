/*
 * cmd_spec.c - `bryo spec`: a config.json to start from. Which one depends on who asks: root
 * gets what runc writes for root, everybody else one that runs as it is. Also makes the document
 * of `run --rootfs`, which is the same one in memory.
 */
#include "cmd.h"

#include "base/cleanup.h"
#include "base/fd.h"
#include "host/host.h"
#include "oci/spec_sample.h"
#include "out.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

struct spec_args {
	const char *bundle, *file;
	bool rootless;
};

#define OFF(member) offsetof(struct spec_args, member)

static const struct opt spec_opts[] = {
	{ "bundle", 'b', OPT_STRING, OFF(bundle), "DIR", "where to write (default: .)" },
	{ "file", 'f', OPT_STRING, OFF(file), "FILE",
	  "another name, overwritten if it exists; - prints" },
	{ "rootless", 0, OPT_FLAG, OFF(rootless), NULL, "what 'runc spec --rootless' writes" },
	{ 0 },
};

/* What the document takes from this machine and its user. */
static int spec_facts(struct arena *a, struct spec_sample_options *ret, union cli_err *err)
{
	struct host host = { .arena = a };
	int rc = host_probe(a, &host, &err->own);

	if (rc >= 0)
		rc = host_need_cgroup(&host, &err->own);
	if (rc < 0)
		return rc;
	ret->kind = host.privileged ? SAMPLE_ROOT : SAMPLE_USER;
	ret->euid = host.uid;
	ret->egid = host.gid;
	ret->cgroupns = host.cgroup == HOST_CGROUP_V2;
	return 0;
}

static int spec_in_memory(const struct cli *cli, const char *rootfs, bool terminal, char **ret,
			  union cli_err *err)
{
	struct spec_sample_options o = { .terminal = terminal };
	auto_str struct str text = STR_INIT;
	auto_free char *full = realpath(rootfs, NULL);
	int rc;

	if (!full)
		return err_sys(&err->own, "rootfs '%s'", rootfs);
	rc = spec_facts(cli->arena, &o, err);
	if (rc < 0)
		return rc;
	o.rootfs = full;
	if (cli->n_words > 1) {
		o.args.v = (const char **)(cli->words + 1);
		o.args.n = cli->n_words - 1;
	}
	spec_sample(&o, &text);
	*ret = take_ptr(&text.p);
	return 0;
}

int spec_for_rootfs(const struct cli *cli, const char *rootfs, const char *config, bool terminal,
		    char **ret, union cli_err *err)
{
	if (rootfs && config)
		return cli_usage(cli, err, "--rootfs and --config exclude each other");
	if (rootfs)
		return spec_in_memory(cli, rootfs, terminal, ret, err);
	if (cli->n_words > 1)
		return cli_usage(cli, err, "unexpected argument '%s' without --rootfs",
				 cli->words[1]);
	*ret = NULL;
	return 0;
}

/* A new file is removed again when it could not be written whole. */
static int spec_write(int dirfd, const char *name, bool overwrite, const struct str *text,
		      struct err *err)
{
	int flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | (overwrite ? O_TRUNC : O_EXCL);
	auto_fd int fd = openat(dirfd, name, flags, 0666);
	int rc;

	if (fd < 0 && errno == EEXIST)
		return err_set(err, EEXIST, "File %s exists. Remove it first", name);
	if (fd < 0)
		return err_sys(err, "create '%s'", name);
	rc = fd_write_all(fd, text->p, text->len, err);
	if (rc < 0 && !overwrite)
		(void)unlinkat(dirfd, name, 0);
	return rc < 0 ? err_in(err, rc, "'%s'", name) : 0;
}

static int spec_run(const struct cli *cli, union cli_err *err)
{
	const struct spec_args *args = cli->args;
	const char *bundle = args->bundle ? args->bundle : ".";
	struct spec_sample_options o = { .terminal = true, .readonly = true };
	auto_str struct str text = STR_INIT;
	auto_fd int dirfd = open(bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int rc;

	if (dirfd < 0)
		return err_sys(&err->own, "bundle '%s'", bundle);
	rc = spec_facts(cli->arena, &o, err);
	if (rc < 0)
		return rc;
	if (args->rootless)
		o.kind = SAMPLE_ROOTLESS;
	spec_sample(&o, &text);
	if (str_eq(args->file, "-"))
		return out_text(text.p, &err->own);
	return spec_write(dirfd, args->file ? args->file : "config.json", args->file, &text,
			  &err->own);
}

const struct command cmd_spec = {
	.name = "spec",
	.summary = "write a config.json to start from",
	.synopsis = "[OPTIONS]",
	.about = "Writes a config.json that runs sh in the bundle's root file system, ./rootfs.\n"
		 "For an ordinary user it has a network of its own and all IDs that the user owns.",
	.opts = spec_opts,
	.args_size = sizeof(struct spec_args),
	.run = spec_run,
};
