#!/usr/bin/env bats
# bryo doctor: the report itself, and the checks of kernel, user namespaces, IDs and helpers, each
# seen both ways: what it looks at is broken or faked for it, in namespaces of the test's own.

bats_require_minimum_version 1.5.0
load ../lib/bryo

# doctor [OPTION...]: the JSON report is in $T/report, the status in $status
doctor() {
	run --separate-stderr bryo doctor --json "$@"
	[ "$status" -le 1 ] || { echo "$status: $stderr" >&2; return 1; }
	printf '%s\n' "$output" >"$T/report"
}

# check NAME STATUS [TEXT...]: of the report; the texts are in why or remedy
check() {
	local line text

	line=$(jq -r --arg n "$1" '.checks[] | select(.name == $n) | "\(.status): \(.why) -> \(.remedy)"' "$T/report")
	[[ $line == "$2: "* ]] || { echo "$1: not $2: ${line:-no such check}" >&2; return 1; }
	shift 2
	for text; do
		[[ $line == *"$text"* ]] || { echo "no '$text' in: $line" >&2; return 1; }
	done
}

facts() { # facts FILTER: a faked host
	jq -n "$1" >"$T/host.json"
	doctor --host "$T/host.json"
}

# covers: doctor --json doctor --for
@test "the report as JSON: every check has a name, a status, a why, a remedy and its uses" {
	doctor
	jq -e '.checks | length > 20 and all(.name and (.status | IN("ok", "degraded", "missing"))
		and (.why | length > 0) and has("remedy") and (.for | type == "array"))' "$T/report"
	jq -e '.summary.ok + .summary.degraded + .summary.missing == (.checks | length)' "$T/report"
	jq -e '[.checks[].name] | length == (unique | length)' "$T/report"
	for use in sandbox podman network limits; do
		doctor --for $use
		jq -e --arg u $use '.checks | length > 5 and all(.for | index([$u]))' "$T/report"
	done
}

# covers: doctor --host doctor --strict
@test "exit codes: 0, 1 when something is missing, 2 when it cannot look" {
	facts '{}'
	[ "$status" -eq 0 ]
	facts '{"subuids": []}'
	[ "$status" -eq 1 ]
	facts '{"subuids": [{"first": 100000, "count": 1000}]}'
	[ "$status" -eq 0 ]
	check subids.uids degraded
	run bryo doctor --host "$T/host.json" --strict
	[ "$status" -eq 1 ]
	run bryo doctor --host /nonexistent
	[ "$status" -eq 2 ]
	run bryo doctor --for nothing
	[ "$status" -eq 2 ]
}

# covers: doctor --path
@test "a directory that is not there is said" {
	run bryo doctor --path "$T/none"
	[ "$status" -eq 2 ]
	has_line "$T/none"
}

@test "kernel.version: the floor is 5.14" {
	facts '{"kernel_major": 5, "kernel_minor": 14}'
	check kernel.version ok 5.14
	facts '{"kernel_major": 5, "kernel_minor": 13}'
	check kernel.version missing "5.13 is too old" "boot a newer kernel"
	facts '{"kernel_major": 4, "kernel_minor": 18}'
	check kernel.version missing
}

@test "helper.newuidmap and helper.newgidmap: each state has its own remedy" {
	facts '{}'
	check helper.newuidmap ok /usr/bin/newuidmap
	facts '{"newuidmap": {"state": "missing"}}'
	check helper.newuidmap missing "not in PATH" install
	facts '{"newgidmap": {"state": "no-privilege", "path": "/usr/bin/newgidmap"}}'
	check helper.newgidmap missing "chmod u+s /usr/bin/newgidmap" "cap_setgid=ep"
	facts '{"newuidmap": {"state": "nosuid", "path": "/nix/newuidmap"}}'
	check helper.newuidmap missing "nosuid"
	facts '{"newuidmap": {"state": "no-new-privs", "path": "/usr/bin/newuidmap"}}'
	check helper.newuidmap missing "NoNewPrivs" "NoNewPrivileges=no"
	facts '{"uid": 0, "privileged": true, "newuidmap": {"state": "missing"}}'
	check helper.newuidmap ok
}
