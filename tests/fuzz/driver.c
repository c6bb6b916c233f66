/*
 * driver.c - a main for the fuzz targets where libFuzzer is not: runs each file of the target's
 * corpus (tests/fuzz/corpus/NAME for fuzz_NAME, or the files given) and some thousand mutations
 * of each, always the same ones, so that a target cannot rot. With clang's own:
 *	clang -fsanitize=fuzzer,address ... tests/fuzz/fuzz_NAME.c && ./a.out tests/fuzz/corpus/NAME
 * FUZZ_ROUNDS changes the number of mutations of a file (200).
 */
#include <dirent.h>
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIZE_LIMIT (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t state = 0x9e3779b97f4a7c15u;

static uint32_t random_below(uint32_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)((state >> 32) % n);
}

/* An exact copy on the heap, so that a sanitizer sees a read beyond the end. */
static void run(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		err(1, "malloc");
	memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

static size_t mutate(uint8_t *data, size_t size)
{
	static const char *const words[] = { "\"", "{",	   "[",	   "}",	   ",",
					     ":",  "\\",   "0",	   "-1",   "4294967296",
					     "\n", "\xff", "null", "/../", "1e9" };

	for (uint32_t k = 1 + random_below(4); k > 0 && size > 0; k--) {
		size_t at = random_below((uint32_t)size);
		const char *w = words[random_below(sizeof(words) / sizeof(words[0]))];

		switch (random_below(4)) {
		case 0:
			data[at] ^= (uint8_t)(1u << random_below(8));
			break;
		case 1: /* a piece is missing */
			memmove(data + at, data + at + 1, size - at - 1);
			size--;
			break;
		case 2: /* a word in place of what was there */
			for (size_t i = 0; w[i] && at + i < size; i++)
				data[at + i] = (uint8_t)w[i];
			break;
		default: /* the end is missing */
			size = at;
		}
	}
	return size;
}

static void run_file(const char *path, uint8_t *data, uint8_t *work, long rounds)
{
	FILE *f = fopen(path, "re");
	size_t size;

	if (!f)
		err(1, "%s", path);
	size = fread(data, 1, SIZE_LIMIT, f);
	fclose(f);
	run(data, size);
	for (long i = 0; i < rounds; i++) {
		memcpy(work, data, size);
		run(work, mutate(work, size));
	}
}

static int run_corpus(const char *dir, uint8_t *data, uint8_t *work, long rounds)
{
	DIR *d = opendir(dir);
	char path[4096 + 256 + 2];
	struct dirent *e;
	int n = 0;

	while (d && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		run_file(path, data, work, rounds);
		n++;
	}
	if (d)
		closedir(d);
	return n;
}

int main(int argc, char **argv)
{
	const char *top = getenv("BRYO_TOP"), *more = getenv("FUZZ_ROUNDS");
	long rounds = more ? strtol(more, NULL, 10) : 200;
	const char *name = strstr(argv[0], "fuzz_");
	uint8_t *data = malloc(SIZE_LIMIT), *work = malloc(SIZE_LIMIT);
	char dir[4096];
	int n = 0;

	if (!data || !work || !name)
		errx(1, "set-up");
	for (const char *later = name; (later = strstr(later + 1, "fuzz_")) != NULL;)
		name = later; /* the directory may be called so too */
	run((const uint8_t *)"", 0);
	for (int i = 1; i < argc; i++, n++)
		run_file(argv[i], data, work, rounds);
	if (argc == 1) {
		snprintf(dir, sizeof(dir), "%s/tests/fuzz/corpus/%s", top ? top : ".",
			 name + strlen("fuzz_"));
		n = run_corpus(dir, data, work, rounds);
	}
	printf("%sok 1 - %s: %d files, %ld mutations of each\n1..1\n", n ? "" : "not ", name, n,
	       rounds);
	free(data);
	free(work);
	return n ? EXIT_SUCCESS : EXIT_FAILURE;
}
