#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2154
# bryo-init, which a hostile container has as its pid 1: its file is out of reach for writing as the
# runtime's is (CVE-2019-5736), and nothing of the runtime can be read from it. Each test says which
# weakening makes it fail.

bats_require_minimum_version 1.5.0
load ../lib/bryo
load ../lib/security

ALL_SEALS=0xf

setup() {
	bryo_setup
	mkdir -p "$T/bin/helpers"
	cp "$BRYO" "$T/bin/bryo"
	local helpers=${BRYO%/*}/helpers

	[ -x "$helpers/bryo-init" ] || skip "needs bryo-init beside $BRYO"
	cp "$helpers/bryo-init" "$T/bin/helpers/"
	REAL=$BRYO
}

# use FILE: from now on bryo is this one, and bryo-init the one beside it
use() {
	BRYO=$1
	HASH=$(sha256sum "${1%/*}/helpers/bryo-init")
}

# all that a container's root may want
hostile_bundle() {
	insider_bundle
	config '.process.capabilities |= map_values(["CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_CHOWN",
		"CAP_DAC_READ_SEARCH", "CAP_SYS_ADMIN", "CAP_SETUID", "CAP_SETGID", "CAP_KILL"]) |
		.process.noNewPrivileges = false'
}

attack() {
	args /bin/insider exe -
	run --separate-stderr bryo run -b "$BUNDLE" --init "$ID" </dev/null
	echo "$output"
	[[ $output == *"found "*bryo-init* && $output != *": write done"* && $output != *": truncate done"* ]]
	[ "$(sha256sum "${BRYO%/*}/helpers/bryo-init")" = "$HASH" ]
}

sealed() {
	[[ $output != *"found "*/libexec/* ]] || skip "needs no installed bryo-init: that one is used"
	has_line "found /memfd:bryo-init"
	has_line "seals $ALL_SEALS"
}

# fails if selfexe_open_program() returns the file as it is
@test "a bryo-init of the caller's own is used as a copy with all seals" {
	use "$T/bin/bryo"
	hostile_bundle
	attack
	sealed
}

# fails if is_out_of_reach() takes a file of uid 0 when the caller is uid 0
@test "root without a user namespace uses a copy with all seals" {
	requires root
	chown root "$T/bin/bryo" "$T/bin/helpers/bryo-init"
	use "$T/bin/bryo"
	hostile_bundle
	config '.linux.namespaces |= map(select(.type != "user"))'
	attack
	sealed
}

# fails if is_out_of_reach() is always false
@test "a bryo-init that root has installed is used as it is, and cannot be written" {
	[ "$(id -u)" != 0 ] && [ "$(stat -c %u:%a "${REAL%/*}/helpers/bryo-init" 2>/dev/null)" = 0:755 ] ||
		skip "needs an ordinary user and a bryo-init that root has installed"
	use "$REAL"
	hostile_bundle
	attack
	[[ $output != *"found /memfd"* ]]
}

# fails without PR_SET_DUMPABLE in bryo-init
@test "without CAP_SYS_PTRACE nothing of pid 1 can be looked at" {
	use "$T/bin/bryo"
	make_bundle
	args sh -c 'cd /proc/1; readlink exe root cwd; ls fd; cat environ maps auxv mem; true'
	run --separate-stderr bryo run -b "$BUNDLE" --init "$ID" </dev/null
	[ -z "$output" ]
}

# fails if the program does not wait for the gate, or pid 1 keeps the runtime's environment
@test "with it there is nothing: no environment, no descriptor, no memory of the runtime" {
	use "$T/bin/bryo"
	hostile_bundle
	export SECRET_OF_THE_HOST=xyzzy12345
	args sh -c 'cat /proc/1/environ | wc -c; ls /proc/1/fd | wc -l
		grep -c "heap\|stack\|bryo-init" /proc/1/maps
		while read range perm _; do
			case $perm in r*) start=$(printf %d 0x${range%-*}); end=$(printf %d 0x${range#*-})
			dd if=/proc/1/mem bs=4096 skip=$((start / 4096)) count=$(((end - start) / 4096)) 2>/dev/null;; esac
		done </proc/1/maps | grep -c "xyzzy12345\|SECRET_OF\|'"$BUNDLE"'"'
	run --separate-stderr bryo run -b "$BUNDLE" --init "$ID" </dev/null
	[ "${lines[0]}" = 0 ]
	[ "${lines[1]}" = 0 ]
	[ "${lines[2]}" -gt 0 ]
	[ "${lines[3]}" = 0 ]
}

# fails without set_filter()
@test "pid 1 has a filter of its own and can gain no privileges" {
	use "$T/bin/bryo"
	hostile_bundle
	args sh -c 'grep "^\(Seccomp\|NoNewPrivs\|CapEff\|CapBnd\|CapInh\):" /proc/1/status | tr -d "\t"; kill -KILL 1; kill -STOP 1; sleep 0.1
		grep ^State /proc/1/status'
	run --separate-stderr bryo run -b "$BUNDLE" --init "$ID" </dev/null
	has_line Seccomp:2
	has_line NoNewPrivs:1
	for set in CapInh CapEff CapBnd; do
		has_line $set:0000000000000020
	done
	[[ ${lines[-1]} == *S* ]]
}
