#!/usr/bin/env bats
# shellcheck disable=SC2015,SC2016,SC2030,SC2031,SC2154
# The runtime's own file is out of reach for writing from inside (CVE-2019-5736). The image makes
# the container's program the interpreter "/proc/self/exe", which is bryo itself; it is stopped by
# a log file that is a FIFO, while a process inside takes hold of its executable, and tries to
# write when it runs and after it has ended. Each test says which weakening makes it fail.

bats_require_minimum_version 1.5.0
load ../lib/bryo
load ../lib/security

ALL_SEALS=0xf

setup() {
	bryo_setup
	# of the owner that the test wants, and not the one under test
	mkdir -m 755 "$T/bin"
	cp "$BRYO" "$T/bin/bryo"
	chmod 755 "$T/bin/bryo"
	REAL=$BRYO
}

# use FILE: from now on bryo is this one
use() {
	BRYO=$1
	HASH=$(sha256sum "$BRYO")
}

# hostile_bundle: with what bryo needs to run inside
hostile_bundle() {
	insider_bundle
	local lib r=$BUNDLE/rootfs

	for lib in $(ldd "$REAL" | grep -o '/[^ )]*'); do
		mkdir -p "$r$(dirname "$lib")"
		cp -L "$lib" "$r$lib"
	done
	mkfifo "$r/fifo"
	printf '#!/proc/self/exe --log=/fifo\n' >"$r/script"
	chmod 755 "$r/script"
	chmod 666 "$r/fifo"
	config '.process.capabilities |= map_values(["CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_CHOWN",
		"CAP_DAC_READ_SEARCH", "CAP_SYS_ADMIN", "CAP_SETUID", "CAP_SETGID"]) | .process.noNewPrivileges = false'
}

# attack_by_exec: pid 1 attacks who is exec'd
attack_by_exec() {
	args /bin/insider exe /fifo
	run_detached
	timeout 10 "$BRYO" --root "$ROOT" exec "$ID" /script </dev/null >"$T/exec.out" 2>&1 3>&- || true
	wait_for_status stopped
	attack=$(cat "$T/$ID.out")
	bryo delete "$ID"
}

# attack_by_run: who was exec'd in the created container attacks pid 1
attack_by_run() {
	args /script
	create_container
	bryo start "$ID"
	timeout 20 "$BRYO" --root "$ROOT" exec "$ID" /bin/insider exe /fifo </dev/null >"$T/attack.out" 2>&1 3>&- || true
	attack=$(cat "$T/attack.out")
	bryo delete --force "$ID"
}

# repelled FOUND: the executable was found (else nothing is proved), and never written
repelled() {
	[[ $attack == *"found $1"* && $attack != *": write done"* && $attack != *": truncate done"* &&
		$(sha256sum "$BRYO") == "$HASH" ]] && return
	echo "$attack" >&2
	return 1
}

sealed() {
	repelled /memfd:bryo
	grep -qx "seals $ALL_SEALS" <<<"$attack"
}

# fails if selfexe_protect() does nothing, or SEALS lacks F_SEAL_WRITE, or is_out_of_reach() is always true
@test "a binary of the caller's own is not used inside, but a copy with all seals: exec" {
	use "$T/bin/bryo"
	hostile_bundle
	attack_by_exec
	sealed
}

# the same; and if bryo_protect_self() is not called for start or run
@test "a binary of the caller's own is not used inside, but a copy with all seals: run" {
	use "$T/bin/bryo"
	hostile_bundle
	attack_by_run
	sealed
}

# fails if is_out_of_reach() takes a binary of uid 0 when the caller is uid 0
@test "root without a user namespace uses a copy with all seals" {
	requires root
	chown root "$T/bin/bryo"
	use "$T/bin/bryo"
	hostile_bundle
	config '.linux.namespaces |= map(select(.type != "user"))'
	attack_by_exec
	sealed
	attack_by_run
	sealed
}

# as_user_runs: the two attacks by the ordinary user of the suite, in a directory of its own
as_user_runs() {
	local home=$T/user

	mkdir "$home"
	chown "$BRYO_TEST_USER" "$home"
	# bats has put its own programs before the one to call
	as_user env PATH="$(tr : '\n' <<<"$PATH" | grep -v bats | paste -sd:)" BRYO="$BRYO" BRYO_TEST_TMP="$home" \
		BRYO_BUILD="${BRYO_BUILD-}" HOSTILE_FOUND="$1" bats "$BATS_TEST_FILENAME" -f "given binary"
}

# fails if is_out_of_reach() ignores the mode (group or others may write), or the seals are not all
@test "root's binary: used as it is by a user, and copied where its mode lets others write" {
	requires_test_user
	chown root:root "$T/bin/bryo"
	for mode in 755:/ 775:/memfd:bryo 757:/memfd:bryo 775:/memfd:bryo; do
		chmod "${mode%%:*}" "$T/bin/bryo"
		use "$T/bin/bryo"
		run as_user_runs "${mode#*:}"
		echo "$output" >&2
		[ "$status" -eq 0 ]
		[[ $output == *"ok 1 given binary"* && $output != *skip* ]]
		rm -rf "$T/user"
	done
}

# of the test above, and where the caller's bryo is root's already: fails if the copy were of use there
@test "given binary: out of reach as it is, or by a copy" {
	use "$REAL"
	if [ -z "${HOSTILE_FOUND-}" ]; then
		[ "$(id -u)" != 0 ] && [ "$(stat -c %u:%a "$REAL")" = 0:755 ] ||
			skip "needs an ordinary user and a bryo that root has installed"
		HOSTILE_FOUND=/
	fi
	hostile_bundle
	attack_by_exec
	repelled "$HOSTILE_FOUND"
	[ "$HOSTILE_FOUND" = / ] || grep -qx "seals $ALL_SEALS" <<<"$attack"
	[ "$HOSTILE_FOUND" != / ] || [[ $attack != *"found /memfd:"* ]]
	attack_by_run
	repelled "$HOSTILE_FOUND"
}

# fails if is_out_of_reach() does not ask for capabilities: with them uid 0 of the host can be had inside
@test "an ordinary user with capabilities of its own uses a copy" {
	requires root cmd:setpriv cmd:strace
	chown root "$T/bin/bryo"
	use "$T/bin/bryo"
	run setpriv --reuid 1 --regid 1 --clear-groups --inh-caps +sys_admin --ambient-caps +sys_admin \
		strace -f -e trace=memfd_create "$BRYO" --root "$T/none" exec nobody true 3>&-
	[[ $output == *"memfd_create(\"bryo"* ]]
}
