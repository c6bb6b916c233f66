/*
 * dump.h - the plan as text for people and as JSON for programs and golden tests. The JSON is
 * stable: members are only added. No environment value is ever in it. [pure]
 */
#ifndef BRYO_DUMP_H
#define BRYO_DUMP_H

#include "base/str.h"
#include "plan/plan.h"

void plan_dump_json(const struct plan *plan, struct str *ret);
void plan_dump_text(const struct plan *plan, struct str *ret);

#endif
