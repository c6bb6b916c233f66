/*
 * names.c - every name that a config.json can hold and this program knows, one a line, from the
 * tables that parse them: what tests/lint/covers compares with the tests' `# covers:` lines.
 *
 *	field process.user.uid
 *	option tmpcopyup
 */
#include "feature/mount_opt.h"
#include "oci/spec_load.h"

#include <stdio.h>

int main(void)
{
	for (const struct spec_table *t = spec_tables(); t->path; t++)
		for (const struct json_field *f = t->table; f->name; f++)
			printf("field %s%s%s\n", t->path, *t->path ? "." : "", f->name);
	for (size_t i = 0; mount_opt_name(i); i++)
		printf("option %s\n", mount_opt_name(i));
	return 0;
}
