#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2034,SC2154
# events and stats: what containers use, as JSON lines and as a table. Figures and their JSON are in
# tests/unit/test_cgroup_stat.c, the table's form in tests/unit/test_stats_view.c. What needs a
# container with a cgroup is skipped, aloud, where bryo has none to give: it runs as root on a
# unified hierarchy and as a user where one is delegated.

bats_require_minimum_version 1.5.0
load ../lib/bryo
load ../lib/cgroup

setup_file() { cgroup_view; }
teardown_file() { cgroup_view_end; }
teardown() { cgroup_teardown; }

setup() {
	cgroup_setup
	requires userns
	make_bundle
	args sleep 1000
}

# A running container; the test is skipped where it got no cgroup.
counted() {
	run_detached
	in_cgroup "$ID"
}

in_cgroup() {
	bryo stats --no-stream --interval 1ms "$1" >/dev/null 2>"$T/why" && return
	grep -q 'has no cgroup' "$T/why" || { cat "$T/why" >&2; return 1; }
	skip "needs cgroups: no container gets one here"
}

# counts FILTER NAME: the controller is enabled for the container
counts() { bryo events --stats "$ID" | jq -e "$1" >/dev/null || skip "needs cgroups: no controller counts $2 here"; }

# fails_with STATUS TEXT ARG...
fails_with() {
	local want=$1 text=$2

	shift 2
	run bryo "$@"
	[ "$status" -eq "$want" ] || { echo "bryo $*: status $status: $output" >&2; return 1; }
	has_line "$text"
}

# follow NAME ARG...: a command in the background, its output in $T/NAME
follow() {
	local name=$1

	shift
	bryo "$@" >"$T/$name" 2>"$T/$name.err" </dev/null &
}

# lines_of NAME N: at least so many
lines_of() { [ "$(wc -l <"$T/$1")" -ge "$2" ]; }

# ------------------------------------------------------------------------------ what is typed

# covers: --interval
@test "an interval is a length of time as in Go, and more than 0" {
	local cmd

	for cmd in events stats; do
		fails_with 1 "duration interval must be greater than 0" $cmd --interval 0 "$ID"
		fails_with 1 "duration interval must be greater than 0" $cmd --interval 0s "$ID"
		fails_with 1 "duration interval must be greater than 0" $cmd --interval=-1s "$ID"
		fails_with 1 "'5' is no duration" $cmd --interval 5 "$ID"
		fails_with 1 "'' is no duration" $cmd --interval '' "$ID"
		fails_with 1 "'9999999h' is too long" $cmd --interval 9999999h "$ID"
		fails_with 1 "container '$ID' does not exist" $cmd --interval 1h1m1.5s "$ID"
	done
}

@test "events wants one ID" {
	fails_with 1 "the container's ID is missing" events
	fails_with 1 "unexpected argument 'b'" events a b
}

@test "a container that does not run has no figures" {
	create_container
	bryo delete --force "$ID"
	fails_with 1 "container '$ID' does not exist" events "$ID"
	fails_with 1 "container '$ID' does not exist" stats "$ID"
	run_detached
	bryo kill "$ID" KILL
	wait_for_status stopped
	fails_with 1 "container '$ID' is not running" events "$ID"
	fails_with 1 "container '$ID' is not running" events --stats "$ID"
	fails_with 1 "container '$ID' is not running" stats "$ID"
}

# covers: --cgroup-manager
@test "a container without a cgroup: an error for who names it, dashes among all" {
	bryo --cgroup-manager disabled run --detach -b "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	fails_with 1 "container '$ID' has no cgroup" events "$ID"
	fails_with 1 "container '$ID' has no cgroup" events --stats "$ID"
	fails_with 1 "container '$ID' has no cgroup" stats "$ID"
	bryo stats --no-stream --interval 1ms | jq -e --arg id "$ID" '.id == $id and .cpuNs == null and .pids == null'
}

@test "stats of nothing: no line" {
	run bryo stats --no-stream --interval 1ms
	[ "$status" -eq 0 ]
	[ -z "$output" ]
}

# ------------------------------------------------------------------------------------- events

# covers: --stats
@test "events --stats is one line with runc's keys" {
	counted
	bryo events --stats "$ID" >"$T/json"
	[ "$(wc -l <"$T/json")" -eq 1 ]
	jq -e --arg id "$ID" 'keys_unsorted == ["type", "id", "data"] and .type == "stats" and .id == $id and
		(.data | keys_unsorted) == ["cpu", "cpuset", "memory", "pids", "blkio", "hugetlb", "intel_rdt",
			"network_interfaces"] and
		.data.pids.current >= 1 and
		(.data.cpu.usage | has("kernel") and has("user")) and
		(.data.memory | .usage.limit >= 0 and .swap.failcnt == 0 and .kernel.limit == 0 and .kernelTCP.limit == 0) and
		.data.intel_rdt == {} and .data.network_interfaces == null' "$T/json"
}

@test "events has the limits of the config" {
	config '.linux.resources = {memory: {limit: 67108864, swap: 100663296}, pids: {limit: 20}}'
	args sh -c 'while sleep 0.1; do :; done'
	counted
	counts '.data.memory.usage.limit == 67108864' memory
	sleep 0.5
	bryo events --stats "$ID" >"$T/json"
	jq -e '.data.memory.usage.limit == 67108864 and .data.pids.limit == 20 and .data.memory.raw.anon > 0 and
		(.data.memory.swap.limit | . == 100663296 or . == 67108864) and
		.data.memory.swap.usage >= .data.memory.usage.usage' "$T/json"
}

@test "events prints figures in intervals, the first after one, and ends with the container" {
	local start

	counted
	start=$(date +%s%N)
	follow events events --interval 300ms "$ID"
	wait_for 20 lines_of events 1
	[ $(($(date +%s%N) - start)) -ge 300000000 ]
	wait_for 20 lines_of events 3
	bryo kill "$ID" KILL
	ends_with 0
	[ ! -s "$T/events.err" ]
	jq -es --arg id "$ID" 'length >= 3 and all(.type == "stats" and .id == $id) and
		.[0].data.cpu.usage.total <= .[-1].data.cpu.usage.total' "$T/events"
}

@test "events that wait for a long interval end at once with the container" {
	counted
	follow events events --interval 1h "$ID"
	wait_for 20 events_looks
	bryo kill "$ID" KILL
	ends_with 0
	[ ! -s "$T/events" ]
}

@test "an OOM kill is told: of a process and then of init, which ends the container" {
	config '.linux.resources = {memory: {limit: 33554432, swap: 33554432}} | .process.oomScoreAdj = 0'
	args sh -c 'while [ ! -e /tmp/go ]; do sleep 0.1; done; tail /dev/zero; echo alive >/tmp/one
		while [ ! -e /tmp/on ]; do sleep 0.1; done; exec tail /dev/zero'
	config '.root.readonly = false'
	counted
	counts '.data.memory.usage.limit == 33554432' memory
	follow events events --interval 1h "$ID"
	wait_for 20 events_looks
	[ ! -s "$T/events" ]
	touch "$BUNDLE/rootfs/tmp/go"
	wait_for 20 lines_of events 1
	wait_for 20 test -e "$BUNDLE/rootfs/tmp/one"
	jq -e --arg id "$ID" '. == {type: "oom", id: $id}' "$T/events"
	bryo stats --no-stream --interval 1ms "$ID" | jq -e '.oomKills == 1'
	touch "$BUNDLE/rootfs/tmp/on"
	ends_with 0
	jq -es --arg id "$ID" '. == [{type: "oom", id: $id}, {type: "oom", id: $id}]' "$T/events"
}

@test "a paused container has figures" {
	counted
	bryo pause "$ID"
	bryo events --stats "$ID" | jq -e '.data.pids.current >= 1'
	bryo stats --no-stream --interval 1ms | jq -e --arg id "$ID" '.id == $id'
	bryo resume "$ID"
}

@test "the keys are those of runc's events" {
	requires root cgroup2 cmd:runc
	counted
	cp -r "$BUNDLE" "$T/other"
	(cd "$T/other" && jq 'del(.linux.uidMappings, .linux.gidMappings) |
		.linux.namespaces |= map(select(.type != "user"))' config.json >new && mv new config.json &&
		runc --root "$T/runc" run --detach "$ID-runc" </dev/null >/dev/null 2>&1) || skip "runc runs nothing here"
	runc --root "$T/runc" events --stats "$ID-runc" >"$T/theirs"
	runc --root "$T/runc" delete --force "$ID-runc"
	bryo events --stats "$ID" >"$T/ours"
	# whatever theirs has, ours has too; ours may have figures that an older runc does not know, and
	# keys that are left out where they are 0
	jq -nc --slurpfile a "$T/theirs" --slurpfile b "$T/ours" '
		def names: [paths | map(if type == "number" then 0 else . end) | map(tostring) | join(".")] | unique;
		($a[0] | names) - ($b[0] | names) |
			map(select(test("cpu\\.usage\\.total|throttling\\.|blkio\\.io|hugetlb\\.|cache$|\\.usage$|\\.max$|raw") | not))' >"$T/missing"
	cat "$T/missing"
	[ "$(cat "$T/missing")" = '[]' ]
}

# -------------------------------------------------------------------------------------- stats

# covers: --no-stream
@test "stats --no-stream: a line for each running container, or for those named" {
	counted
	run_detached "$ID-b"
	create_container "$ID-c"
	bryo stats --no-stream --interval 10ms >"$T/all"
	jq -es --arg id "$ID" 'map(.id) == [$id, $id + "-b"]' "$T/all"
	jq -es 'all(.cpuPercent != null and .cpuNs >= 0 and .pids >= 1 and has("memory") and has("memoryLimit") and
		has("swap") and has("pidsLimit") and has("ioRead") and has("ioWrite") and has("oomKills") and
		(.psi | has("cpu") and has("memory") and has("io")) and (.time | test("^20..-..-..T")))' "$T/all"
	bryo stats --no-stream --interval 10ms "$ID-b" "$ID" >"$T/named"
	jq -es --arg id "$ID" 'map(.id) == [$id + "-b", $id]' "$T/named"
	fails_with 1 "container '$ID-d' does not exist" stats --no-stream "$ID" "$ID-d"
}

@test "stats counts CPU time between two samples" {
	args sh -c 'while :; do :; done'
	counted
	bryo stats --no-stream --interval 500ms "$ID" | jq -e '.cpuPercent > 5 and .cpuPercent < 150'
}

@test "stats follows containers that come and go" {
	counted
	follow stats stats --interval 200ms
	wait_for 20 grep -q "\"id\":\"$ID\"" "$T/stats"
	run_detached "$ID-b"
	wait_for 20 grep -q "\"id\":\"$ID-b\"" "$T/stats"
	bryo kill "$ID-b" KILL
	wait_for_status stopped "$ID-b"
	sleep 0.5
	: >"$T/mark"
	cp "$T/stats" "$T/before"
	wait_for 20 lines_of stats $(($(wc -l <"$T/before") + 2))
	tail -n 1 "$T/stats" | jq -e --arg id "$ID" '.id == $id and .cpuPercent != null'
	kill %%
	wait %% || true
}

@test "stats of containers that were named ends when the last one does" {
	counted
	run_detached "$ID-b"
	follow stats stats --interval 100ms "$ID" "$ID-b"
	wait_for 20 lines_of stats 2
	bryo kill "$ID" KILL
	wait_for_status stopped
	sleep 0.3
	kill -0 $!
	bryo kill "$ID-b" KILL
	ends_with 0
	[ ! -s "$T/stats.err" ]
}

# on_terminal WORD...: in a terminal of 100 columns; what it showed is in $T/screen
on_terminal() {
	requires cmd:script
	script -qefc "stty cols 100 rows 20; exec timeout 20 $BRYO --root $ROOT $*" "$T/screen" >/dev/null 2>&1 </dev/null 3>&-
}

@test "on a terminal stats is a table, and --no-stream touches no cursor" {
	counted
	on_terminal stats --no-stream --interval 10ms
	grep -q "^ID .*CPU % .*MEM .*LIMIT .*PIDS .*PSI CPU" "$T/screen"
	grep -q "^$ID " "$T/screen"
	not grep -q $'\033' "$T/screen"
}

@test "on a terminal the cursor is hidden, the table redrawn in place, and the cursor shown at the end" {
	counted
	(wait_for 10 grep -q $'\033\\[2A' "$T/screen"; bryo kill "$ID" KILL) 3>&- &
	on_terminal stats --interval 200ms "$ID"
	grep -q $'\033\\[?25l' "$T/screen"
	grep -q $'\033\\[2A' "$T/screen"
	[ "$(grep -o $'\033\\[?25[lh]' "$T/screen" | tail -n 1)" = $'\033[?25h' ]
}

@test "a signal that ends stats shows the cursor, and is the exit status" {
	local job

	counted
	requires cmd:script
	# shellcheck disable=SC2024
	script -qefc "$BRYO --root $ROOT stats --interval 100ms &
		for i in \$(seq 200); do ! grep -q '?25l' $T/screen || break; sleep 0.1; done; kill -TERM \$!; wait \$!; echo status \$?" \
		"$T/screen" >/dev/null 2>&1 </dev/null 3>&-
	[ "$(grep -o $'\033\\[?25[lh]' "$T/screen" | tail -n 1)" = $'\033[?25h' ]
	grep -q "status 143" "$T/screen"
}
