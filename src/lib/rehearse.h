/* rehearse.h - for plan_try.c only. */
#ifndef BRYO_REHEARSE_H
#define BRYO_REHEARSE_H

#include "lib/context.h"

/*
 * Launches init by the plan and lets it do all but execute the program, with no trace left. What may
 * be a hook's doing becomes a note instead of an error. [outside]
 */
int rehearse_launch(struct bryo_ctx *ctx, struct plan *plan, struct err *err);

#endif
