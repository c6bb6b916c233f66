/* state_doc.c - the state document in two parts (state_doc.h). */
#include "state_doc.h"

void state_doc_parts(const struct spec *spec, const char *id, const char *bundle, struct str *head, struct str *tail)
{
	struct json_out o;

	str_add(head, "{\"ociVersion\":");
	json_quote(head, spec->oci_version);
	str_add(head, ",\"id\":");
	json_quote(head, id);
	str_add(head, ",\"status\":\"");
	str_add(tail, ",\"bundle\":");
	json_quote(tail, bundle);
	if (spec->annotations.n) {
		json_out_init(&o, NULL);
		json_out_map(&o, NULL, &spec->annotations);
		str_addf(tail, ",\"annotations\":%s", o.s.p);
		json_out_free(&o);
	}
	str_add(tail, "}");
}

void state_doc_join(struct str *ret, const char *head, const char *status, pid_t pid, const char *tail)
{
	str_addf(ret, "%s%s\",\"pid\":%d%s", head, status, (int)pid, tail);
}
