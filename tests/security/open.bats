#!/usr/bin/env bats
# shellcheck disable=SC2015,SC2016,SC2030,SC2031,SC2154
# What is open to others: state on the host, the host's trees in the container, the caller's
# terminal, sockets. Each test says which weakening of the source makes it fail.

bats_require_minimum_version 1.5.0
load ../lib/bryo
load ../lib/security

NOBODY_UID=54321 # no such user, so that its default directories are only ours

setup() {
	bryo_setup
	insider_bundle
}

teardown() {
	rm -rf "/tmp/bryo-$NOBODY_UID"
	bryo_teardown
}

# ---------------------------------------------------------------------------- state

# fails if DIR_MODE of state.c or the mode of a file in it lets others in (CVE-2021-41091, CVE-2024-25621)
@test "state: every directory is 0700 and every file 0600, whatever the umask" {
	local umask

	args sleep 1000
	for umask in 0 022 077; do
		rm -rf "$ROOT"
		(umask $umask && create_container)
		[ "$(stat -c %u "$ROOT" "$ROOT/$ID" | sort -u)" = "$(id -u)" ]
		[ -z "$(find "$ROOT" -type d -perm /077)" ]
		[ -z "$(find "$ROOT" -type f -perm /177)" ]
		[ -f "$ROOT/$ID/config.json" ] && [ -f "$ROOT/$ID/record.json" ]
		bryo delete --force "$ID"
	done
}

# fails without check_root() of state.c for a root that was named
@test "state: a --root that others can write is refused" {
	args true
	chmod 777 "$ROOT"
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	has_line "lets others in"
	chmod 700 "$ROOT"
}

# fails without check_root() and check_owner() of state.c
@test "state: what belongs to another user is refused" {
	requires_test_user
	args sleep 1000
	create_container
	chown "$BRYO_TEST_USER" "$ROOT/$ID"
	run bryo state "$ID"
	[ "$status" -eq 1 ]
	has_line "belongs to uid"
	run bryo start "$ID"
	[ "$status" -eq 1 ]
	run bryo exec "$ID" true
	[ "$status" -eq 255 ]
	chown root "$ROOT/$ID"
	chown "$BRYO_TEST_USER" "$ROOT"
	run bryo state "$ID"
	[ "$status" -eq 1 ]
	has_line "belongs to uid"
	chown root "$ROOT"
}

# nobody_run: a command that makes the default state directory, by a user who has none
nobody_run() {
	run setpriv --reuid $NOBODY_UID --regid $NOBODY_UID --clear-groups env -u XDG_RUNTIME_DIR "$@" \
		timeout 20 "$BRYO" run -b "$BUNDLE" "$ID" 3>&-
}

# fails without O_NOFOLLOW in open_root(), or without check_root() of state.c (CVE-2019-12439)
@test "state: a prepared directory in /tmp is refused: another's, a link, writable by others" {
	requires root
	local dir=/tmp/bryo-$NOBODY_UID

	rm -rf "$dir"
	config '.linux.namespaces |= map(select(.type != "network")) + [{type: "user"}, {type: "network"}]'
	mkdir -m 700 "$dir"
	nobody_run
	[ "$status" -eq 1 ]
	has_line "$dir"
	rm -rf "$dir"
	mkdir -m 700 "$T/target"
	chown $NOBODY_UID "$T/target"
	ln -s "$T/target" "$dir"
	nobody_run
	[ "$status" -eq 1 ]
	has_line "$dir"
	[ -z "$(ls -A "$T/target")" ]
	rm "$dir"
	for mode in 777 1777 770 701; do
		mkdir "$dir"
		chmod $mode "$dir"
		chown $NOBODY_UID "$dir"
		nobody_run
		[ "$status" -eq 1 ]
		has_line "lets others in"
		rm -rf "$dir"
	done
	touch "$dir"
	nobody_run
	[ "$status" -eq 1 ]
	has_line "$dir"
}

# fails without is_private_dir() of state.c
@test "state: XDG_RUNTIME_DIR that others can enter, or another's, is not used" {
	requires root
	mkdir "$T/xdg"
	chown $NOBODY_UID "$T/xdg"
	for mode in 755 770 777; do
		chmod $mode "$T/xdg"
		nobody_run XDG_RUNTIME_DIR="$T/xdg"
		[ -z "$(ls -A "$T/xdg")" ]
	done
	mkdir -m 700 "$T/roots"
	rm -rf "/tmp/bryo-$NOBODY_UID"
	nobody_run XDG_RUNTIME_DIR="$T/roots"
	[ -z "$(ls -A "$T/roots")" ]
	[ "$(stat -c %a:%u /tmp/bryo-$NOBODY_UID)" = "1700:$NOBODY_UID" ]
}

# fails if a socket is bound to an abstract name (CVE-2020-15257)
@test "no socket of bryo has an abstract name" {
	local pid ino name seen=0

	args sleep 1000
	create_container
	pid=$(bryo state "$ID" | jq .pid)
	for ino in $(readlink /proc/"$pid"/fd/* | sed -n 's/socket:\[\(.*\)\]/\1/p'); do
		name=$(awk -v i="$ino" '$7 == i { print $8 }' /proc/net/unix)
		[[ $name != @* ]]
		[ -z "$name" ] || seen=$((seen + 1))
	done
	[ "$seen" -ge 1 ]
	[ -S "$ROOT/$ID/start" ]
}

# ------------------------------------------------------------- the host's trees inside

# sys_is_readonly: no mount at /sys or below it that can be written, and none was
sys_is_readonly() {
	args sh -c 'awk "\$5 ~ /^\/sys/ && \$6 !~ /^ro(,|\$)/" /proc/self/mountinfo
		mkdir /sys/fs/cgroup/intruder 2>/dev/null && echo made
		for f in /sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/cgroup.freeze; do
			(echo 1 >"$f") 2>/dev/null && echo wrote "$f"
		done
		grep -c " /sys" /proc/self/mountinfo'
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ] && [[ $output =~ ^[1-9][0-9]*$ ]] && return
	echo "$output" >&2
	return 1
}

# fails without MOUNT_ATTR_RDONLY of the cgroup bind in plan_fs(), or without keep_cgroup_readonly() (CVE-2023-25809)
@test "the caller's cgroup tree is never writable inside, with or without a cgroup namespace" {
	config '(.mounts[] | select(.destination == "/sys/fs/cgroup")).options = ["nosuid", "noexec", "nodev", "rw"] |
		.linux.namespaces |= map(select(.type != "cgroup")) + [{type: "cgroup"}]'
	sys_is_readonly
	config '.linux.namespaces |= map(select(.type != "cgroup"))'
	sys_is_readonly
}

# fails if "ro" of a bind of /sys covers the topmost mount only, in plan_bind() (CVE-2023-25809)
@test "a read-only bind of /sys is read-only all the way down" {
	config '.mounts |= map(select(.destination | startswith("/sys") | not)) +
		[{destination: "/sys", type: "none", source: "/sys", options: ["rbind", "nosuid", "noexec", "nodev", "ro"]}] |
		.linux.maskedPaths |= map(select(startswith("/sys") | not))'
	sys_is_readonly
	config '.linux.namespaces |= map(select(.type != "cgroup"))'
	sys_is_readonly
}

# fails without rec_set in bind_of_sys()
@test "what stands in for sysfs without a network namespace is read-only all the way down" {
	requires user
	insider_bundle
	config '.linux.namespaces |= map(select(.type != "network")) |
		(.mounts[] | select(.destination == "/sys")).options = ["nosuid", "noexec", "nodev"]'
	sys_is_readonly
}

# fails if mask_inside() leaves one out, or readonly_one() clones without MOUNT_ATTR_RDONLY (CVE-2015-3630)
@test "masked and read-only paths of the default spec really are" {

	config '.process.capabilities |= map_values(["CAP_DAC_OVERRIDE", "CAP_FOWNER"])'
	jq -r '.linux.maskedPaths[]' "$BUNDLE/config.json" >"$BUNDLE/rootfs/masked"
	jq -r '.linux.readonlyPaths[]' "$BUNDLE/config.json" >"$BUNDLE/rootfs/readonly"
	[ "$(wc -l <"$BUNDLE/rootfs/masked")" -ge 10 ]
	[ "$(wc -l <"$BUNDLE/rootfs/readonly")" -ge 5 ]
	# shellcheck disable=SC2016
	args sh -c 'while read p; do
			[ -e $p ] || continue
			if [ -d $p ]; then
				[ -z "$(ls -A $p)" ] || echo "$p has entries"
				mkdir $p/x 2>/dev/null && echo "$p can be written"
			else
				[ "$(stat -c %t:%T $p)" = 1:3 ] || echo "$p is not masked"
				[ "$(head -c 1 $p | wc -c)" = 0 ] || echo "$p can be read"
			fi
			n=$((n + 1))
		done </masked
		while read p; do
			[ -e $p ] || continue
			awk -v p=$p "\$5 == p { w = \$6 } END { if (w !~ /^ro(,|$)/) print p, \"is not read-only\" }" /proc/self/mountinfo
			n=$((n + 1))
		done </readonly
		v=$(cat /proc/sys/kernel/panic_on_oops)
		(echo $v >/proc/sys/kernel/panic_on_oops) 2>/dev/null && echo "wrote a sysctl"
		(echo h >/proc/sysrq-trigger) 2>/dev/null && echo "wrote sysrq-trigger"
		echo "looked at $n"'
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 1 ] || { echo "$output" >&2; false; }
	[ "${output#looked at }" -ge 6 ]
}

# fails if rootfs_finish_inside() remounts by a path below /proc, or not at all (CVE-2026-115521)
@test "a read-only root is read-only, also where the image has faked /proc/self/fd" {
	local n r=$BUNDLE/rootfs

	config '.root.readonly = true'
	args sh -c 'touch /x 2>/dev/null; awk "\$5 == \"/\" { print \$6 }" /real/self/mountinfo'
	config '.mounts |= map(select(.destination != "/proc")) + [{destination: "/real", type: "proc", source: "proc"}] |
		.linux.maskedPaths = [] | .linux.readonlyPaths = []'
	mkdir -p "$r/proc/self/fd" "$r/real"
	for n in {3..30}; do
		ln -s /tmp "$r/proc/self/fd/$n"
	done
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	[[ $output == ro,* ]]
	[ ! -e "$r/x" ]
}

# fails if spec_sample.c grants more (B.5: what a kernel bug would need)
@test "the default spec has no-new-privileges, no network capabilities, and a network of its own" {
	[ "$(jq .process.noNewPrivileges "$BUNDLE/config.json")" = true ]
	[ -z "$(jq -r '.process.capabilities[][]' "$BUNDLE/config.json" | grep -E 'NET_(ADMIN|RAW)|SYS_|DAC_|SETUID|MKNOD')" ]
	[ "$(jq '[.linux.namespaces[].type] | contains(["network", "pid", "ipc", "mount", "uts"])' "$BUNDLE/config.json")" = true ]
	args sh -c 'ls /sys/class/net 2>/dev/null; cat /proc/net/unix'
	run bryo run -b "$BUNDLE" "$ID"
	[[ $output != *@* && $output != *eth* ]]
}

# ------------------------------------------------------------------------- terminal

# on_terminal FILTER COMMAND...: COMMAND on a terminal of its own; what that showed is in $output
on_terminal() {
	run timeout -k 5 30 script -qec "$(printf "%q " timeout --foreground -k 5 20 "$@")" /dev/null </dev/null 3>&-
	output=${output//$'\r'/}
}

# fails without setsid() in seal() (CVE-2017-5226, CVE-2019-10063, CVE-2016-10124)
@test "without a terminal of its own the program cannot type into the caller's" {
	requires cmd:script
	args /bin/insider tty
	on_terminal "$BRYO" --root "$ROOT" run -b "$BUNDLE" "$ID"
	has_line "terminal 1"
	[ "$(grep -cE '^(type|steal|open) done' <<<"$output")" -eq 0 ]
	[ "$(grep -cE '^(type|steal|open) ' <<<"$output")" -eq 3 ]
	args sleep 1000
	run_detached
	on_terminal "$BRYO" --root "$ROOT" exec "$ID" /bin/insider tty
	has_line "terminal 1"
	[ "$(grep -cE '^(type|steal|open) done' <<<"$output")" -eq 0 ]
	[ "$(grep -cE '^(type|steal|open) ' <<<"$output")" -eq 3 ]
	on_terminal "$BRYO" --root "$ROOT" exec "$ID" /bin/insider report
	[ "$(fact session | awk '{ print $1 == $2 }')" = 1 ]
}

# fails if the program gets the caller's terminal, or /dev/console is not bound
@test "with a terminal the program has one of the container's own" {
	requires cmd:script
	config '.process.terminal = true'
	args sh -c 'tty; stat -c %t:%T $(readlink /proc/self/fd/0); stat -fc %T /dev/pts; stat -c %t:%T /dev/console'
	on_terminal sh -c 'stat -c "caller %t:%T" "$(tty)"; exec "$@"' - "$BRYO" --root "$ROOT" run -b "$BUNDLE" "$ID"
	has_line "/dev/pts/0"
	[ "$(grep -v ^caller <<<"$output" | grep -c "88:0$")" -eq 2 ] || { echo "$output" >&2; false; }
	config '.process.terminal = false'
	args sleep 1000
	run_detached
	on_terminal "$BRYO" --root "$ROOT" exec -t "$ID" sh -c 'tty; readlink /proc/self/fd/0; echo $(cat /proc/self/stat | cut -d" " -f7)'
	has_line "/dev/pts/0"
}
