/* adapt_write.h - a plan's decisions written into the document it was made from; see adapt_rules.h. [pure] */
#ifndef BRYO_ADAPT_WRITE_H
#define BRYO_ADAPT_WRITE_H

#include "base/json.h"
#include "plan/plan.h"

/* doc must be the document that spec and plan were made from. */
void adapt_write(struct arena *a, struct json *doc, const struct spec *spec, const struct plan *plan);

#endif
