#!/usr/bin/env bats
# linux.netDevices: interfaces of the runtime's network namespace go into the container. The tests
# that move one run in a network namespace of their own, in which veth pairs stand for devices.

load ../lib/bryo

setup() {
	bryo_setup
	requires userns
	make_bundle
}

# device NAME [TO]: in the config
device() { config '.linux.netDevices[$from] = (if $to == "" then {} else {name: $to} end)' --arg from "$1" --arg to "${2-}"; }

# in_netns COMMANDS: with $BRYO and a veth pair va, vb, va with two addresses
in_netns() {
	requires cmd:ip
	unshare --net true 2>/dev/null || skip "needs root: no network namespace here for $(id -un)"
	timeout 60 unshare --net bash -c '
		set -e
		ip link add va type veth peer name vb 2>/dev/null || { echo no-veth; exit 0; }
		ip link set va up
		ip addr add 192.0.2.7/24 dev va
		ip -6 addr add 2001:db8::7/64 dev va nodad
		'"$1" 3>&-
}

# covers: linux.netDevices linux.netDevices.name
@test "as root: a device is moved, renamed, keeps its permanent addresses, and is up" {
	requires root
	device va eth7
	args sh -c 'ip addr show eth7; ip addr show va 2>&1 || true'
	run in_netns "\"\$BRYO\" --root '$ROOT' run -b '$BUNDLE' '$ID'; ip link show va 2>&1 || true"
	echo "$output"
	[ "$status" -eq 0 ]
	[ "$output" != no-veth ] || skip "needs veth: this kernel has no such device"
	[[ "$output" == *"inet 192.0.2.7/24"* && "$output" == *"2001:db8::7/64"* && "$output" == *",UP"* ]]
	[[ "$output" == *"eth7"* ]]
	[[ "$output" == *'"va" does not exist'* ]]
}

@test "as root: a name with %d is numbered by the kernel, a device keeps its name without one" {
	requires root
	device va 'net%d'
	device vb
	args sh -c 'cd /sys/class/net 2>/dev/null; sed -n "s/^ *\([a-z0-9]*\):.*/\1/p" /proc/net/dev | sort'
	run in_netns "\"\$BRYO\" --root '$ROOT' run -b '$BUNDLE' '$ID'"
	[ "$output" != no-veth ] || skip "needs veth: this kernel has no such device"
	[ "$status" -eq 0 ]
	[ "${lines[0]} ${lines[1]} ${lines[2]}" = "lo net0 vb" ]
}

@test "as root: a device that is not there, and a name that is taken, are named and nothing is left" {
	requires root
	device nosuch0
	args true
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	[[ "$output" == *"linux.netDevices: 'nosuch0'"*"no such interface"* ]]
	config 'del(.linux.netDevices)'
	device va lo
	run in_netns "\"\$BRYO\" --root '$ROOT' run -b '$BUNDLE' '$ID'"
	[ "$output" != no-veth ] || skip "needs veth: this kernel has no such device"
	[ "$status" -eq 1 ]
	[[ "$output" == *"linux.netDevices: 'va'"*"File exists"* ]]
	[ -z "$(bryo list -q)" ]
}

@test "an ordinary user is refused with the reason" {
	requires user
	[ "$(id -u)" != 0 ] || skip "needs user: root of a user namespace may own its network namespace"
	device eth0
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	[[ "$output" == *"linux.netDevices: an ordinary user cannot take 'eth0'"*"CAP_NET_ADMIN"* ]]
}

@test "impossible names, equal names and a shared network namespace are refused" {
	requires root
	device 'a/b'
	run bryo run -b "$BUNDLE" "$ID"
	[[ "$output" == *"'a/b' is not the name of an interface"* ]]
	config 'del(.linux.netDevices)'
	device va same
	device vb same
	run bryo run -b "$BUNDLE" "$ID"
	[[ "$output" == *"two devices would be called 'same'"* ]]
	config 'del(.linux.namespaces[] | select(.type == "network"))'
	run bryo run -b "$BUNDLE" "$ID"
	[[ "$output" == *"linux.netDevices needs a network namespace"* ]]
}

@test "as root: loopback stays where it is, and plan tells a device that is not there" {
	requires root
	device lo x
	for verb in plan run; do
		run bryo $verb -b "$BUNDLE" "$ID"
		[ "$status" -eq 1 ]
		[[ "$output" == *"linux.netDevices: 'lo' cannot be moved"* ]]
	done
	config 'del(.linux.netDevices)'
	device none7
	for verb in plan run; do
		run bryo $verb -b "$BUNDLE" "$ID"
		[ "$status" -eq 1 ]
		[[ "$output" == *"linux.netDevices: 'none7': No such device"* ]]
	done
}
