/*
 * cleanup.h - auto_* attributes that end a resource when its scope is left, and take_*, the
 * visible hand-over. Every cleanup function keeps errno: leaving a scope must not change the
 * verdict. An empty descriptor is -1, an empty pointer NULL.
 */
#ifndef BRYO_CLEANUP_H
#define BRYO_CLEANUP_H

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

static inline void fd_closep(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}

static inline void freep(void *p)
{
	int saved = errno;

	free(*(void **)p);
	errno = saved;
}

static inline void dir_closep(DIR **d)
{
	int saved = errno;

	if (*d)
		closedir(*d);
	errno = saved;
}

static inline void file_closep(FILE **f)
{
	int saved = errno;

	if (*f)
		fclose(*f);
	errno = saved;
}

static inline int take_fd(int *fd)
{
	int mine = *fd;

	*fd = -1;
	return mine;
}

#define take_ptr(p)                          \
	({                                   \
		__typeof__(*(p)) mine_ = *(p); \
		*(p) = NULL;                 \
		mine_;                       \
	})

#define auto_fd __attribute__((cleanup(fd_closep)))
#define auto_free __attribute__((cleanup(freep)))
#define auto_dir __attribute__((cleanup(dir_closep)))
#define auto_file __attribute__((cleanup(file_closep)))

#endif
