/*
 * log_target.h - what --log names: a file, the journal or syslog. Written to directly, one datagram
 * a line, because a static program has no libsystemd and no openlog(3) that it could trust after
 * the root has changed: the socket is connected once and inherited by init. [any]
 */
#ifndef BRYO_LOG_TARGET_H
#define BRYO_LOG_TARGET_H

#include "err.h"
#include "log.h"
#include "str.h"

/*
 * name: "PATH", "file:PATH", "journald:ID" or "syslog:ID". Sets fd, target and tag of the sink;
 * tag points into name. [outside]
 */
int log_target_open(const char *name, struct log_sink *ret, struct err *err);
/* The datagram for the journal or syslog. [pure] */
void log_target_format(enum log_target target, const char *tag, enum log_level level,
		       const char *msg, int pid, struct str *ret);

#endif
