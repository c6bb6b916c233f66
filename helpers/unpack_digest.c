/*
 * unpack_digest.c - is it what was promised? The only file that includes libcrypto. Runs in
 * bryo-unpack.
 */
#include "unpack.h"

#include "base/cleanup.h"
#include "base/mem.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>
#include <unistd.h>

#define PIECE (256u << 10)

struct digest {
	EVP_MD_CTX *ctx;
	unsigned char want[64];
	size_t size;
	const char *text;
};

/* Also fetches the algorithms, which would look for providers. */
void digest_prepare(void)
{
	unsigned char out[EVP_MAX_MD_SIZE];
	unsigned n;

	(void)OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, NULL);
	(void)EVP_Digest("", 0, out, &n, EVP_sha256(), NULL);
	(void)EVP_Digest("", 0, out, &n, EVP_sha512(), NULL);
}

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_hex(const char *text, unsigned char *ret, size_t size)
{
	if (strlen(text) != 2 * size)
		return false;
	for (size_t i = 0; i < size; i++) {
		int high = nibble(text[2 * i]), low = nibble(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		ret[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

int digest_new(const char *text, struct digest **ret, struct err *err)
{
	bool big = str_starts(text, "sha512:");
	struct digest *d = mem_alloc(sizeof(*d));

	d->text = text;
	d->size = big ? 64 : 32;
	d->ctx = EVP_MD_CTX_new();
	*ret = d;
	if (!(big || str_starts(text, "sha256:")) || !parse_hex(text + 7, d->want, d->size))
		return err_set(err, EINVAL, "'%.150s' is not a digest in sha256 or sha512", text);
	if (!d->ctx || EVP_DigestInit_ex(d->ctx, big ? EVP_sha512() : EVP_sha256(), NULL) != 1)
		return err_set(err, EIO, "libcrypto does not compute %.6s", text);
	return 0;
}

void digest_add(struct digest *d, const void *data, size_t n)
{
	(void)EVP_DigestUpdate(d->ctx, data, n);
}

int digest_check(struct digest *d, struct err *err)
{
	unsigned char have[EVP_MAX_MD_SIZE] = { 0 };
	char hex[2 * 64 + 1];
	int rc = 0;

	if (EVP_DigestFinal_ex(d->ctx, have, NULL) != 1 || memcmp(have, d->want, d->size) != 0) {
		for (size_t i = 0; i < d->size; i++)
			(void)snprintf(hex + 2 * i, 3, "%02x", have[i]);
		rc = err_set(err, EBADMSG, "the contents have the digest %.7s%s, not %s", d->text,
			     hex, d->text);
	}
	EVP_MD_CTX_free(d->ctx);
	free(d);
	return rc;
}

int digest_file(int fd, const char *text, struct err *err)
{
	auto_free char *piece = mem_alloc(PIECE);
	struct digest *d;
	off_t at = 0;
	ssize_t n;
	int rc = digest_new(text, &d, err);

	if (rc < 0)
		return rc;
	while ((n = pread(fd, piece, PIECE, at)) > 0) {
		digest_add(d, piece, (size_t)n);
		at += n;
	}
	if (n < 0)
		return err_sys(err, "read the contents");
	return digest_check(d, err);
}
