#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2154
# Limits do what they say, on a machine where systemd is pid 1 and cgroup v2 is the only hierarchy.
# Whoever calls decides which backend is shown:
#
#	bats tests/guest/limits.bats					alice: systemd, her manager; root: cgroupfs
#	BRYO_TEST_MANAGER=systemd bats tests/guest/limits.bats		root: systemd
#	systemd-run --user --scope -p Delegate=yes bats tests/guest/limits.bats		alice: cgroupfs

bats_require_minimum_version 1.5.0
load ../lib/bryo
load ../lib/cgroup

MIB=1048576

setup_file() {
	T=$(mktemp -d "${BRYO_TEST_TMP:-/tmp}/bryo-file.XXXXXX")
	chmod 711 "$T"
	export SHARED=$T BUNDLE=$T/bundle
	is_v2 || return 0
	make_bundle
	config '.root = {path: $dir, readonly: true}' --arg dir "$BUNDLE/rootfs"
	wait_for 30 manager_answers || true
}

teardown_file() { remove_tree "$SHARED"; }

# One root file system for all: to make it takes a guest a second.
setup() {
	is_v2 || skip "needs cgroup v2 on /sys/fs/cgroup"
	bryo_setup
	mkdir "$BUNDLE"
	cp "$SHARED/bundle/config.json" "$BUNDLE"
	[ "$(bryo plan --format json -b "$BUNDLE" x | jq -r .cgroup.backend)" != none ] ||
		skip "needs a cgroup of the container's own: root, a delegated cgroup, or a user bus"
	args sleep 1000
}

bryo() {
	timeout --foreground -k 5 "${BRYO_TIMEOUT:-60}" "$BRYO" --root "$ROOT" \
		${BRYO_TEST_MANAGER:+--cgroup-manager "$BRYO_TEST_MANAGER"} "$@" 3>&-
}

resources() { config '.linux.resources = '"$1"; }

# needs NAME...: skips where a container's cgroup does not get the controller
needs() {
	local name

	for name in "$@"; do
		has_controller "$name" || skip "needs the controller $name, which is not delegated here"
	done
}

# says FILE VALUE [PROPERTY VALUE]: the container's cgroup, and its scope where it has one
says() {
	local is

	is=$(file "$1")
	[ "$is" = "$2" ] || { echo "$1: '$is', not '$2'" >&2; return 1; }
	[ -n "${3-}" ] && [ -n "$(unit_of)" ] || return 0
	is=$(property "$3")
	[ "$is" = "$4" ] || { echo "$3: '$is', not '$4'" >&2; return 1; }
}

# ends_clean: delete leaves neither the cgroup nor the scope, not even as failed
ends_clean() {
	local path unit

	path=$(cgroup_of)
	unit=$(unit_of)
	bryo delete "$@" "$ID"
	has_no_cgroup "$path"
	[ -z "$unit" ] || wait_for 20 no_unit "$unit"
}

@test "every limit is in its file and in its unit; delete leaves neither cgroup nor scope" {
	needs memory pids cpu
	resources '{memory: {limit: 67108864, reservation: 16777216, swap: 100663296}, pids: {limit: 20},
		cpu: {quota: 30000, period: 150000, shares: 512}, unified: {"memory.high": "50331648"}}'
	run_detached
	says memory.max $((64 * MIB)) MemoryMax $((64 * MIB))
	says memory.low $((16 * MIB)) MemoryLow $((16 * MIB))
	# of runtime-spec, swap is memory and swap together
	says memory.swap.max $((32 * MIB)) MemorySwapMax $((32 * MIB))
	says memory.high $((48 * MIB)) MemoryHigh $((48 * MIB))
	says pids.max 20 TasksMax 20
	says cpu.max "30000 150000" CPUQuotaPerSecUSec 200ms
	says cpu.weight 59 CPUWeight 59
	# a later exec is limited too: row 41, from a session's scope this needs a move by systemd or CLONE_INTO_CGROUP
	bryo exec -d "$ID" sleep 999
	[ "$(file cgroup.procs | wc -l)" -eq 2 ]
	[ -z "$(unit_of)" ] || [ "$(property Delegate)" = yes ]
	ends_clean --force
}

@test "a memory hog is OOM-killed at its limit, events reports it, and delete leaves no failed scope" {
	needs memory
	resources '{memory: {limit: 16777216, swap: 16777216}}'
	config '.process.oomScoreAdj = 0'
	args sh -c 'until [ -e /dev/shm/go ]; do sleep 0.1; done; tail /dev/zero; echo "hog $?"; exec tail /dev/zero'
	run_detached
	bryo events --interval 1h "$ID" >"$T/events" 2>&1 &
	local job=$!
	wait_for 20 events_looks
	bryo exec "$ID" touch /dev/shm/go
	wait $job
	[ "$(state_of)" = stopped ]
	grep -q '^hog 137$' "$T/$ID.out"
	jq -es --arg id "$ID" '. == [{type: "oom", id: $id}, {type: "oom", id: $id}]' "$T/events"
	ends_clean
}

@test "a fork bomb stops at pids.limit, and the machine goes on" {
	needs pids
	resources '{pids: {limit: 12}}'
	args sh -c 'sh -c "i=0; while [ \$i -lt 60 ]; do sleep 60 & i=\$((i+1)); done"; echo bomb $?; exec sleep 1000'
	run_detached
	wait_for 20 grep -q '^bomb' "$T/$ID.out"
	grep -q '^bomb 2$' "$T/$ID.out" # not 0: it could not
	# the shell that could not fork is gone again
	[ "$(file pids.current)" -ge 10 ]
	[ "$(file pids.current)" -le 12 ]
	[ "$(file pids.events | sed -n 's/^max //p')" -ge 1 ]
	(:)
	bryo stats --no-stream --interval 1ms "$ID" | jq -e '.pidsLimit == 12 and .pids >= 10'
	bryo kill --all "$ID" KILL
	wait_for_status stopped
	ends_clean
}

# runtime-spec 1.3: 0 is a limit. What the container itself needs to start is not counted against it.
@test "pids.limit 0 lets nothing fork" {
	needs pids
	resources '{pids: {limit: 0}}'
	args sh -c 'echo one; (echo two); echo three'
	run bryo run -b "$BUNDLE" "$ID"
	echo "$output"
	[ "$status" -eq 2 ]
	[ "${lines[0]}" = one ]
	has_line "can't fork"
	not has_line two 2>/dev/null
}

@test "a CPU quota of 20% holds within 10 %, is lifted and set while it runs" {
	needs cpu
	resources '{cpu: {quota: 20000, period: 100000}}'
	args sh -c 'while :; do :; done'
	run_detached
	sleep 0.5
	holds_20 2 || holds_20 4 || holds_20 8
	eventually_20 || eventually_20 || eventually_20
	bryo update --cpu-quota -1 "$ID"
	says cpu.max "max 100000" CPUQuotaPerSecUSec infinity
	percent 1
	[ "$PERCENT" -ge 3500 ]
	bryo update --cpu-quota 40000 --cpu-period 200000 "$ID"
	says cpu.max "40000 200000" CPUQuotaPerSecUSec 200ms
}

# what stats says of one second; a guest that gets no CPU itself may miss one
eventually_20() {
	bryo stats --no-stream --interval 1s "$ID" >"$T/json"
	cat "$T/json"
	jq -e '.cpuPercent > 15 and .cpuPercent < 25' "$T/json" >/dev/null
}

# holds_20 SECONDS: within 10 %. An emulated processor that the host takes away for a moment is charged to
# whom it was running, and pays it back from the next periods: the longer, the less that is.
holds_20() {
	percent "$1"
	[ "$PERCENT" -ge 1800 ] && [ "$PERCENT" -le 2200 ]
}

# percent SECONDS: PERCENT in hundredths
percent() {
	local before start end after

	start=$(date +%s%N)
	before=$(usage)
	sleep "$1"
	after=$(usage)
	end=$(date +%s%N)
	PERCENT=$(((after - before) * 10000000 / (end - start)))
	echo "CPU: $PERCENT hundredths of a percent"
}

@test "a CPU set holds, and changes while it runs" {
	needs cpuset
	[ "$(nproc --all)" -ge 2 ] || skip "needs two CPUs"
	resources '{cpu: {cpus: "1", mems: "0"}}'
	run_detached
	[ "$(bryo exec "$ID" sed -n 's/^Cpus_allowed_list:\t//p' /proc/1/status)" = 1 ]
	says cpuset.cpus 1 AllowedCPUs 1
	bryo update --cpuset-cpus 0 "$ID"
	says cpuset.cpus 0 AllowedCPUs 0
	[ "$(bryo exec "$ID" sed -n 's/^Cpus_allowed_list:\t//p' /proc/1/status)" = 0 ]
}

@test "block I/O: a throttle is on the device" {
	needs io
	local dev
	dev=$(lsblk -dno MAJ:MIN 2>/dev/null | grep -v '^7:' | head -n 1 | tr -d ' ') || true
	[ -n "$dev" ] || dev=$(cat /sys/block/nvme0n1/dev 2>/dev/null) || skip "needs a block device"
	resources '{blockIO: {throttleReadBpsDevice: [{major: '"${dev%:*}"', minor: '"${dev#*:}"', rate: 1048576}]}}'
	run_detached
	file io.max | grep "^$dev rbps=1048576 wbps=max"
}

@test "root: huge pages have a limit" {
	[ "$(id -u)" = 0 ] || skip "needs root: no manager delegates hugetlb to users"
	needs hugetlb
	resources '{hugepageLimits: [{pageSize: "2MB", limit: 4194304}]}'
	run_detached
	says hugetlb.2MB.max 4194304
	says hugetlb.2MB.rsvd.max 4194304
}

# covers: update --memory update --memory-swap update --memory-reservation update --pids-limit update --cpu-share
@test "update: flags with units change file and unit; -1 lifts" {
	needs memory pids cpu
	resources '{memory: {limit: 67108864}}'
	run_detached
	bryo update --memory 128m --memory-swap 192m --memory-reservation 8m --pids-limit 30 --cpu-share 1024 "$ID"
	says memory.max $((128 * MIB)) MemoryMax $((128 * MIB))
	says memory.swap.max $((64 * MIB)) MemorySwapMax $((64 * MIB))
	says memory.low $((8 * MIB)) MemoryLow $((8 * MIB))
	says pids.max 30 TasksMax 30
	says cpu.weight 100 CPUWeight 100
	bryo update --memory -1 --pids-limit=-1 "$ID"
	says memory.max max MemoryMax infinity
	says pids.max max TasksMax infinity
	# a reload makes systemd write what it knows: that must be the same
	bryo update --memory 96m "$ID"
	[ -z "$(unit_of)" ] || sctl daemon-reload
	says memory.max $((96 * MIB)) MemoryMax $((96 * MIB))
	ends_clean --force
}

# covers: update --resources
@test "update: -r FILE and -r -; checkBeforeUpdate refuses what is below what is used" {
	needs memory pids
	args sh -c 'head -c 16777216 /dev/zero >/dev/shm/f; echo ready; exec sleep 1000'
	resources '{memory: {limit: 67108864}}'
	run_detached
	wait_for 10 grep -q ready "$T/$ID.out"
	echo '{"pids": {"limit": 17}, "unified": {"memory.high": "41943040"}}' >"$T/r.json"
	bryo update -r "$T/r.json" "$ID"
	says pids.max 17 TasksMax 17
	says memory.high $((40 * MIB)) MemoryHigh $((40 * MIB))
	echo '{"memory": {"limit": 50331648}}' | bryo update -r - "$ID"
	says memory.max $((48 * MIB)) MemoryMax $((48 * MIB))
	echo '{"memory": {"limit": 4194304, "checkBeforeUpdate": true}}' >"$T/r.json"
	run bryo update -r "$T/r.json" "$ID"
	[ "$status" -eq 1 ]
	has_line "bytes are in use, more than the limit of 4194304"
	says memory.max $((48 * MIB)) MemoryMax $((48 * MIB))
	[ "$(state_of)" = running ]
	echo '{"memory": {"limit": 33554432, "checkBeforeUpdate": true}}' | bryo update -r - "$ID"
	says memory.max $((32 * MIB)) MemoryMax $((32 * MIB))
}

@test "a container that was started without limits gets them, and what it used counts" {
	needs memory pids
	args sh -c 'head -c 16777216 /dev/zero >/dev/shm/f; echo ready; exec sleep 1000'
	run_detached
	wait_for 10 grep -q ready "$T/$ID.out"
	bryo update --memory 64m --pids-limit 9 "$ID"
	says memory.max $((64 * MIB)) MemoryMax $((64 * MIB))
	says pids.max 9 TasksMax 9
	echo '{"memory": {"limit": 4194304, "checkBeforeUpdate": true}}' >"$T/r.json"
	run bryo update -r "$T/r.json" "$ID"
	[ "$status" -eq 1 ]
	has_line "bytes are in use"
}

@test "a frozen container makes no progress, and can be killed and deleted" {
	args sh -c 'while :; do :; done'
	run_detached
	bryo pause "$ID"
	local before
	before=$(usage)
	sleep 0.7
	[ "$(usage)" -eq "$before" ]
	bryo resume "$ID"
	wait_for 10 eval '[ "$(usage)" -gt '"$before"' ]'
	bryo pause "$ID"
	bryo kill "$ID" KILL
	wait_for_status stopped
	ends_clean
}

@test "kill --all reaches what left the session; a cgroup below goes too" {
	config '.linux.namespaces |= map(select(.type != "pid"))'
	args sh -c 'setsid sleep 998 & setsid sh -c "sleep 997 & sleep 996" & sleep 1000'
	run_detached
	wait_for 10 eval '[ "$(file cgroup.procs | wc -l)" -ge 4 ]'
	local pids pid
	pids=$(file cgroup.procs)
	mkdir -p "/sys/fs/cgroup$(cgroup_of)/a/b"
	bryo kill --all "$ID" KILL
	wait_for_status stopped
	for pid in $pids; do
		wait_for 10 eval "[ ! -d /proc/$pid ] || grep -q '^State:.*Z' /proc/$pid/status"
	done
	ends_clean
}

@test "figures are what was used, with limits and without" {
	needs memory pids
	args sh -c 'head -c 16777216 /dev/zero >/dev/shm/f; i=0; while [ $i -lt 3000 ]; do i=$((i+1)); done; sleep 1000 &
		echo ready; exec sleep 1000'
	resources '{memory: {limit: 67108864}, pids: {limit: 20}}'
	run_detached
	resources '{}'
	run_detached "$ID-free"
	wait_for 10 grep -q ready "$T/$ID.out"
	wait_for 10 grep -q ready "$T/$ID-free.out"
	bryo stats --no-stream --interval 100ms "$ID" "$ID-free" >"$T/json"
	cat "$T/json"
	jq -es '.[0] | .memory >= 16777216 and .memory < 25165824 and .memoryLimit == 67108864 and .pids == 2 and .pidsLimit == 20
		and .cpuNs > 1000000 and .cpuPercent < 20 and .oomKills == 0' "$T/json"
	bryo events --stats "$ID" >"$T/events"
	cat "$T/events"
	jq -e '.data | .memory.usage.usage >= 16777216 and .memory.usage.limit == 67108864 and
		.memory.raw.shmem >= 16777216 and .pids.current == 2 and .pids.limit == 20 and
		(.cpu.usage.total - .cpu.usage.user - .cpu.usage.kernel | . > -20000 and . < 20000)' "$T/events"
	jq -es '.[1] | .memory >= 16777216 and .memory < 25165824 and .memoryLimit == null and .pids == 2' "$T/json"
}

# Row 40. The kernel refuses it so while a thread has a real-time policy; strace makes it do so here.
@test "the cpu controller cannot be enabled: real-time threads are named, and nothing is left" {
	requires cmd:strace
	[ "$(id -u)" != 0 ] || skip "needs user: root's controllers are on already"
	config '.linux.resources = {cpu: {quota: 50000, period: 100000}}'
	local scope
	scope=/sys/fs/cgroup/user.slice/user-$UID.slice/user@$UID.service/app.slice/bryo-$ID.scope
	run strace -f -o "$T/trace" -P "$scope/cgroup.subtree_control" -e trace=write -e inject=write:error=EINVAL \
		"$BRYO" --root "$ROOT" run --idmap single -b "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	[[ "$output" == *"enable the controller 'cpu'"*"Invalid argument"*"real-time policy"* ]]
	run bryo state "$ID"
	[ "$status" -ne 0 ]
	wait_for 10 test ! -d "$scope"
}

@test "a sandbox has limits too, in a cgroup that goes with it" {
	needs memory pids cpu
	mkdir "$T/work"
	cd "$T/work"
	run bryo sandbox --memory 32m --pids 12 --cpus 0.5 -- sh -c 'tail /dev/zero; echo "hog $?"
		sh -c "i=0; while [ \$i -lt 40 ]; do sleep 60 & i=\$((i+1)); done"; echo "bomb $?"' </dev/null
	echo "$output"
	[ "$status" -eq 0 ]
	has_line "hog 137"
	has_line "bomb 2"
	wait_for 10 no_sandbox
}

no_sandbox() { [ -z "$(find /sys/fs/cgroup -name '*sandbox-*' 2>/dev/null)" ]; }
