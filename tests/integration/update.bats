#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2154
# update: what the options mean and what is refused, wherever there is a cgroup; that limits hold and
# change is shown in the guests (tests/guest/limits.bats). Where the controllers are not to be had,
# the error that names them shows which one an option is about.

bats_require_minimum_version 1.5.0
load ../lib/bryo
load ../lib/cgroup

setup_file() { cgroup_view; }
teardown_file() { cgroup_view_end; }

setup() {
	cgroup_setup
	requires_backend
	args sleep 1000
}

teardown() { cgroup_teardown; }

# becomes FILE VALUE OPTION...: update writes that, or says that its controller is missing
becomes() {
	local name=$1 value=$2

	shift 2
	run bryo update "$@" "$ID"
	if [ "$status" -ne 0 ]; then
		[[ "$output" == *"has not the controllers: ${name%%.*}"* ]] || { echo "$*: $output" >&2; return 1; }
	else
		[ "$(file "$name")" = "$value" ] || { echo "$*: $(file "$name")" >&2; return 1; }
	fi
}

# covers: update --memory update --memory-reservation update --memory-swap update --pids-limit
# covers: update --cpu-share update --cpu-shares update --cpu-quota update --cpu-period update --cpu-burst
# covers: update --cpu-idle update --cpuset-cpus update --cpuset-mems update --blkio-weight
@test "each option is its limit" {
	run_detached
	becomes memory.max 67108864 --memory 64m
	becomes memory.max 67108864 --memory 65536k
	becomes memory.max max --memory -1
	becomes memory.low 1048576 --memory-reservation 1M
	becomes memory.max 33554432 --memory 32m --memory-swap 32m
	becomes pids.max 17 --pids-limit 17
	becomes pids.max 0 --pids-limit 0
	becomes pids.max max --pids-limit -1
	becomes cpu.weight 100 --cpu-share 1024
	becomes cpu.weight 1 --cpu-shares 2
	becomes cpu.max "20000 100000" --cpu-quota 20000
	becomes cpu.max "20000 50000" --cpu-period 50000
	becomes cpu.max.burst 5000 --cpu-burst 5000
	becomes cpu.idle 1 --cpu-idle 1
	becomes cpuset.cpus 0 --cpuset-cpus 0
	becomes cpuset.mems 0 --cpuset-mems 0
	becomes io.weight "default 1" --blkio-weight 10
}

# covers: update --resources
@test "a resources object from a file and from standard input" {
	run_detached
	echo '{"pids": {"limit": 21}}' >"$T/r.json"
	becomes pids.max 21 --resources "$T/r.json"
	becomes pids.max 22 -r - <<<'{"pids": {"limit": 22}}'
	run bryo update --resources "$T/r.json" --memory 1m "$ID"
	[ "$status" -eq 1 ]
	[[ "$output" == *"--resources and --memory exclude each other"* ]]
	run bryo update -r "$T/none.json" "$ID"
	[ "$status" -eq 1 ]
	[[ "$output" == *"none.json: No such file"* ]]
	echo '{"pids": {"limit": "many"}}' >"$T/r.json"
	run bryo update -r "$T/r.json" "$ID"
	[ "$status" -eq 1 ]
	[[ "$output" == *"r.json:1:"*"pids.limit: wants"* ]]
}

# covers: update --cpu-rt-period update --cpu-rt-runtime update --kernel-memory update --kernel-memory-tcp
@test "what cgroup v2 has not is refused by name, kernel memory ignored with a warning" {
	run_detached
	run bryo update --cpu-rt-runtime 1000 "$ID"
	[ "$status" -eq 1 ]
	[[ "$output" == *"cpu.realtimeRuntime"* ]]
	run bryo update --cpu-rt-period 1000 "$ID"
	[ "$status" -eq 1 ]
	[[ "$output" == *"cpu.realtimePeriod"* ]]
	for option in --kernel-memory --kernel-memory-tcp; do
		run bryo update $option 1m "$ID"
		[ "$status" -eq 0 ]
		[[ "$output" == *"no such limit"* ]]
	done
	run bryo update -r - "$ID" <<<'{"memory": {"swappiness": 10}}'
	[ "$status" -eq 1 ]
	[[ "$output" == *"memory.swappiness"* ]]
}

# covers: update --l3-cache-schema update --mem-bw-schema
@test "Intel RDT wants a class of the container's" {
	run_detached
	for option in --l3-cache-schema --mem-bw-schema; do
		run bryo update $option "L3:0=f" "$ID"
		[ "$status" -eq 1 ]
		[[ "$output" == *"Intel RDT: the container has no class to change"* ]]
	done
}

@test "values that are none, and nothing to change" {
	run_detached
	for value in 12q x "" -2k 99999999999999999999 1.5g; do
		run bryo update --memory "$value" "$ID"
		[ "$status" -eq 1 ]
		[[ "$output" == *"--memory '$value': wants bytes"* ]]
	done
	run bryo update --pids-limit many "$ID"
	[ "$status" -eq 1 ]
	[[ "$output" == *"--pids-limit 'many': wants a number"* ]]
	run bryo update "$ID"
	[ "$status" -eq 1 ]
	[[ "$output" == *"nothing to change"* ]]
	run bryo update --memory-swap 1m "$ID"
	[ "$status" -eq 1 ]
}

@test "a container that is not there or has ended" {
	run bryo update --pids-limit 3 "$ID"
	[ "$status" -eq 1 ]
	[[ "$output" == *"does not exist"* ]]
	args true
	run_detached
	wait_for_status stopped
	run bryo update --pids-limit 3 "$ID"
	[ "$status" -eq 1 ]
	[[ "$output" == *"it is not running"* ]]
}
