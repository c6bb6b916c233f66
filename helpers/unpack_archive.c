/*
 * unpack_archive.c - an archive's entries as items. The only file that includes libarchive, which
 * reads; unpack_write.c writes. Runs in bryo-unpack, in its jail.
 *
 * A layer is read twice over by libarchive: one reader undoes the compression, what comes out is
 * digested and handed to a second one that knows tar. Thus the digest of the uncompressed layer
 * (its diff_id) costs no second decompression.
 */
#include "unpack.h"

#include "base/cleanup.h"
#include "base/mem.h"

#include <archive.h>
#include <archive_entry.h>
#include <iconv.h>
#include <string.h>
#include <unistd.h>

#define PIECE (256u << 10)

struct stream { /* between the two readers */
	struct archive *outer;
	struct digest *digest;
};

struct source {
	struct archive *archive;
	struct archive_entry *entry;
};

/* glibc reads its list of character sets on the first use, and would do it in the jail. */
void archive_prepare(void)
{
	iconv_t cd = iconv_open("UTF-8", "UTF-8");

	if (cd != (iconv_t)-1)
		(void)iconv_close(cd);
}

static void archive_freep(struct archive **a)
{
	if (*a)
		(void)archive_read_free(*a);
}

#define auto_archive __attribute__((cleanup(archive_freep)))

static int failed(struct archive *a, const char *what, struct err *err)
{
	const char *text = archive_error_string(a);
	int num = archive_errno(a);
	int rc = err_set(err, num > 0 ? num : EBADMSG, "%s: %s", what, text ? text : "corrupt");

	if (text && str_starts(text, "Unrecognized archive format"))
		return err_hint(err, rc, "wanted is a tar, plain or compressed with gzip, xz or zstd");
	return rc;
}

static la_ssize_t next_piece(struct archive *a, void *arg, const void **ret)
{
	struct stream *s = arg;
	la_int64_t offset;
	size_t n;
	int rc = archive_read_data_block(s->outer, ret, &n, &offset);

	if (rc == ARCHIVE_EOF)
		return 0;
	if (rc < ARCHIVE_WARN) {
		archive_set_error(a, archive_errno(s->outer), "%s", archive_error_string(s->outer));
		return -1;
	}
	digest_add(s->digest, *ret, n);
	return (la_ssize_t)n;
}

static int open_filters(struct archive *a, struct err *err)
{
	if (archive_read_support_filter_gzip(a) < ARCHIVE_WARN ||
	    archive_read_support_filter_xz(a) < ARCHIVE_WARN ||
	    archive_read_support_filter_zstd(a) < ARCHIVE_WARN)
		return failed(a, "prepare libarchive", err);
	return 0;
}

static int next_entry(struct archive *a, struct archive_entry **ret, struct err *err)
{
	int rc = archive_read_next_header(a, ret);

	if (rc == ARCHIVE_EOF)
		return 0;
	return rc < ARCHIVE_WARN ? failed(a, "read the archive", err) : 1;
}

static int write_at(int fd, const char *data, size_t n, la_int64_t at, struct err *err)
{
	while (n) {
		ssize_t k = pwrite(fd, data, n, at);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return err_sys(err, "write");
		data += k;
		at += k;
		n -= (size_t)k;
	}
	return 0;
}

/* Blocks have offsets: between them a sparse file has holes. */
static int write_data(void *arg, struct target *t, int fd, struct err *err)
{
	const struct source *s = arg;
	la_int64_t size = archive_entry_size(s->entry), at, end = 0;
	const void *data;
	size_t n;
	int rc;

	while ((rc = archive_read_data_block(s->archive, &data, &n, &at)) == ARCHIVE_OK) {
		if (n && write_at(fd, data, n, at, err) < 0)
			return -EIO;
		end = at + (la_int64_t)n;
		target_wrote(t, n);
	}
	if (rc != ARCHIVE_EOF)
		return failed(s->archive, "read the archive", err);
	return end < size && ftruncate(fd, size) < 0 ? err_sys(err, "set the size") : 0;
}

static bool next_xattr(void *arg, struct xattr *ret)
{
	const struct source *s = arg;

	return archive_entry_xattr_next(s->entry, &ret->name, &ret->value, &ret->size) ==
	       ARCHIVE_OK;
}

static const char *name_of(const char *bytes, const char *utf8)
{
	return bytes ? bytes : utf8;
}

/* 0: an item; 1: an entry that is none. */
static int read_item(struct archive_entry *e, struct item *ret, char link[PATH_MAX],
		     struct err *err)
{
	const char *path = name_of(archive_entry_pathname(e), archive_entry_pathname_utf8(e));
	const char *hard = name_of(archive_entry_hardlink(e), archive_entry_hardlink_utf8(e));
	int rc;

	if (!path)
		return err_set(err, EILSEQ, "an entry has no name that can be read");
	rc = item_path(path, ret->path, err);
	if (rc < 0)
		return rc;
	ret->mode = archive_entry_filetype(e) | (archive_entry_perm(e) & 07777);
	ret->uid = archive_entry_uid(e);
	ret->gid = archive_entry_gid(e);
	ret->size = archive_entry_size(e);
	ret->mtime.tv_sec = archive_entry_mtime(e);
	ret->mtime.tv_nsec = archive_entry_mtime_nsec(e);
	ret->link = name_of(archive_entry_symlink(e), archive_entry_symlink_utf8(e));
	ret->hard = hard;
	if (hard) {
		rc = item_path(hard, link, err);
		ret->link = link;
	}
	archive_entry_xattr_reset(e);
	return rc < 0 ? err_in(err, rc, "'%s'", ret->path) : 0;
}

static int add_entry(struct target *t, struct source *s, bool whiteouts, struct err *err)
{
	char link[PATH_MAX];
	struct item item = { .source = s, .data = write_data, .xattr = next_xattr };
	int rc = read_item(s->entry, &item, link, err);

	if (rc < 0)
		return rc;
	if (whiteouts && target_is_whiteout(item.path))
		return target_whiteout(t, item.path, err);
	return target_add(t, &item, err);
}

static int add_all(struct target *t, struct archive *a, bool whiteouts, struct err *err)
{
	struct source s = { .archive = a };
	int rc;

	while ((rc = next_entry(a, &s.entry, err)) > 0) {
		rc = add_entry(t, &s, whiteouts, err);
		if (rc < 0)
			return rc;
	}
	return rc;
}

/* What stands behind the end of a tar belongs to its digest. */
static int drain(struct archive *a, struct stream *s, struct err *err)
{
	const void *data;
	la_ssize_t n;

	while ((n = next_piece(a, s, &data)) > 0)
		continue;
	return n < 0 ? failed(a, "read the archive", err) : 0;
}

static int unpack_stream(struct target *t, struct archive *a, struct stream *s, struct err *err)
{
	int rc = 0;

	if (archive_read_support_format_tar(a) < ARCHIVE_WARN ||
	    archive_read_support_format_empty(a) < ARCHIVE_WARN ||
	    archive_read_open(a, s, NULL, next_piece, NULL) < ARCHIVE_WARN)
		rc = failed(a, "read the archive", err);
	if (rc == 0)
		rc = add_all(t, a, true, err);
	return rc < 0 ? rc : drain(a, s, err);
}

static int unpack_layer(struct target *t, int fd, const char *digest, struct err *err)
{
	auto_archive struct archive *outer = archive_read_new();
	auto_archive struct archive *inner = archive_read_new();
	struct stream s = { .outer = outer };
	struct archive_entry *e;
	int rc = digest_new(digest, &s.digest, err);

	if (rc == 0)
		rc = open_filters(outer, err);
	if (rc == 0 && (archive_read_support_format_raw(outer) < ARCHIVE_WARN ||
			archive_read_support_format_empty(outer) < ARCHIVE_WARN ||
			archive_read_open_fd(outer, fd, PIECE) < ARCHIVE_WARN))
		rc = failed(outer, "read the layer", err);
	if (rc == 0)
		rc = next_entry(outer, &e, err);
	if (rc > 0)
		rc = unpack_stream(t, inner, &s, err);
	if (rc < 0)
		return rc;
	rc = digest_check(s.digest, err);
	return rc < 0 ? err_in(err, rc, "uncompressed") : 0;
}

int archive_unpack(struct target *t, int fd, const char *digest, bool whiteouts, struct err *err)
{
	auto_archive struct archive *a = NULL;
	int rc;

	if (whiteouts)
		return unpack_layer(t, fd, digest, err);
	a = archive_read_new();
	rc = open_filters(a, err);
	if (rc == 0 && (archive_read_support_format_tar(a) < ARCHIVE_WARN ||
			archive_read_open_fd(a, fd, PIECE) < ARCHIVE_WARN))
		rc = failed(a, "read the archive", err);
	return rc < 0 ? rc : add_all(t, a, false, err);
}
