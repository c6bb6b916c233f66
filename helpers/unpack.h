/*
 * unpack.h - the parts of bryo-unpack: the jail that it goes into, files written from items, and the
 * sources of items (an archive, layers of an image, a directory).
 *
 * What it tells its caller are lines on standard output, control characters replaced:
 *	progress FILES BYTES		on the way, if asked for
 *	skipped KIND COUNT NAME		devices, sockets, xattrs that were left out; NAME is the first
 *	owner uid|gid ID NAME		an owner that is not mapped; an error follows
 *	user UID GID [GID,...]		what --user means in this root file system
 *	done FILES BYTES		the last line of a success
 *	error ERRNO TEXT		the last line of a failure
 */
#ifndef BRYO_UNPACK_H
#define BRYO_UNPACK_H

#include "base/err.h"
#include "base/str.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

struct ids { uint32_t *first, *count; size_t n; }; /* what exists in the user namespace */

struct skipped { uint64_t n; char first[256]; };

struct mark { /* a directory whose time is set when nothing is written any more */
	ino_t ino;
	struct timespec mtime;
	char *path;
};

struct inodes { ino_t *v; size_t n, size; }; /* a hash set; 0 is no inode */

struct target {
	int root;		/* the file system's root, which is ours too */
	bool squash;		/* owners that are not mapped become root */
	bool progress;
	struct ids uid, gid;
	char *parent;		/* path of the directory of the last item; NULL: none is open */
	int parentfd;
	struct mark *marks;
	size_t n_marks, cap_marks;
	bool layered;		/* brought is what this layer made */
	struct inodes brought;
	struct skipped devices, sockets, xattrs;
	uint64_t files, bytes;
	int64_t told_ms;
};

struct xattr { const char *name; const void *value; size_t size; };

/* One file as its source describes it. */
struct item {
	char path[PATH_MAX];	/* clean: no leading slash, no "." or ".."; "" is the root */
	mode_t mode;		/* with the type */
	int64_t uid, gid;
	bool known;		/* the IDs are mapped: nothing to check */
	struct timespec mtime;
	int64_t size;		/* of a regular file */
	const char *link;	/* text of a symbolic link, or clean path that hard leads to */
	bool hard;
	void *source;		/* argument of both */
	int (*data)(void *source, struct target *t, int fd, struct err *err); /* writes the contents */
	bool (*xattr)(void *source, struct xattr *ret); /* the next one; false: no more */
};

/* The caller's cwd becomes the root, and most of what root of a user namespace may do is given up.
 * Everything that opens files of the host (locales, libraries) was done before. */
int jail_enter(struct err *err);
/* Then: no more programs, sockets, or code that is not loaded yet. */
void filter_enter(void);
/* The map of this user namespace, before the jail hides /proc. */
int jail_ids(struct target *t, struct err *err);

/* Without "." and empty components; ".." is refused. */
int item_path(const char *raw, char ret[PATH_MAX], struct err *err);
/* Makes the file, whatever was there before: only a directory stays where one is wanted. */
int target_add(struct target *t, const struct item *item, struct err *err);
/* A whiteout of a layer: path is the whiteout's own, ".wh." and all. */
int target_whiteout(struct target *t, const char *path, struct err *err);
bool target_is_whiteout(const char *path);
/* A new layer begins: what is there belongs to those below. */
void target_layer(struct target *t);
/* The open directory of path, made where no entry has made it; it stays open for the next one. */
int target_parent(struct target *t, const char *path, const char **ret_name, struct err *err);
void inodes_add(struct inodes *s, ino_t ino);
/* The times of directories, the last thing to do. */
int target_finish(struct target *t, struct err *err);
void target_skip(struct skipped *s, const char *name);
void target_wrote(struct target *t, uint64_t bytes); /* for the progress */

/* A line for the caller. */
void tell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Digests: "sha256:HEX" or "sha512:HEX". */
struct digest;
void digest_prepare(void); /* before the jail: libcrypto reads files when it starts */
int digest_new(const char *text, struct digest **ret, struct err *err);
void digest_add(struct digest *d, const void *data, size_t n);
int digest_check(struct digest *d, struct err *err); /* frees; -EBADMSG when it is another */
int digest_file(int fd, const char *text, struct err *err); /* all of it; the offset stays */

void archive_prepare(void); /* before the jail */
/* The archive's files. digest NULL, or what the uncompressed archive must have. whiteouts: of a layer. */
int archive_unpack(struct target *t, int fd, const char *digest, bool whiteouts, struct err *err);
/* A copy of the directory. */
int copy_tree(struct target *t, int source, struct err *err);

/* What USER or USER:GROUP of an image means here; tells it. */
int user_tell(struct target *t, const char *text, struct err *err);

#endif
