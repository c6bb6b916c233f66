/*
 * passwd.h - who a uid is. /etc/passwd is read first; what it does not have is asked of getent(1),
 * so that name services work without being loaded into this (static) program. [outside]
 */
#ifndef BRYO_PASSWD_H
#define BRYO_PASSWD_H

#include <stdbool.h>
#include <sys/types.h>

struct passwd_entry { char name[64], home[256]; };

/* false where nobody knows. ask: whether getent may be started. */
bool passwd_find(uid_t uid, bool ask, struct passwd_entry *ret);
/* The entry of uid in the text of a passwd file. [pure] */
bool passwd_parse(const char *text, uid_t uid, struct passwd_entry *ret);

#endif
