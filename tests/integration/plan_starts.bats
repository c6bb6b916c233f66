#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2034,SC2154
# bryo plan's exit code is 0 exactly where the container starts: each row is planned, then run.

bats_require_minimum_version 1.5.0
load ../lib/bryo

setup() {
	bryo_setup
	make_bundle
	args true
	cp "$BUNDLE/config.json" "$T/plain.json"
	mkdir "$T/data" "$BUNDLE/rootfs/data"
	echo x >"$T/file"
	echo x >"$BUNDLE/rootfs/file"
}

# same WORDS FILTER [OPTION...]: what plan and run say of the changed config; the words are for the reader
same() {
	local what=$1 filter=$2 planned ran

	shift 2
	jq "$filter" "$T/plain.json" >"$BUNDLE/config.json"
	bryo plan -b "$BUNDLE" "$@" "$ID" >"$T/planned" 2>"$T/planned.err" </dev/null && planned=0 || planned=$?
	bryo run -b "$BUNDLE" "$@" "$ID" >"$T/ran" 2>&1 </dev/null && ran=0 || ran=$?
	[ "$planned" -eq 0 ] && grep -q '^refused' "$T/planned" && planned=marked
	[ "$planned" -ne 0 ] && ! grep -q '^refused' "$T/planned" && planned=unmarked
	echo "$what: plan $planned, run $ran" >>"$T/table"
	case $planned:$ran in
	0:0 | 1:[1-9]*) return 0 ;;
	esac
	echo "$what: plan $planned, run $ran" >&2
	cat "$T/planned.err" "$T/ran" >&2
	return 1
}

# both ways must be there, or the rows prove nothing
has_both() {
	grep -q 'run 0$' "$T/table" && grep -qv 'run 0$' "$T/table"
	[ -z "$(find "$ROOT" -mindepth 1 -maxdepth 1 -not -name '@*')" ]
}

@test "root, mounts and devices" {
	touch "$T/script"
	same "as it is" .
	same "no such rootfs" '.root.path = "nothing"'
	same "no such source" '.mounts += [{destination: "/data", source: "/nothing", options: ["bind"]}]'
	same "a directory on a directory" ".mounts += [{destination: \"/data\", source: \"$T/data\", options: [\"rbind\"]}]"
	same "a directory on a file" ".mounts += [{destination: \"/file\", source: \"$T/data\", options: [\"rbind\"]}]"
	same "a file on a directory" ".mounts += [{destination: \"/data\", source: \"$T/file\", options: [\"bind\"]}]"
	same "a mount point in a bind" ".mounts += [{destination: \"/data\", source: \"$T/data\", options: [\"rbind\"]},
		{destination: \"/data/below\", type: \"tmpfs\", source: \"t\"}]"
	[ ! -e "$T/data/planned" ]
	same "a missing mount point" '.mounts += [{destination: "/new/dir", type: "tmpfs", source: "t"}]'
	same "an option that is wrong" '.mounts += [{destination: "/data", type: "tmpfs", source: "t", options: ["size=x"]}]'
	same "an unknown file system" '.mounts += [{destination: "/data", type: "nofs", source: "t"}]'
	same "mqueue with the host's ipc" '.linux.namespaces |= map(select(.type != "ipc"))'
	same "proc with the host's pids" '.linux.namespaces |= map(select(.type != "pid"))'
	same "a device" '.linux.devices = [{path: "/dev/zero", type: "c", major: 1, minor: 5}]'
	same "a device that is another" '.linux.devices = [{path: "/dev/zero", type: "c", major: 1, minor: 3}]'
	same "a FIFO" '.linux.devices = [{path: "/dev/pipe", type: "p"}]'
	same "a remount of nothing" '.mounts += [{destination: "/none", options: ["remount", "bind", "ro"]}]'
	same "a mask of nothing" '.linux.maskedPaths = ["/none", "/proc/kcore"]'
	rm -r "$BUNDLE/rootfs/proc"
	ln -s tmp "$BUNDLE/rootfs/proc"
	same "proc is a link in the image" .
	has_both
}

@test "program, identity and limits" {
	printf '#!/bin/sh\nexit 0\n' >"$BUNDLE/rootfs/bin/good"
	printf '#!/bin/nothing\n' >"$BUNDLE/rootfs/bin/bad"
	cp "$BUNDLE/rootfs/bin/good" "$BUNDLE/rootfs/bin/plain"
	chmod 755 "$BUNDLE/rootfs/bin/"{good,bad}
	chmod 644 "$BUNDLE/rootfs/bin/plain"
	same "no such program" '.process.args = ["nothing"]'
	same "a script" '.process.args = ["good"]'
	same "a script without its interpreter" '.process.args = ["bad"]'
	same "not executable" '.process.args = ["plain"]'
	same "a directory as program" '.process.args = ["/bin"]'
	same "PATH without it" '.process.env = ["PATH=/tmp"]'
	same "a path to it" '.process.env = ["PATH=/tmp"] | .process.args = ["/bin/true"]'
	same "a program in a tmpfs" '.mounts += [{destination: "/bin", type: "tmpfs", source: "t"}]'
	same "a working directory that is made" '.process.cwd = "/new"'
	same "a working directory that is a file" '.process.cwd = "/file"'
	same "a user of the image" '.process.user = {uid: 1000, gid: 1000}'
	same "a user beyond any map" '.process.user = {uid: 4000000000, gid: 4000000000}'
	same "a hard limit that is too high" '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 1, hard: 99999999999}]'
	same "a limit" '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 16, hard: 16}]'
	same "out of memory last" '.process.oomScoreAdj = -999'
	same "unknown capability" '.process.capabilities.bounding = ["CAP_NOTHING"]'
	same "a terminal" '.process.terminal = true'
	same "a terminal without devpts" '.process.terminal = true | .mounts |= map(select(.destination != "/dev/pts"))'
	same "real time" '.process.scheduler = {policy: "SCHED_FIFO", priority: 5}'
	has_both
}

@test "namespaces, names, sysctls, filters, hooks and limits" {
	same "a name" '.hostname = "box"'
	same "a name that is too long" '.hostname = ("x" * 70)'
	same "a name of the host's" '.hostname = "box" | .linux.namespaces |= map(select(.type != "uts"))'
	same "a sysctl" '.linux.sysctl = {"kernel.msgmax": "4321"}'
	same "a sysctl that is none" '.linux.sysctl = {"net.ipv4.nothing": "1"} |
		.linux.namespaces |= map(select(.type != "network")) + [{type: "network"}]'
	same "a clock of its own" '.linux.namespaces += [{type: "time"}] | .linux.timeOffsets = {boottime: {secs: 7}}'
	same "a clock before boot" '.linux.namespaces += [{type: "time"}] | .linux.timeOffsets = {boottime: {secs: -999999999}}'
	same "a namespace that is not there" '.linux.namespaces |= map(select(.type != "ipc")) + [{type: "ipc", path: "/nothing"}]'
	requires userns
	unshare --user --map-root-user --mount --net sleep 60 3>&- &
	holder=$!
	wait_for 5 grep -q sleep "/proc/$holder/comm"
	same "a mount namespace of a user namespace that is not joined" ".linux.namespaces |=
		map(select(.type != \"mount\")) + [{type: \"mount\", path: \"/proc/$holder/ns/mnt\"}]"
	same "a network namespace of a user namespace that is not joined" ".linux.namespaces |=
		map(select(.type != \"network\")) + [{type: \"network\", path: \"/proc/$holder/ns/net\"}]"
	same "a mount namespace that is none" '.linux.namespaces |=
		map(select(.type != "mount")) + [{type: "mount", path: "/proc/self/ns/net"}]'
	kill "$holder"
	same "a hook that is not there" '.hooks = {createRuntime: [{path: "/nothing"}]}'
	same "a hook for later that is not there" '.hooks = {poststart: [{path: "/nothing"}]}'
	same "a name that is too long, beside a joined network" '.hostname = ("x" * 70) |
		.linux.namespaces |= map(select(.type != "network")) + [{type: "network", path: "/proc/self/ns/net"}]'
	same "a hook" '.hooks = {createRuntime: [{path: "/bin/true"}], createContainer: [{path: "/bin/true"}]}'
	same "memory, required" '.linux.resources = {memory: {limit: 9999999}} | .annotations = {"org.bryo.limits": "required"}'
	same "memory, if possible" '.linux.resources = {memory: {limit: 99999999}} | .annotations = {"org.bryo.limits": "best-effort"}'
	if "$BRYO" --version | grep -q '+SECCOMP'; then
		same "a filter" '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["chroot"], action: "SCMP_ACT_ERRNO"}]}'
		same "a filter against execve" '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["execve"], action: "SCMP_ACT_ERRNO"}]}'
		same "a filter that kills" '.linux.seccomp = {defaultAction: "SCMP_ACT_KILL"}'
		same "a filter against everything" '.linux.seccomp = {defaultAction: "SCMP_ACT_ERRNO"}'
		same "an agent that does not listen" ".linux.seccomp = {defaultAction: \"SCMP_ACT_ALLOW\",
			listenerPath: \"$T/none\", syscalls: [{names: [\"getcwd\"], action: \"SCMP_ACT_NOTIFY\"}]}"
		same "no such action" '.linux.seccomp = {defaultAction: "SCMP_ACT_NOTHING"}'
	fi
	has_both
}

# As in join.c (CVE-2016-9962): the root of that namespace must not look into who enters it.
@test "who tries to join a user namespace cannot be looked into" {
	requires userns cmd:strace
	unshare --user --map-root-user --mount sleep 60 3>&- &
	holder=$!
	wait_for 5 grep -q sleep "/proc/$holder/comm"
	jq --arg ns "/proc/$holder/ns" 'del(.linux.uidMappings, .linux.gidMappings) |
		.linux.namespaces |= map(select(.type != "mount" and .type != "user")) +
			[{type: "user", path: "\($ns)/user"}, {type: "mount", path: "\($ns)/mnt"}]' \
		"$T/plain.json" >"$BUNDLE/config.json"
	strace -f -o "$T/trace" -e trace=prctl,setns "$BRYO" --root "$ROOT" plan -b "$BUNDLE" "$ID" >"$T/planned" || true
	kill "$holder"
	cat "$T/trace"
	grep -q 'setns(.*CLONE_NEWUSER) *= 0' "$T/trace"
	grep -E 'PR_SET_DUMPABLE|setns' "$T/trace" | head -1 | grep -q 'SUID_DUMP_DISABLE'
}

@test "options" {
	same "one ID" . --idmap single
	same "all IDs" . --idmap subid
	same "no such mapping" . --idmap nonsense
	same "no network" . --net none
	same "no such network" . --net nonsense
	same "a pid file" . --pid-file "$T/pid"
	same "a pid file nowhere" . --pid-file "$T/nowhere/pid"
	same "a pid file that is a directory" . --pid-file "$T/data"
	[ -d "$T/data" ]
	[ -z "$(find "$T" -maxdepth 1 -name '.data.*')" ]
	same "descriptors that are not open" . --preserve-fds 20
	same "a console socket and no terminal" . --console-socket "$T/none"
	same "another document" . --config "$T/plain.json"
	same "a document that is not there" . --config "$T/nothing.json"
	same "changes thrown away" . --ephemeral
	same "layers that are not there" . --overlay /nothing
	same "the outer proc" . --proc bind
	same "a pid 1 of ours" . --init
	same "a socket" . --listen "unix:$T/listen.sock"
	same "a socket nowhere" . --listen "unix:$T/nowhere/listen.sock"
	same "a file where a socket would be" . --listen "unix:$T/file"
	same "a port of the host" . --listen tcp:127.0.0.1:0
	has_both
}

# taken_port: a TCP port of the loopback address that somebody has, in $PORT, until the test ends
taken_port() {
	python3 -c 'import socket, sys, time
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen()
print(s.getsockname()[1], flush=True); time.sleep(60)' >"$T/port" 3>&- &
	TAKER=$!
	wait_for 5 test -s "$T/port"
	PORT=$(cat "$T/port")
}

@test "networks and their ports" {
	requires cmd:python3
	taken_port
	same "a port in use" . --listen "tcp:127.0.0.1:$PORT"
	same "no network" . --net none
	same "the host's" . --net host
	same "slirp4netns" . --net slirp4netns
	same "pasta" . --net pasta
	same "any" . --net auto
	same "a port in use, published" . --net slirp4netns --publish "127.0.0.1:$PORT:80"
	same "ports without a network" . --net none --publish 8080:80
	same "a low port" . --net slirp4netns --publish 127.0.0.1:81:80
	same "one's network that is not there" . --net join:nobody
	kill "$TAKER"
	has_both
}

@test "an ID that is taken" {
	args sleep 1000
	create_container
	run bryo plan -b "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	has_line "container with id '$ID' already exists"
	bryo delete "$ID"
	bryo plan -b "$BUNDLE" "$ID" >/dev/null
}

@test "a mount point that is missing in a root of somebody else's" {
	local new

	requires root
	chmod 755 "$BUNDLE/rootfs" && chown 12345:12345 "$BUNDLE/rootfs"
	new='.linux.uidMappings = [{containerID: 0, hostID: 200000, size: 100}] | .linux.gidMappings = .linux.uidMappings |
		.linux.namespaces += [{type: "user"}] | .mounts += [{destination: "/TOP/dir", type: "tmpfs", source: "t"}]'
	chown 200000 "$BUNDLE/rootfs/data"
	same "a point that is there" "${new/TOP/data}"
	same "a point that is missing" "${new/TOP/new}"
	bryo run -b "$BUNDLE" "$ID" >"$T/ran" 2>&1 && return 1
	grep -q "the mount point is missing, and the container may not make it" "$T/ran"
	chown 200000:200000 "$BUNDLE/rootfs"
	same "one that can be made" "${new/TOP/new2}"
	has_both
}

@test "what a hook may bring is degraded, not refused" {
	args nothing-of-that-name
	config '.hooks = {createContainer: [{path: "/bin/true"}]}'
	run bryo plan -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	has_line "  ! process.args: would fail, unless a hook prevents it: exec 'nothing-of-that-name'"
}

@test "the rehearsal changes nothing in the image and in volumes" {
	config '.process.cwd = "/new/cwd" | .mounts += [
		{destination: "/made/in/image", type: "tmpfs", source: "t"},
		{destination: "/data", source: $data, options: ["rbind"]},
		{destination: "/data/below", type: "tmpfs", source: "t"},
		{destination: "/file2", source: "/etc/passwd", options: ["bind"]}]
		| .linux.devices = [{path: "/data/pipe", type: "p"}]' --arg data "$T/data"
	find "$BUNDLE" "$T/data" -printf '%p %m %U:%G %s %T@ %C@\n' | sort >"$T/before"
	bryo plan -b "$BUNDLE" "$ID" >/dev/null
	find "$BUNDLE" "$T/data" -printf '%p %m %U:%G %s %T@ %C@\n' | sort >"$T/after"
	diff "$T/before" "$T/after"
	[ -z "$(find "$ROOT" -mindepth 1 -maxdepth 1 -not -name '@*')" ]
	not pgrep -f "$ROOT"
}

# The rehearsal has its changes in an overlay: where there can be none, the root is read-only.
@test "an overlay of overlays: plan agrees with run, and leaves no trace" {
	requires userns
	make_bundle
	args true
	# shellcheck disable=SC2016
	run --separate-stderr unshare --map-root-user --mount sh -ec '
		mount -t tmpfs none /mnt && cd /mnt && mkdir e l1 l2
		mount -t overlay -o "userxattr,lowerdir=$2/rootfs:/mnt/e" none l1 || exit 99
		mount -t overlay -o userxattr,lowerdir=/mnt/l1:/mnt/e none l2 || exit 99
		"$BRYO" --root "$1" plan --rootfs /mnt/l2 box -- /bin/true >/dev/null
		"$BRYO" --root "$1" run --rootfs /mnt/l2 box -- /bin/true
		! "$BRYO" --root "$1" plan --rootfs /mnt/l2 box -- /bin/none' sh "$ROOT" "$BUNDLE"
	[ "$status" -ne 99 ] || skip "needs overlays upon overlays"
	[ "$status" -eq 0 ]
	[[ $output == *"process.args: exec '/bin/none': no such file or directory"* ]]
}

# A refusal of EPERM, which is -1: a module that asks, or an immutable file, says it.
@test "a bind source that may not be opened is refused" {
	requires cmd:strace
	strace -o /dev/null true 2>/dev/null || skip "needs strace: ptrace is forbidden here"
	make_bundle busybox --rootless
	mkdir "$T/src"
	config '.mounts += [{destination: "/mnt", type: "bind", source: $src, options: ["bind"]}]' --arg src "$T/src"
	run strace -o "$T/trace" -P "$T/src" -e inject=openat,open_tree:error=EPERM \
		"$BRYO" --root "$ROOT" plan -b "$BUNDLE" "$ID" </dev/null 3>&-
	[ "$status" -eq 1 ] || { cat "$T/trace" >&2; return 1; }
	has_line "'/mnt'"
	has_line "$T/src': Operation not permitted"
}
