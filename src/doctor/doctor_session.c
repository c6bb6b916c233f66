/* doctor_session.c - being filled. */
#include "doctor_parts.h"
const struct doctor_check doctor_directory_checks[] = { { 0 } }, doctor_cgroup_checks[] = { { 0 } },
			  doctor_session_checks[] = { { 0 } }, doctor_network_checks[] = { { 0 } },
			  doctor_process_checks[] = { { 0 } }, doctor_self_checks[] = { { 0 } };
