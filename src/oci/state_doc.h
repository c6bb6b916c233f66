/*
 * state_doc.h - the state document of the runtime-spec ("State"), as hooks and seccomp agents get
 * it: everything but status and pid is known when the container is planned, so it is rendered
 * in two parts around them: HEAD status '","pid":' pid TAIL. [pure]
 */
#ifndef BRYO_STATE_DOC_H
#define BRYO_STATE_DOC_H

#include "base/str.h"
#include "oci/spec.h"

#include <sys/types.h>

void state_doc_parts(const struct spec *spec, const char *id, const char *bundle, struct str *head, struct str *tail);
void state_doc_join(struct str *ret, const char *head, const char *status, pid_t pid, const char *tail);

#endif
