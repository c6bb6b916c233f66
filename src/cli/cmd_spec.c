/*
 * cmd_spec.c - `bryo spec`: a config.json to start from. Which one depends on who asks: root
 * gets what runc writes for root, everybody else one that runs as it is. Also makes the document
 * of `run --rootfs`, which is the same one in memory.
 */
#include "cmd.h"

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"
#include "host/host.h"
#include "oci/overlay_word.h"
#include "oci/port_word.h"
#include "oci/spec_sample.h"
#include "out.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

struct spec_args {
	const char *bundle, *file, *from, *idmap, *net;
	const char *rootfs, *overlay, *upper;
	struct strv publish;
	bool rootless, ephemeral;
};

#define OFF(member) offsetof(struct spec_args, member)

static const struct opt spec_opts[] = {
	{ "bundle", 'b', OPT_STRING, OFF(bundle), "DIR", "where to write (default: .)" },
	{ "file", 'f', OPT_STRING, OFF(file), "FILE",
	  "another name, overwritten if it exists; - prints" },
	{ "rootless", 0, OPT_FLAG, OFF(rootless), NULL, "what 'runc spec --rootless' writes" },
	{ "from", 0, OPT_STRING, OFF(from), "FILE",
	  "adapt FILE, a config.json made for somebody else, so that you can run it" },
	{ "net", 0, OPT_STRING, OFF(net), "none|host|auto|pasta|slirp4netns|join:ID",
	  "the network of the container" },
	{ "publish", 'p', OPT_LIST, OFF(publish), "[IP:]HOST[-HOST2]:CONTAINER[-CONTAINER2][/udp]",
	  "forward a port of the host to the container" },
	{ "rootfs", 0, OPT_STRING, OFF(rootfs), "DIR",
	  "the root file system (default: rootfs, in the bundle)" },
	{ "overlay", 0, OPT_STRING, OFF(overlay), "DIR[:DIR...]",
	  "layers over the root file system, topmost first" },
	{ "upper", 0, OPT_STRING, OFF(upper), "DIR",
	  "keep changes of the root file system in DIR" },
	{ "ephemeral", 0, OPT_FLAG, OFF(ephemeral), NULL,
	  "throw changes of the root file system away" },
	{ "idmap", 0, OPT_STRING, OFF(idmap), "single|subid|keep-id|START:HOST:SIZE,...",
	  "how the container's IDs are mapped" },
	{ 0 },
};

/* What the document takes from this machine and its user. */
static int spec_facts(struct arena *a, struct spec_sample_options *ret, union cli_err *err)
{
	struct host host = { .arena = a };
	struct ports ports;
	int rc = host_probe(a, &host, &err->own);

	if (rc >= 0)
		rc = host_need_cgroup(&host, &err->own);
	if (rc < 0)
		return rc;
	ret->kind = host.privileged ? SAMPLE_ROOT : SAMPLE_USER;
	ret->euid = host.uid;
	ret->egid = host.gid;
	ret->cgroupns = host.cgroup == HOST_CGROUP_V2;
	rc = idmap_style_parse(a, ret->idmap, &ret->mapped, &err->own);
	if (rc < 0)
		return err_in(&err->own, rc, "--idmap");
	rc = net_words_parse(a, ret->net, &ret->network, &err->own);
	if (rc < 0)
		return err_in(&err->own, rc, "--net");
	rc = ports_parse(a, ret->publish, &ports, &err->own);
	return rc < 0 ? err_in(&err->own, rc, "--publish") : 0;
}

static int spec_in_memory(const struct cli *cli, const char *rootfs, const char *idmap,
			  bool terminal, char **ret, union cli_err *err)
{
	struct spec_sample_options o = { .terminal = terminal, .idmap = idmap };
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

int spec_for_rootfs(const struct cli *cli, const struct bryo_create_options *create, bool terminal,
		    char **ret, union cli_err *err)
{
	bool document = create->config || create->bundle;

	if (create->rootfs && !document)
		return spec_in_memory(cli, create->rootfs, create->idmap, terminal, ret, err);
	if (cli->n_words > 1)
		return cli_usage(cli, err, "unexpected argument '%s' %s", cli->words[1],
				 create->rootfs ? "with a config.json" : "without --rootfs");
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

static int spec_change(void *arg, const char *text)
{
	(void)arg;
	log_line(LOG_LEVEL_WARNING, "%s", text);
	return 0;
}

/* Everything that was changed is told, because the reader of the new file cannot see it there. */
static int spec_adapt(const struct cli *cli, const char *bundle, struct str *ret,
		      union cli_err *err)
{
	const struct spec_args *args = cli->args;
	struct bryo_adapt_options o = {
		.size = sizeof(o),
		.config = args->from,
		.bundle = bundle,
		.idmap = args->idmap,
		.change = spec_change,
	};
	auto_ctx bryo_ctx *ctx = NULL;
	auto_free char *text = NULL;
	int rc = cli_open(cli, false, &ctx, err);

	if (rc == 0)
		rc = bryo_adapt(ctx, &o, &text, &err->lib);
	if (rc == 0)
		str_add(ret, text);
	return rc;
}

/* An option's directory is seen from here, an annotation's from the bundle. */
static int spec_layers(const struct cli *cli, struct spec_sample_options *o, struct err *err)
{
	const struct spec_args *args = cli->args;
	struct strv dirs;
	char cwd[PATH_MAX];
	int rc = 0;

	if (!args->rootfs && !args->overlay && !args->upper)
		return 0;
	if (!getcwd(cwd, sizeof(cwd)))
		return err_sys(err, "the working directory");
	if (args->overlay)
		rc = overlay_split(cli->arena, args->overlay, cwd, &dirs, err);
	if (rc < 0)
		return err_in(err, rc, "--overlay");
	if (args->overlay)
		o->lower = overlay_join(cli->arena, &dirs);
	o->upper = !args->upper || args->upper[0] == '/'
			   ? args->upper
			   : arena_printf(cli->arena, "%s/%s", cwd, args->upper);
	o->rootfs = !args->rootfs || args->rootfs[0] == '/'
			    ? args->rootfs
			    : arena_printf(cli->arena, "%s/%s", cwd, args->rootfs);
	return 0;
}

static const char *spec_words(struct arena *a, const struct strv *list)
{
	auto_str struct str s = STR_INIT;

	for (size_t i = 0; i < list->n; i++)
		str_addf(&s, "%s%s", i ? "," : "", list->v[i]);
	return list->n ? arena_strdup(a, s.p ? s.p : "") : NULL;
}

static int spec_new(const struct cli *cli, struct str *ret, union cli_err *err)
{
	const struct spec_args *args = cli->args;
	struct spec_sample_options o = {
		.terminal = true,
		.readonly = !args->upper && !args->ephemeral,
		.idmap = args->idmap,
		.net = args->net,
		.ephemeral = args->ephemeral,
		.publish = spec_words(cli->arena, &args->publish),
	};
	int rc = spec_facts(cli->arena, &o, err);

	if (rc == 0)
		rc = spec_layers(cli, &o, &err->own);
	if (rc < 0)
		return rc;
	if (args->rootless)
		o.kind = SAMPLE_ROOTLESS;
	spec_sample(&o, ret);
	return 0;
}

static int spec_run(const struct cli *cli, union cli_err *err)
{
	const struct spec_args *args = cli->args;
	const char *bundle = args->bundle ? args->bundle : ".";
	const char *layers = args->rootfs      ? "rootfs"
			     : args->overlay   ? "overlay"
			     : args->upper     ? "upper"
			     : args->ephemeral ? "ephemeral"
					       : NULL;
	auto_str struct str text = STR_INIT;
	auto_fd int dirfd = open(bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int rc;

	if (layers && (args->from || args->rootless))
		return cli_usage(cli, err,
				 "--%s and --%s exclude each other: 'run' takes it as well", layers,
				 args->from ? "from" : "rootless");
	if (args->upper && args->ephemeral)
		return cli_usage(cli, err, "--upper and --ephemeral exclude each other");
	if ((args->net || args->publish.n) && (args->from || args->rootless))
		return cli_usage(cli, err,
				 "--%s and --%s exclude each other: 'run' takes it as well",
				 args->net ? "net" : "publish", args->from ? "from" : "rootless");
	if (args->rootless && (args->from || args->idmap))
		return cli_usage(cli, err, "--rootless and --%s exclude each other",
				 args->from ? "from" : "idmap");
	if (dirfd < 0)
		return err_sys(&err->own, "bundle '%s'", bundle);
	rc = args->from ? spec_adapt(cli, bundle, &text, err) : spec_new(cli, &text, err);
	if (rc < 0)
		return rc;
	if (str_eq(args->file, "-"))
		return out_text(text.p, &err->own);
	return spec_write(dirfd, args->file ? args->file : "config.json", args->file, &text,
			  &err->own);
}

const struct command cmd_spec = {
	.name = "spec",
	.summary = "write a config.json to start from",
	.synopsis = "[OPTIONS]",
	.about =
		"Writes a config.json that runs sh in the bundle's root file system, ./rootfs.\n"
		"For an ordinary user it has a network of its own and all IDs that the user owns.\n"
		"With --from it writes what FILE becomes when you run it, and says what it changed.",
	.opts = spec_opts,
	.args_size = sizeof(struct spec_args),
	.run = spec_run,
};
