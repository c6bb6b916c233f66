#!/usr/bin/env bats
# Device nodes and the links in /dev: made by root, bound for everybody else.

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

sh_run() {
	args sh -c "$1"
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ] || { echo "$output" >&2; return 1; }
}

device() { config ".linux.devices += [$1]"; }
real_root() { [ "$(id -u)" = 0 ] && in_initial_userns; }

@test "the default devices are there, with their numbers, and work" {
	make_bundle
	sh_run 'for d in null zero full random urandom tty; do [ -c /dev/$d ] && stat -c "%n %t:%T %a" /dev/$d; done'
	[ "$(awk '{ print $1, $2 }' <<<"$output")" = "/dev/null 1:3
/dev/zero 1:5
/dev/full 1:7
/dev/random 1:8
/dev/urandom 1:9
/dev/tty 5:0" ]
	[ "$(grep -c ' 666$' <<<"$output")" -eq 6 ]
	sh_run 'echo x >/dev/null && head -c 3 /dev/zero | od -An -c && head -c 4 /dev/urandom | wc -c; echo x >/dev/full; true'
	has_line '\0  \0  \0'
	has_line 4
	has_line "No space left on device"
}

@test "the links fd, stdin, stdout, stderr and ptmx are there and work" {
	make_bundle
	sh_run 'cd /dev; for l in fd stdin stdout stderr ptmx; do echo $l $(readlink $l); done; echo out >/dev/stdout; ls /dev/fd/ | head -n 3'
	[ "${lines[0]}" = "fd /proc/self/fd" ]
	[ "${lines[1]}" = "stdin /proc/self/fd/0" ]
	[ "${lines[2]}" = "stdout /proc/self/fd/1" ]
	[ "${lines[3]}" = "stderr /proc/self/fd/2" ]
	[ "${lines[4]}" = "ptmx pts/ptmx" ]
	[ "${lines[5]}" = out ]
	[ "${lines[8]}" = 2 ]
}

@test "no other device of the host is there" {
	make_bundle
	sh_run 'find /dev -type b -o -type c | sort'
	[ "$(grep -v /dev/pts/ <<<"$output" | tr '\n' ' ')" = "/dev/full /dev/null /dev/random /dev/tty /dev/urandom /dev/zero " ]
}

@test "a /dev bound from elsewhere is left alone" {
	make_bundle
	mkdir "$T/dev"
	config '.mounts |= map(select(.destination | startswith("/dev") | not))
		| .mounts += [{destination: "/dev", type: "bind", source: $d, options: ["rbind"]}]' --arg d "$T/dev"
	args /bin/ls -A /dev
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	[ "$output" = "" ]
	[ -z "$(ls -A "$T/dev")" ]
}

@test "linux.devices: a node that the host has, also in a new directory" {
	make_bundle
	device '{path: "/dev/null", type: "c", major: 1, minor: 3}'
	device '{path: "/dev/zero", type: "u", major: 1, minor: 5}'
	real_root && device '{path: "/dev/sub/dir/zero", type: "c", major: 1, minor: 5}'
	sh_run 'ls /dev/null /dev/zero; head -c 2 /dev/zero | wc -c; [ ! -e /dev/sub ] || head -c 3 /dev/sub/dir/zero | wc -c'
	[ "${lines[2]}" = 2 ]
	[ "${lines[3]-3}" = 3 ]
}

# covers: linux.devices[].type linux.devices[].path linux.devices[].major linux.devices[].minor
# covers: linux.devices[].fileMode linux.devices[].uid linux.devices[].gid
@test "root makes nodes of every type with their mode and owner" {
	requires root
	make_bundle
	config 'del(.linux.resources)' # rules that deny them are a warning where nobody enforces them
	device '{path: "/dev/c1", type: "c", major: 1, minor: 3, fileMode: 416, uid: 11, gid: 22}' # 0640
	device '{path: "/dev/b1", type: "b", major: 7, minor: 200, fileMode: 25008}' # S_IFBLK | 0660, as Podman has it
	device '{path: "/dev/p1", type: "p", fileMode: 384, uid: 1}' # 0600
	device '{path: "/dev/u1", type: "u", major: 1, minor: 5}'
	device '{path: "/dev/big", type: "c", major: 4000, minor: 1000000}'
	device '{path: "/elsewhere/full", type: "c", major: 1, minor: 7}'
	config '.root.readonly = false'
	sh_run 'stat -c "%n %F %t:%T %a %u:%g" /dev/c1 /dev/b1 /dev/p1 /dev/u1 /dev/big /elsewhere/full'
	[ "$output" = "/dev/c1 character special file 1:3 640 11:22
/dev/b1 block special file 7:c8 660 0:0
/dev/p1 fifo 0:0 600 1:0
/dev/u1 character special file 1:5 666 0:0
/dev/big character special file fa0:f4240 666 0:0
/elsewhere/full character special file 1:7 666 0:0" ]
}

@test "root: a default device with a mode and owner of the config's" {
	requires root
	make_bundle
	device '{path: "/dev/null", type: "c", major: 1, minor: 3, fileMode: 384, uid: 5}'
	sh_run 'stat -c "%t:%T %a %u" /dev/null; stat -c "%t:%T %a %u" /dev/zero'
	[ "$output" = "$(printf '1:3 600 5\n1:5 666 0')" ]
}

@test "root: an image that has something else in that place is refused" {
	requires root
	make_bundle
	mkdir -p "$BUNDLE/rootfs/nodes"
	echo plain >"$BUNDLE/rootfs/nodes/null"
	device '{path: "/nodes/null", type: "c", major: 1, minor: 3}'
	config '.root.readonly = false'
	refuses "device '/nodes/null': something else is there already"
	[ "$(cat "$BUNDLE/rootfs/nodes/null")" = plain ]
	# the same node, as a second start finds it, is no obstacle
	rm "$BUNDLE/rootfs/nodes/null"
	for _ in 1 2; do
		sh_run 'stat -c %t:%T /nodes/null'
		[ "$output" = 1:3 ]
	done
}

@test "without root a node is the host's, and must be the device that was asked for" {
	requires userns
	real_root && skip "needs user: root makes nodes"
	make_bundle
	device '{path: "/dev/zero", type: "c", major: 1, minor: 3}'
	refuses "'/dev/zero' of the host is not the device c 1:3 that was asked for"
	config '.linux.devices[0] = {path: "/dev/zero", type: "b", major: 1, minor: 5}'
	refuses "'/dev/zero' of the host is not the device b 1:5 that was asked for"
	config '.linux.devices[0] = {path: "/dev/nothing", type: "c", major: 1, minor: 3}'
	refuses "open the host's '/dev/nothing': No such file or directory"
	config '.linux.devices[0] = {path: "/etc/passwd", type: "c", major: 1, minor: 3}'
	refuses "'/etc/passwd' of the host is not the device c 1:3"
}

@test "without root a FIFO is made all the same, and a mode of the config's is told as adapted" {
	requires userns
	real_root && skip "needs user: root makes nodes"
	make_bundle
	device '{path: "/dev/pipe", type: "p", fileMode: 384}'
	sh_run 'stat -c "%F %a" /dev/pipe'
	[ "$output" = "fifo 600" ]
	device '{path: "/dev/zero", type: "c", major: 1, minor: 5, fileMode: 384}'
	run bryo plan -b "$BUNDLE" --format json "$ID"
	[ "$(jq '[.notes[] | select(.field | test("linux.devices.1"))] | length' <<<"$output")" -eq 1 ]
}

@test "a device without a path, type or numbers is refused by name" {
	make_bundle
	for row in '{path: "dev/x", type: "c", major: 1, minor: 3}|is not absolute' \
		'{path: "/dev/x", type: "x", major: 1, minor: 3}|unknown device type' \
		'{path: "/dev/x", type: "c", minor: 3}|needs major and minor' \
		'{path: "/dev/x", type: "b", major: 1}|needs major and minor' \
		'{path: "/dev/x", type: "c", major: -1, minor: 3}|needs major and minor'; do
		config "$(printf '.linux.devices = [%s]' "${row%%|*}")"
		refuses "linux.devices[0]"
		has_line "${row#*|}"
	done
}

@test "a device cannot be written on a nodev mount, and is usable with root's mknod only where allowed" {
	make_bundle
	config '.mounts += [{destination: "/nodev", type: "tmpfs", source: "t", options: ["nodev"]}]'
	config '.process.capabilities = {bounding: ["CAP_MKNOD"], permitted: ["CAP_MKNOD"], effective: ["CAP_MKNOD"]}'
	sh_run 'mknod /nodev/null c 1 3 2>&1 && echo x 2>&1 >/nodev/null; mknod /dev/shm/null c 1 3 2>&1; true'
	has_line "denied" || has_line "not permitted"
}
