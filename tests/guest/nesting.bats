#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2046,SC2154
# Another manager in the container: systemd, Debian's own, and bryo itself. Its cgroup is given to
# it by the runtime specification's rule ("Cgroup ownership"): a cgroup namespace of its own and a
# cgroup mount that can be written. Run in the guests.

bats_require_minimum_version 1.5.0
load ../lib/bryo
load ../lib/cgroup

setup() {
	bryo_setup
	export XDG_RUNTIME_DIR=$SESSION_RUNTIME_DIR
	requires user systemd cgroup2 subid
	make_bundle
	args sleep 1000
}

teardown() { bryo_teardown; }

# own_cgroup [rw|ro]: a cgroup namespace, and its mount
own_cgroup() {
	config '.linux.namespaces |= map(select(.type != "cgroup")) + [{type: "cgroup"}] |
		.mounts |= map(select(.destination != "/sys/fs/cgroup")) + [{destination: "/sys/fs/cgroup", type: "cgroup",
		source: "cgroup", options: ["nosuid", "noexec", "nodev", "'"${1:-rw}"'"]}]'
}

all_capabilities() {
	config '.process.capabilities |= map_values($all) | .process.noNewPrivileges = false' --argjson all "$(
		bryo features | jq -c '.linux.capabilities')"
}

# Of the container's cgroup: who has the directory and the files of the kernel's list, as numbers
owners() { stat -c '%u %n' "/sys/fs/cgroup$(cgroup_of)" $(listed) | sed "s,/sys/fs/cgroup$(cgroup_of),.,"; }
listed() {
	local f

	while read -r f; do
		f=/sys/fs/cgroup$(cgroup_of)/$f
		[ ! -e "$f" ] || echo "$f"
	done </sys/kernel/cgroup/delegate
}

# -------------------------------------------------------------------------- who owns it

@test "a writable mount and a cgroup namespace: process.user has the cgroup and the kernel's list, no more" {
	own_cgroup rw
	local uid first
	first=$(awk -F: -v u="$(id -un)" '$1 == u { print $2; exit }' /etc/subuid)
	# by itself bryo maps the process's user to the caller
	config '.process.user = {uid: 7, gid: 7} | .linux.uidMappings = [{containerID: 0, hostID: $own, size: 1}, {containerID: 1, hostID: $first, size: 99}] |
		.linux.gidMappings = .linux.uidMappings' --argjson own "$UID" --argjson first "$first"
	args sh -c 'mkdir /sys/fs/cgroup/inner && echo 0 >/sys/fs/cgroup/inner/cgroup.procs && exec sleep 1000'
	run_detached
	uid=$((first + 6))
	owners >"$T/owners"
	cat "$T/owners"
	[ "$(wc -l <"$T/owners")" -ge 4 ]
	not grep -qv "^$uid " "$T/owners"
	[ "$(stat -c %u "/sys/fs/cgroup$(cgroup_of)/memory.max" 2>/dev/null || echo "$UID")" = "$UID" ]
	[ "$(stat -c %u "/sys/fs/cgroup$(cgroup_of)/cgroup.freeze")" = "$UID" ]
	wait_for 20 grep -qx '[0-9]*' "/sys/fs/cgroup$(cgroup_of)/inner/cgroup.procs"
	# and what another owns is still ours to end
	bryo delete --force "$ID"
	wait_for 10 eval '[ -z "$(find /sys/fs/cgroup -type d -name "*$ID*")" ]'
}

@test "a read-only mount, or no cgroup namespace: it stays the caller's" {
	own_cgroup ro
	config '.process.user = {uid: 7, gid: 7}'
	run_detached
	owners >"$T/owners"
	not grep -qv "^$UID " "$T/owners"
	bryo delete --force "$ID"
	own_cgroup rw
	config '.linux.namespaces |= map(select(.type != "cgroup"))'
	run bryo plan -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ] || return 0 # such a mount may be refused without the namespace
	run_detached
	owners >"$T/owners"
	not grep -qv "^$UID " "$T/owners"
}

@test "who owns its cgroup gets the controllers that bryo has, without asking for a limit" {
	own_cgroup rw
	args sh -c 'cat /sys/fs/cgroup/cgroup.controllers'
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	for word in memory pids cpu; do
		has_line "$word"
	done
}

# ------------------------------------------------------------------------ systemd inside

# A root with the host's /usr and an /etc of its own: no service of the guest is in it.
systemd_tree() {
	local d r=$BUNDLE/rootfs

	[ -x /usr/lib/systemd/systemd ] || skip "needs /usr/lib/systemd/systemd"
	rm -rf "$r"
	mkdir -p "$r"/{usr,etc/systemd/system,var/log,run,tmp,proc,sys,dev,root}
	for d in bin sbin lib lib64; do
		[ ! -L "/$d" ] || ln -s "usr/$d" "$r/$d"
	done
	printf '%s\n' root:x:0:0:root:/root:/bin/sh nobody:x:65534:65534::/:/bin/false >"$r/etc/passwd"
	printf '%s\n' root:x:0: nogroup:x:65534: >"$r/etc/group"
	tr -d - </proc/sys/kernel/random/uuid >"$r/etc/machine-id"
	ln -s /usr/lib/systemd/system/multi-user.target "$r/etc/systemd/system/default.target"
	for d in systemd-logind systemd-resolved systemd-networkd systemd-timesyncd systemd-userdbd \
		console-getty systemd-udevd systemd-journal-flush dbus getty@; do
		ln -s /dev/null "$r/etc/systemd/system/$d.service"
	done
	for d in dbus systemd-userdbd systemd-udevd-control systemd-udevd-kernel; do
		ln -s /dev/null "$r/etc/systemd/system/$d.socket"
	done
	mkdir "$r/etc/systemd/system/multi-user.target.wants"
	cat >"$r/etc/systemd/system/proof.service" <<-'END'
	[Service]
	Type=oneshot
	RemainAfterExit=yes
	MemoryMax=48M
	ExecStart=/bin/sh -c 'cat /proc/self/cgroup >/run/proof; id -u >>/run/proof'
	END
	cat >"$r/etc/systemd/system/long.service" <<-'END'
	[Service]
	MemoryMax=40M
	ExecStart=/bin/sleep 1000
	END
	for d in proof long; do
		ln -s "../$d.service" "$r/etc/systemd/system/multi-user.target.wants/$d.service"
	done
	all_capabilities
	own_cgroup rw
	config '.mounts += [
			{destination: "/usr", type: "bind", source: "/usr", options: ["rbind", "ro"]},
			{destination: "/run", type: "tmpfs", source: "tmpfs", options: ["nosuid", "nodev", "mode=755"]},
			{destination: "/tmp", type: "tmpfs", source: "tmpfs", options: ["nosuid", "nodev", "mode=1777"]}] |
		.root.readonly = false |
		.process.env += ["container=oci"] | .process.rlimits = []'
	args /usr/lib/systemd/systemd --log-target=console
}

inner() { bryo exec "$ID" "$@"; }

@test "systemd boots to multi-user.target in a rootless container, runs units with limits, and stops" {
	systemd_tree
	run_detached
	local path
	path=$(cgroup_of)
	wait_for 40 inner test -S /run/systemd/private
	BRYO_TIMEOUT=60 inner systemctl is-system-running --wait >"$T/systemd" || true
	grep -qE '^(running|degraded)$' "$T/systemd" || { cat "$T/systemd" "$T/$ID".{out,err}; inner systemctl list-jobs; false; }
	[ "$(inner systemctl is-active multi-user.target)" = active ]
	[ "$(inner cat /run/proof)" = "0::/system.slice/proof.service"$'\n'0 ]
	[ "$(inner systemctl is-active long.service)" = active ]
	[ "$(cat "/sys/fs/cgroup$path/system.slice/long.service/memory.max")" = $((40 << 20)) ]
	inner systemctl --failed --no-legend --plain >"$T/failed"
	cat "$T/failed"
	# an exec goes where a process may be: systemd left the top of its cgroup
	[[ "$(inner cat /proc/self/cgroup)" == 0::/?* ]]
	bryo kill "$ID" RTMIN+4 # systemd's "power off"
	wait_for 30 eval '[ "$(state_of)" = stopped ]'
	bryo delete "$ID"
	has_no_cgroup "$path"
}

# --------------------------------------------------------------------------- bryo inside

# A bundle in the container with bryo in it; the inner one asks for limits
nest() {
	mkdir -p "$BUNDLE/rootfs"/{run,usr/local/bin,inner/rootfs}
	cp "$BRYO" "$BUNDLE/rootfs/usr/local/bin/bryo"
	cp -r --preserve=links "$BUNDLE/rootfs"/{bin,dev,etc,proc,sys,tmp} "$BUNDLE/rootfs/inner/rootfs/"
	cp "$BUNDLE/config.json" "$BUNDLE/rootfs/inner/config.json"
	jq '.process.args = ["sleep", "900"] | .linux.resources = {memory: {limit: 33554432}, pids: {limit: 11}}' \
		"$BUNDLE/config.json" >"$BUNDLE/rootfs/inner/config.json"
	all_capabilities
	own_cgroup rw
	config '.root.readonly = false | .linux.maskedPaths = [] | .linux.readonlyPaths = [] |
		.process.env = ["PATH=/usr/local/bin:/bin", "HOME=/root"] |
		.mounts += [{destination: "/run", type: "tmpfs", source: "tmpfs", options: ["nosuid", "nodev", "mode=755"]}]'
}

nested_pids() { find "/sys/fs/cgroup$(cgroup_of)" -name "pids.max" -exec grep -lx 11 {} +; }

@test "bryo in a bryo container gets its limits" {
	nest
	args sh -c 'bryo run -b /inner nested; exec sleep 1000'
	run_detached
	wait_for 30 eval '[ -n "$(nested_pids)" ]' || { cat "$T/$ID".{out,err}; false; }
	local dir
	dir=$(dirname "$(nested_pids)")
	[[ "$dir" == *nested* ]]
	wait_for 20 grep -q . "$dir/cgroup.procs"
	[ "$(cat "$dir/memory.max")" = 33554432 ]
	[ "$(bryo exec "$ID" bryo list --quiet)" = nested ]
	bryo exec "$ID" bryo delete --force nested
	not test -d "$dir"
}

@test "bryo in a bryo container whose cgroup is not its own says what is missing" {
	nest
	own_cgroup ro
	# with them the inner one sees the controllers, and that they are not its own
	config '.linux.resources = {memory: {limit: 500000000}, pids: {limit: 900}}'
	jq '.process.args = ["true"]' "$BUNDLE/rootfs/inner/config.json" >"$T/inner"
	cp "$T/inner" "$BUNDLE/rootfs/inner/config.json"
	args sh -c 'bryo run -b /inner nested; echo status $?'
	run bryo run -b "$BUNDLE" "$ID"
	has_line "status 1"
	has_line "linux.resources"
}
