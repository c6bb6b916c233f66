#!/usr/bin/env bats
# linux.sysctl: what belongs to a namespace of the container's own, in both notations, and nothing
# else. And what hides parts of procfs and sysfs: maskedPaths and readonlyPaths.

bats_require_minimum_version 1.5.0
load ../lib/bryo

refuses() {
	args echo STARTED
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	[[ $output != *STARTED* ]]
	has_line "$1"
	[ "${#lines[@]}" -eq 1 ]
	[ -z "$(bryo list -q)" ]
}

sysctl() { # sysctl KEY VALUE...
	config '.linux.sysctl = ([$ARGS.positional | _nwise(2) | {(.[0]): .[1]}] | add)' --args -- "$@"
}
with() { config '.linux.namespaces |= map(select(.type != $t)) + [{type: $t}]' --arg t "$1"; }
without() { config '.linux.namespaces |= map(select(.type != $t))' --arg t "$1"; }

# ------------------------------------------------------------------------------ sysctls

# covers: linux.sysctl
@test "net.*, kernel.* of ipc and uts, fs.mqueue.* are set inside and not outside" {
	make_bundle
	before=$(cat /proc/sys/net/ipv4/ip_default_ttl /proc/sys/kernel/msgmax /proc/sys/kernel/domainname)
	with network
	with uts
	with ipc
	sysctl net.ipv4.ip_default_ttl 77 kernel.msgmax 4321 kernel.domainname inner.test fs.mqueue.msg_max 17 \
		kernel.shm_rmid_forced 1 kernel.sem "10 20 30 40"
	args sh -c 'cd /proc/sys; cat net/ipv4/ip_default_ttl kernel/msgmax kernel/domainname fs/mqueue/msg_max kernel/shm_rmid_forced kernel/sem'
	run bryo run -b "$BUNDLE" "$ID"
	echo "$output"; [ "$status" -eq 0 ]
	[ "$(tr '\t' ' ' <<<"$output")" = "77
4321
inner.test
17
1
10 20 30 40" ]
	[ "$(cat /proc/sys/net/ipv4/ip_default_ttl /proc/sys/kernel/msgmax /proc/sys/kernel/domainname)" = "$before" ]
}

@test "both separators name the same key, and the other one is then a plain character" {
	make_bundle
	with network
	for key in net.ipv4.conf.lo.forwarding net/ipv4/conf/lo/forwarding; do
		sysctl $key 1
		args cat /proc/sys/net/ipv4/conf/lo/forwarding
		run bryo run -b "$BUNDLE" "$ID"
		[ "$status" -eq 0 ]
		[ "$output" = 1 ]
	done
	# an interface eth0.100 can be named in both; there is none here, and the message shows how it was read
	sysctl net/ipv4/conf/eth0.100/forwarding 1
	refuses "sysctl 'net/ipv4/conf/eth0.100/forwarding': open: No such file or directory"
	sysctl net.ipv4.conf.eth0/100.forwarding 1
	refuses "sysctl 'net.ipv4.conf.eth0/100.forwarding': open: No such file or directory"
}

@test "a read-only /proc/sys does not keep sysctls from being set" {
	make_bundle
	with network
	config '.linux.readonlyPaths = ["/proc/sys"] | .linux.maskedPaths = ["/proc/sys/net"]'
	sysctl net.ipv4.ip_default_ttl 78
	args sh -c 'echo 1 >/proc/sys/net/ipv4/ip_default_ttl; ls /proc/sys/net | wc -l'
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	[ "${lines[-1]}" = 0 ]
}

@test "a key that belongs to the host is refused by name" {
	make_bundle
	for key in kernel.panic vm.swappiness fs.file-max kernel.core_pattern kernel.shmmax2 kernel/../kernel/panic \
		net/../kernel/panic /net/ipv4/ip_default_ttl net..ipv4 kernel; do
		sysctl "$key" 1
		refuses "$key"
		[[ $output == *"does not belong to a namespace"* || $output == *"is not the name of a sysctl"* ]]
	done
}

@test "a key of a namespace that is shared is refused, naming that namespace" {
	make_bundle
	config 'del(.hostname)'
	cp "$BUNDLE/config.json" "$T/keep.json"
	for row in network:net.ipv4.ip_default_ttl ipc:kernel.msgmax ipc:fs.mqueue.msg_max uts:kernel.domainname; do
		without "${row%%:*}"
		[ "${row%%:*}" != ipc ] || config '.mounts |= map(select(.type != "mqueue"))'
		sysctl "${row#*:}" 1
		refuses "'${row#*:}' needs a ${row%%:*} namespace of the container's own"
		cp "$T/keep.json" "$BUNDLE/config.json"
	done
}

@test "a name that hostname or domainname sets already is refused" {
	make_bundle
	config '.hostname = "a" | .domainname = "b"'
	sysctl kernel.hostname x
	refuses "'kernel.hostname' is set by hostname already"
	sysctl kernel.domainname x
	refuses "'kernel.domainname' is set by domainname already"
}

@test "a value that the kernel refuses is named" {
	make_bundle
	with network
	sysctl net.ipv4.ip_default_ttl nonsense
	refuses "sysctl 'net.ipv4.ip_default_ttl': write 'nonsense': Invalid argument"
	sysctl net.nosuch.key 1
	refuses "sysctl 'net.nosuch.key': open: No such file or directory"
}

# ---------------------------------------------------------------- masked and read-only

# covers: linux.maskedPaths
@test "maskedPaths: a directory is empty, a file reads as nothing, neither can be written" {
	make_bundle
	mkdir -p "$BUNDLE/rootfs/secret/dir"
	echo hidden >"$BUNDLE/rootfs/secret/dir/file"
	echo hidden >"$BUNDLE/rootfs/secret/file"
	config '.root.readonly = false | .linux.maskedPaths = ["/secret/dir", "/secret/file", "/proc/version", "/sys/kernel", "/nothing/there", "/secret/file/x"]'
	args sh -c 'ls -A /secret/dir /sys/kernel; cat /secret/file /proc/version; echo x >/secret/file; touch /secret/dir/x; ls -ld /secret/file'
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	[[ $output != *hidden* && $output != *Linux* ]]
	has_line "touch: /secret/dir/x: Read-only file system"
	grep -qE '^c.* 1, +3 ' <<<"$output"
	[ "$(cat "$BUNDLE/rootfs/secret/file")" = hidden ]
	[ ! -e "$BUNDLE/rootfs/nothing" ]
}

@test "a masked directory cannot be filled through another mask of the same source" {
	make_bundle
	mkdir -p "$BUNDLE/rootfs/a" "$BUNDLE/rootfs/b"
	config '.linux.maskedPaths = ["/a", "/b"] | .process.capabilities = {}'
	args sh -c 'touch /a/x /b/x; ls -A /a /b; awk "\$5 == \"/a\" || \$5 == \"/b\" { print \$6 }" /proc/self/mountinfo'
	run bryo run -b "$BUNDLE" "$ID"
	[ "$(grep -c '^ro,nosuid,nodev,noexec' <<<"$output")" -eq 2 ]
	[ "$(grep -c 'Read-only file system' <<<"$output")" -eq 2 ]
}

# covers: linux.readonlyPaths
@test "readonlyPaths: directories and files stay readable and are not writable" {
	make_bundle
	mkdir -p "$BUNDLE/rootfs/fixed/dir"
	echo old >"$BUNDLE/rootfs/fixed/dir/file"
	echo old >"$BUNDLE/rootfs/fixed/file"
	config '.root.readonly = false | .linux.readonlyPaths = ["/fixed/dir", "/fixed/file", "/proc/sys", "/nothing"]'
	args sh -c 'cat /fixed/dir/file; echo new >/fixed/file; touch /fixed/dir/x; echo 1 >/proc/sys/kernel/domainname; touch /fixed/ok && echo written'
	run bryo run -b "$BUNDLE" "$ID"
	has_line old
	has_line written
	[ "$(grep -c 'Read-only file system' <<<"$output")" -eq 3 ]
	[ "$(cat "$BUNDLE/rootfs/fixed/file")" = old ]
}

@test "readonlyPaths hold for the mounts below as well" {
	make_bundle
	config '.mounts += [{destination: "/top", type: "tmpfs", source: "t"}, {destination: "/top/sub", type: "tmpfs", source: "t"}]
		| .linux.readonlyPaths = ["/top"]'
	args sh -c 'touch /top/x; touch /top/sub/x; grep " / /top/sub ro" /proc/self/mountinfo'
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	[ "$(grep -c 'Read-only file system' <<<"$output")" -eq 2 ]
}

@test "a masked path inside a read-only one is masked" {
	make_bundle
	mkdir -p "$BUNDLE/rootfs/d"
	echo hidden >"$BUNDLE/rootfs/d/file"
	config '.linux.readonlyPaths = ["/d"] | .linux.maskedPaths = ["/d/file"]'
	args cat /d/file
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	[ "$output" = "" ]
}

@test "a relative path in either list is refused" {
	make_bundle
	config '.linux.maskedPaths = ["/proc/keys", "proc/kcore"]'
	refuses "linux.maskedPaths[1]: 'proc/kcore' is not absolute"
	config '.linux.maskedPaths = [] | .linux.readonlyPaths = [""]'
	refuses "linux.readonlyPaths[0]: '' is not absolute"
}
