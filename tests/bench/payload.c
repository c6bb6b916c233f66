/*
 * payload.c - what the bench's containers run; static, so that a root file system needs no more.
 *
 * By its own name: `true` ends at once, `pause` waits to be killed, `spew MIB` writes that much
 * text, in lines, to its stdout.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int spew(long mib)
{
	char block[1 << 16];

	memset(block, 'x', sizeof(block));
	for (size_t i = 79; i < sizeof(block); i += 80)
		block[i] = '\n';
	for (long left = mib << 20; left > 0;) {
		ssize_t n = write(STDOUT_FILENO, block, left < (long)sizeof(block) ? (size_t)left : sizeof(block));

		if (n <= 0)
			return 1;
		left -= n;
	}
	return 0;
}

int main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');
	const char *name = slash ? slash + 1 : argv[0];

	if (strcmp(name, "pause") == 0)
		pause();
	if (strcmp(name, "spew") == 0)
		return spew(argc > 1 ? strtol(argv[1], NULL, 10) : 1);
	return 0;
}
