/* words.h - the words that both forms of the plan use for the same thing. [pure] */
#ifndef BRYO_WORDS_H
#define BRYO_WORDS_H

#include "plan/plan.h"

const char *plan_word_propagation(unsigned long flag); /* 0 is the default, "slave" */
const char *plan_word_mount(enum mount_kind kind, bool recursive);
const char *plan_word_groups(const struct user_plan *u);

#endif
