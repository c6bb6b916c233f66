/* cgroup_dump.c - the cgroup in `bryo plan`, for people and for programs. [pure] */
#include "cgroup.h"

void cgroup_dump_text(const struct cgroup_plan *p, struct str *s)
{
	str_addf(s, "  %s", cgroup_backend_name(p->backend));
	if (p->path)
		str_addf(s, " '%s'", p->path);
	if (p->unit)
		str_addf(s, " %s of the %s manager%s%s", p->unit,
			 p->user_manager ? "user's" : "system's", *p->subgroup ? ", below it " : "",
			 p->subgroup);
	str_addf(s, "%s%s\n", p->why ? ", because " : "", p->why ? p->why : "");
	for (size_t i = 0; i < p->limits.n; i++)
		str_addf(s, "  %-24s %s\n", p->limits.v[i].file, p->limits.v[i].value);
	if (p->filter_devices)
		str_addf(s, "  devices                  %s\n",
			 p->devices.allows_all ? "all" : "filtered by linux.resources.devices");
	if (p->chown)
		str_add(s, "  given to the container's user\n");
	if (p->inner)
		str_addf(s, "  the process starts in '%s' below it\n", p->inner);
}

void cgroup_dump_json(const struct cgroup_plan *p, struct json_out *o)
{
	json_out_object(o, "cgroup");
	json_out_str(o, "backend", cgroup_backend_name(p->backend));
	json_out_str(o, "why", p->why);
	if (p->path)
		json_out_str(o, "path", p->path);
	if (p->unit) {
		json_out_str(o, "unit", p->unit);
		json_out_str(o, "subgroup", p->subgroup);
		json_out_bool(o, "userManager", p->user_manager);
		json_out_strv(o, "properties", &p->properties);
	}
	json_out_array(o, "limits");
	for (size_t i = 0; i < p->limits.n; i++) {
		json_out_object(o, NULL);
		json_out_str(o, "file", p->limits.v[i].file);
		json_out_str(o, "value", p->limits.v[i].value);
		json_out_end(o, '}');
	}
	json_out_end(o, ']');
	json_out_bool(o, "filtersDevices", p->filter_devices);
	json_out_bool(o, "givenToUser", p->chown);
	json_out_end(o, '}');
}
