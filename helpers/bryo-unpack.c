/*
 * bryo-unpack.c - writes a root file system from an archive, the layers of an image or a directory.
 *
 * A program of its own because libarchive and libcrypto are big, dynamic, and read what strangers
 * wrote. bryo (src/lib/unpack.c) starts it as root of a user namespace with the caller's IDs, in new
 * mount, network, pid and IPC namespaces, with the new root file system as its working directory and
 * its sources as descriptors. Before it reads the first byte of them, that directory becomes its
 * root (unpack_jail.c). So no name in an archive can lead out, whatever libarchive makes of it, and
 * whoever takes this process over has a directory tree that he filled himself, and no network.
 *
 * Libraries look for files of theirs late: locales, character sets, libcrypto's configuration. In
 * the jail these would be the archive's, so all that is touched before, and not again.
 *
 * Memory is some MiB and the compressor's window, which the archive chooses: xz -9 wants 64 MiB.
 *
 *	bryo-unpack digest DIGEST			standard input has it
 *	bryo-unpack tar [OPTION...] FD
 *	bryo-unpack layers [OPTION...] FD DIGEST DIFF_ID...	triples, lowest first
 *	bryo-unpack copy [OPTION...] FD
 */
#include "unpack.h"

#include "base/cleanup.h"
#include "base/path.h"

#include <fcntl.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct args {
	const char *user, *cwd;
	bool squash, progress;
	char **words;
};

void tell(const char *fmt, ...)
{
	char line[PATH_MAX]; /* what a pipe takes at once */
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	n = strlen(line);
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	line[n++] = '\n';
	if (write(STDOUT_FILENO, line, n) < 0)
		_exit(1); /* nobody is there any more */
}

static int fail(const struct err *err)
{
	char text[ERR_TEXT];

	tell("error %d %s", err->num, err_format(err, text, sizeof(text)));
	return 1;
}

static int usage(void)
{
	(void)fputs("usage: bryo-unpack digest DIGEST | tar|layers|copy [--squash] [--progress] "
		    "[--user=USER] [--cwd=DIR] FD [DIGEST DIFF_ID]...\n",
		    stderr);
	return 2;
}

static bool read_options(char **argv, struct args *ret)
{
	for (; *argv && str_starts(*argv, "--"); argv++) {
		if (str_eq(*argv, "--squash"))
			ret->squash = true;
		else if (str_eq(*argv, "--progress"))
			ret->progress = true;
		else if (str_starts(*argv, "--user="))
			ret->user = *argv + strlen("--user=");
		else if (str_starts(*argv, "--cwd="))
			ret->cwd = *argv + strlen("--cwd=");
		else
			return false;
	}
	ret->words = argv;
	return true;
}

/* An image may have no layers at all. */
static bool is_complete(const char *how, const struct args *args)
{
	return str_eq(how, "layers") ||
	       (args->words[0] && (str_eq(how, "tar") || str_eq(how, "copy")));
}

static int read_fd(const char *word)
{
	unsigned long long n;

	return str_to_u64(word, INT_MAX, &n) && fcntl((int)n, F_GETFD) >= 0 ? (int)n : -1;
}

static int unpack_layers(struct target *t, char **words, struct err *err)
{
	for (unsigned i = 1; *words; words += 3, i++) {
		int fd = read_fd(words[0]), rc;

		if (fd < 0 || !words[1] || !words[2])
			return err_set(err, EINVAL, "layer %u is not a descriptor and digests", i);
		target_layer(t);
		rc = digest_file(fd, words[1], err);
		if (rc == 0)
			rc = archive_unpack(t, fd, words[2], true, err);
		if (rc < 0)
			return err_in(err, rc, "layer %u (%.19s)", i, words[1]);
		(void)close(fd);
	}
	return 0;
}

static int unpack(struct target *t, const char *how, const struct args *args, struct err *err)
{
	int fd;

	if (str_eq(how, "layers"))
		return unpack_layers(t, args->words, err);
	fd = read_fd(args->words[0]);
	if (fd < 0)
		return err_set(err, EINVAL, "'%s' is not a descriptor", args->words[0]);
	if (str_eq(how, "copy"))
		return copy_tree(t, fd, err);
	return archive_unpack(t, fd, NULL, false, err);
}

/* The image's working directory must be there. */
static int make_cwd(struct target *t, const char *cwd, struct err *err)
{
	int fd = path_mkdir_in(t->root, cwd, 0755, err);

	if (fd < 0)
		return err_in(err, fd, "working directory '%s'", cwd);
	(void)close(fd);
	return 0;
}

static void tell_skipped(const char *kind, const struct skipped *s)
{
	if (s->n)
		tell("skipped %s %llu %s", kind, (unsigned long long)s->n, s->first);
}

static int run(const char *how, const struct args *args, struct err *err)
{
	struct target t = {
		.root = -1,
		.parentfd = -1,
		.squash = args->squash,
		.progress = args->progress,
	};
	int rc;

	digest_prepare();
	archive_prepare();
	rc = jail_ids(&t, err);
	if (rc == 0)
		rc = jail_enter(err);
	if (rc < 0)
		return err_in(err, rc, "shut the unpacking in");
	filter_enter();
	t.root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (t.root < 0)
		return err_sys(err, "open the root");
	rc = unpack(&t, how, args, err);
	if (rc == 0 && args->cwd)
		rc = make_cwd(&t, args->cwd, err);
	if (rc == 0)
		rc = target_finish(&t, err);
	if (rc == 0 && args->user)
		rc = user_tell(&t, args->user, err);
	if (rc < 0)
		return rc;
	tell_skipped("devices", &t.devices);
	tell_skipped("sockets", &t.sockets);
	tell_skipped("xattrs", &t.xattrs);
	tell("done %llu %llu", (unsigned long long)t.files, (unsigned long long)t.bytes);
	return 0;
}

int main(int argc, char **argv)
{
	struct args args = { 0 };
	struct err err = ERR_INIT;

	(void)setlocale(LC_CTYPE, "C.UTF-8");
	(void)umask(0);
	if (argc == 3 && str_eq(argv[1], "digest")) {
		digest_prepare();
		return digest_file(STDIN_FILENO, argv[2], &err) < 0 ? fail(&err) : 0;
	}
	if (argc < 2 || !read_options(argv + 2, &args) || !is_complete(argv[1], &args))
		return usage();
	return run(argv[1], &args, &err) < 0 ? fail(&err) : 0;
}
