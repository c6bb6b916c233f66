#!/usr/bin/env bats
# Layers of a root file system: neither what is in them nor what a container left in its directory
# for changes leads anywhere else, and what serves them from outside is not more than that.

# shellcheck disable=SC2016
load ../lib/bryo

setup() {
	bryo_setup
	mkdir "$T/victim" "$T/layer"
	echo untouched >"$T/victim/file"
	make_bundle
	config '.root.readonly = false'
}

teardown() { bryo_teardown; }

# untouched: what nobody was to write
untouched() {
	[ "$(cat "$T/victim/file")" = untouched ]
	[ "$(ls -A "$T/victim")" = file ]
}

@test "layers: upper and work are never followed through a link" {
	local name

	args sh -c 'echo changed >/file'
	for name in upper work; do
		rm -rf "$T/keep"
		mkdir -m 700 "$T/keep"
		ln -s "$T/victim" "$T/keep/$name"
		run bryo run -b "$BUNDLE" --upper "$T/keep" "$ID"
		[ "$status" -ne 0 ]
		has_line "open 'upper' and 'work'"
		untouched
	done
}

@test "layers: links in a layer lead nowhere but into the root" {
	args sh -c 'echo x >/out/new; echo x >/up/new; ls -l /out /up'
	ln -s "$T/victim" "$T/layer/out"
	ln -s "../../../../../../../..$T/victim" "$T/layer/up"
	run bryo run -b "$BUNDLE" --overlay "$T/layer" --upper "$T/keep" "$ID"
	untouched
	config '.mounts += [{"destination": "/out/made", "type": "tmpfs"}, {"destination": "/up/made2", "type": "tmpfs"}]'
	run bryo run -b "$BUNDLE" --overlay "$T/layer" --upper "$T/keep" "$ID"
	untouched
	[ "$(find "$T/layer" -mindepth 1 | wc -l)" -eq 2 ]
}

@test "layers: a /proc, /sys or /dev that is a link is refused" {
	local name

	args true
	for name in proc sys dev; do
		rm -rf "$T/layer"
		mkdir "$T/layer"
		ln -s "$T/victim" "$T/layer/$name"
		run bryo run -b "$BUNDLE" --overlay "$T/layer" --ephemeral "$ID"
		[ "$status" -ne 0 ]
		has_line "'/$name' of the root file system must be a directory"
		untouched
	done
}

@test "layers: what a container left in its changes does not lead the next one out" {
	args sh -c 'rm -r /etc; ln -s "$1" /etc; rm -r /tmp; ln -s "$1" /tmp' sh "$T/victim"
	bryo run -b "$BUNDLE" --upper "$T/keep" "$ID"
	[ -L "$T/keep/upper/etc" ]
	args sh -c 'echo x >/etc/new; echo x >/tmp/file'
	config '.mounts += [{"destination": "/etc/made", "type": "tmpfs"}]'
	run bryo run -b "$BUNDLE" --upper "$T/keep" "$ID"
	untouched
}

@test "layers: the container's mount table tells no directory of the host" {
	args cat /proc/self/mountinfo
	run bryo run -b "$BUNDLE" --overlay "$T/layer" --upper "$T/keep" "$ID"
	[ "$status" -eq 0 ]
	has_line " / / "
	not grep -F -e keep -e layer -e "$BUNDLE" <<<"$(grep ' / / ' <<<"$output")"
}

@test "layers: a file that is not an owner's is none, and is not written through" {
	args true
	mkdir -m 700 "$T/keep"
	ln -s "$T/victim/file" "$T/keep/owner"
	bryo run -b "$BUNDLE" --upper "$T/keep" "$ID"
	untouched
}

@test "fuse-overlayfs is in the container's user namespace and in no other, and holds only layers" {
	local pid init fd what

	requires cmd:fuse-overlayfs
	[ -r /dev/fuse ] && [ -w /dev/fuse ] || skip "needs fuse: $(id -un) may not use /dev/fuse"
	requires userns-nested
	config '.annotations["org.bryo.rootfs"] = "fuse-overlayfs"'
	config 'if [.linux.namespaces[] | select(.type == "user")] == [] then .linux.namespaces += [{"type": "user"}] | .annotations["org.bryo.idmap"] = "single" else . end'
	args sleep 30
	run_detached "$ID" --overlay "$T/layer" --upper "$T/keep"
	pid=$(jq -r '.helpers[] | select(.name == "fuse-overlayfs") | .pid' "$ROOT/$ID/record.json")
	init=$(bryo state "$ID" | jq .pid)
	[ "$(readlink "/proc/$pid/ns/user")" = "$(readlink "/proc/$init/ns/user")" ]
	[ "$(readlink "/proc/$pid/ns/mnt")" = "$(readlink /proc/self/ns/mnt)" ]
	[ "$(readlink "/proc/$pid/ns/pid")" = "$(readlink /proc/self/ns/pid)" ]
	grep -q '^NoNewPrivs:.1$' "/proc/$pid/status"
	[ "$(cut -d' ' -f6 "/proc/$pid/stat")" = "$pid" ]
	for fd in "/proc/$pid/fd"/*; do
		what=$(readlink "$fd") || continue
		case $what in
		pipe:*) [ "$(find "/proc/$pid/fd" -printf '%l\n' | grep -cxF -- "$what")" -ge 2 ] ;; # its own
		/dev/null | /memfd:fuse-overlayfs* | "$T/layer"* | "$T/keep/upper"* | "$T/keep/work"* | "$BUNDLE/rootfs"* | 'anon_inode:'* | /proc/sys/kernel/overflow*) ;;
		*) [ "$(stat -Lc %t:%T "$fd" || echo a:e5)" = a:e5 ] || { echo "unexpected: $what" >&2; return 1; } ;; # /dev/fuse
		esac
	done
}

@test "fuse-overlayfs does not serve a container that could trace it" {
	requires cmd:fuse-overlayfs
	[ -r /dev/fuse ] && [ -w /dev/fuse ] || skip "needs fuse: $(id -un) may not use /dev/fuse"
	requires userns-nested
	config '.annotations["org.bryo.rootfs"] = "fuse-overlayfs" | .annotations["org.bryo.idmap"] = "single"'
	config '.linux.namespaces |= map(select(.type | IN("pid", "user") | not)) + [{"type": "user"}]'
	config '.mounts |= map(select(.type != "proc")) | .process.capabilities[] += ["CAP_SYS_PTRACE"]'
	args true
	run bryo run -b "$BUNDLE" --ephemeral "$ID"
	[ "$status" -ne 0 ]
	has_line "it could trace that program"
	config '.process.capabilities[] -= ["CAP_SYS_PTRACE"]'
	bryo run -b "$BUNDLE" --ephemeral "$ID"
	config '.process.capabilities[] += ["CAP_SYS_PTRACE"] | .linux.namespaces += [{"type": "pid"}]'
	bryo run -b "$BUNDLE" --ephemeral "$ID"
	config '.mounts += [{"destination": "/mnt", "type": "bind", "source": "/proc", "options": ["rbind", "ro"]}]'
	run bryo run -b "$BUNDLE" --ephemeral "$ID"
	has_line "it could trace that program"
}
