#!/usr/bin/env bats
# linux.resources without cgroups: every limit that was asked for is named in one warning and nothing
# is dropped in silence; what changes nothing is not asked for; org.bryo.limits decides otherwise.

load ../lib/bryo

setup() {
	bryo_setup
	requires userns
	make_bundle
	args true
	config 'del(.linux.resources)'
	cp "$BUNDLE/config.json" "$T/plain.json"
}

# limit FILTER: alone in the config
limit() { jq ".linux.resources$1" "$T/plain.json" >"$BUNDLE/config.json"; }

# named NAME FILTER
named() {
	limit "$2"
	run bryo run -b "$BUNDLE" "$ID"
	echo "$2: $output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"linux.resources: not applied: $1 ("* ]]
	[ "${#lines[@]}" -eq 1 ]
}

# covers: linux.resources.memory.limit linux.resources.memory.reservation linux.resources.memory.swap
# covers: linux.resources.memory.kernel linux.resources.memory.kernelTCP linux.resources.memory.swappiness
# covers: linux.resources.memory.disableOOMKiller linux.resources.cpu.shares linux.resources.cpu.quota
# covers: linux.resources.cpu.burst linux.resources.cpu.idle linux.resources.cpu.realtimeRuntime
# covers: linux.resources.cpu.realtimePeriod linux.resources.cpu.cpus linux.resources.cpu.mems
@test "memory and cpu: each limit is named" {
	named memory.limit '.memory.limit = 33554432'
	named memory.reservation '.memory.reservation = 1048576'
	named memory.swap '.memory.swap = 33554432'
	named memory.kernel '.memory.kernel = 1048576'
	named memory.kernelTCP '.memory.kernelTCP = 1048576'
	named memory.swappiness '.memory.swappiness = 10'
	named memory.disableOOMKiller '.memory.disableOOMKiller = true'
	named cpu.shares '.cpu.shares = 512'
	named cpu.quota '.cpu = {quota: 20000, period: 100000}'
	named cpu.burst '.cpu.burst = 1000'
	named cpu.idle '.cpu.idle = 1'
	named cpu.realtimeRuntime '.cpu.realtimeRuntime = 5000'
	named cpu.realtimePeriod '.cpu.realtimePeriod = 10000'
	named cpu.cpus '.cpu.cpus = "0"'
	named cpu.mems '.cpu.mems = "0"'
}

# covers: linux.resources.pids.limit linux.resources.blockIO.weight linux.resources.blockIO.leafWeight
# covers: linux.resources.blockIO.weightDevice linux.resources.blockIO.weightDevice[].*
# covers: linux.resources.blockIO.throttleReadBpsDevice linux.resources.blockIO.throttleWriteBpsDevice
# covers: linux.resources.blockIO.throttleReadIOPSDevice linux.resources.blockIO.throttleWriteIOPSDevice
# covers: linux.resources.blockIO.throttle*Device[].major linux.resources.blockIO.throttle*Device[].minor
# covers: linux.resources.blockIO.throttle*Device[].rate linux.resources.hugepageLimits
# covers: linux.resources.hugepageLimits[].* linux.resources.network linux.resources.network.classID
# covers: linux.resources.network.priorities linux.resources.network.priorities[].*
# covers: linux.resources.rdma linux.resources.rdma.*.hcaHandles linux.resources.rdma.*.hcaObjects
# covers: linux.resources.unified
@test "pids, block I/O and the rest: each limit is named, and a pids limit of 0 is one" {
	named pids.limit '.pids.limit = 7'
	named pids.limit '.pids.limit = 0'
	named blockIO.weight '.blockIO.weight = 100'
	named blockIO.leafWeight '.blockIO.leafWeight = 100'
	named blockIO.weightDevice '.blockIO.weightDevice = [{major: 8, minor: 0, weight: 100, leafWeight: 10}]'
	for throttle in ReadBps WriteBps ReadIOPS WriteIOPS; do
		named "blockIO.throttle*" ".blockIO.throttle${throttle}Device = [{major: 8, minor: 0, rate: 1000}]"
	done
	named hugepageLimits '.hugepageLimits = [{pageSize: "2MB", limit: 0}]'
	named network '.network.classID = 1'
	named network '.network.priorities = [{name: "eth0", priority: 1}]'
	named rdma '.rdma.mlx5_0 = {hcaHandles: 1, hcaObjects: 1}'
	named unified '.unified["memory.high"] = "1"'
}

# covers: linux.resources.devices linux.resources.devices[].* linux.resources.memory.useHierarchy
# covers: linux.resources.memory.checkBeforeUpdate linux.resources.cpu.period
@test "what changes nothing is not asked for: no warning" {
	limit ' = {memory: {limit: -1, swap: -1, kernel: 0, useHierarchy: false, checkBeforeUpdate: true,
		disableOOMKiller: false}, cpu: {shares: 0, quota: -1, period: 100000, realtimeRuntime: 0, cpus: ""},
		pids: {limit: -1}, blockIO: {weight: 0}, devices: [{allow: false, access: "rwm"},
		{allow: true, type: "c", major: 1, minor: 3, access: "rw"}], unified: {}, hugepageLimits: []}'
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	[ -z "$output" ]
}

@test "several limits are one warning" {
	limit ' = {memory: {limit: 33554432}, pids: {limit: 5}, cpu: {shares: 2}}'
	run bryo run -b "$BUNDLE" "$ID"
	[ "${#lines[@]}" -eq 1 ]
	[[ "$output" == *"not applied: memory.limit, cpu.shares, pids.limit ("* ]]
}

# covers: org.bryo.limits
@test "org.bryo.limits=required refuses, best-effort warns, another value is refused" {
	limit '.pids.limit = 5'
	config '.annotations = {"org.bryo.limits": "required"}'
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	[[ "$output" == *"linux.resources: pids.limit cannot be enforced without a cgroup"* ]]
	config '.annotations["org.bryo.limits"] = "best-effort"'
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	config '.annotations["org.bryo.limits"] = "maybe"'
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	[[ "$output" == *"required or best-effort"* ]]
}

# covers: linux.cgroupsPath
@test "a cgroup path is taken, and plan says that no cgroup is made" {
	config '.linux.cgroupsPath = "/somewhere/else"'
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	run bryo plan -b "$BUNDLE" "$ID"
	[[ "$output" == *"linux.cgroupsPath: '/somewhere/else' is not used"* ]]
}

# Row 44: nobody but root can have rules enforced, so only what is there and should not be is told.
@test "device rules: a warning only where one denies a node that is there" {
	requires user
	limit '.devices = [{allow: false, access: "rwm"}]'
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	config '.linux.devices = [{path: "/dev/fuse", type: "c", major: 10, minor: 229}]'
	[ -c /dev/fuse ] || skip "needs /dev/fuse"
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	[[ "$output" == *"'/dev/fuse' is there and can be used, though the rules deny it"* ]]
	config '.linux.resources.devices += [{allow: true, type: "c", major: 10, minor: 229, access: "rw"}]'
	run bryo run -b "$BUNDLE" "$ID"
	[ -z "$output" ]
}
