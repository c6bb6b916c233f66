#!/usr/bin/env bats
# bryo bundle: from archives, directories and images to something that runs.
# shellcheck disable=SC2016,SC2030,SC2031

load ../lib/bryo

setup() {
	requires userns bundle
	bryo_setup
	make_rootfs "$T/fs"
}

# A tar of $T/fs whose owners are root.
pack() { # pack FILE [TAR OPTION...]
	tar -C "$T/fs" --owner 0 --group 0 --numeric-owner -cf "$@" .
}

run_bundle() { # run_bundle DIR COMMAND...
	BUNDLE=$1
	config '.process.terminal = false | del(.process.consoleSize)'
	shift
	args "$@"
	run bryo run -b "$BUNDLE" "$ID" </dev/null
}

# covers: bundle --quiet
@test "bundle: a tar, plain and with each compression, from a file and from standard input" {
	local z

	pack "$T/fs.tar"
	gzip -k "$T/fs.tar"
	xz -k -0 "$T/fs.tar"
	for z in .tar .tar.gz .tar.xz; do
		bryo bundle --quiet "$T/fs$z" "$T/b$z"
		run_bundle "$T/b$z" cat /etc/passwd
		[ "$status" -eq 0 ]
		has_line root:x:0:0
	done
	bryo bundle - "$T/stdin" <"$T/fs.tar.gz"
	[ -x "$T/stdin/rootfs/bin/busybox" ]
}

# covers: bundle --idmap --squash
@test "bundle: an owner beyond the map is one error that names it; --squash makes it root's" {
	requires user
	tar -C "$T/fs" --owner 0 --group 0 -cf "$T/a.tar" ./bin
	tar -C "$T/fs" --owner 4000000 --group 0 -rf "$T/a.tar" ./etc
	run bryo bundle --idmap single "$T/a.tar" "$T/b"
	[ "$status" -eq 1 ]
	has_line "'etc' belongs to uid 4000000"
	grep -qE 'usermod --add-subuids [1-9][0-9]+-[1-9][0-9]+ ' <<<"$output"
	has_line --squash
	[ ! -e "$T/b" ]
	[ -z "$(find "$T" -maxdepth 1 -name '.b.bryo-*')" ]
	bryo bundle --idmap single --squash "$T/a.tar" "$T/b"
	run_bundle "$T/b" stat -c %u:%g /etc/passwd
	[ "$output" = 0:0 ]
}

CRAFT=$BATS_TEST_DIRNAME/../lib/craft.py

# layers: $T/1.tar with the busybox of $T/fs, $T/2.tar with a program and a volume's contents
layers() {
	requires cmd:python3
	printf '%s\n' root:x:0:0::/root:/bin/sh web:x:33:34::/:/bin/sh >"$T/fs/etc/passwd"
	printf '%s\n' root:x:0: www:x:34: more:x:35:web >"$T/fs/etc/group"
	pack "$T/1.tar"
	python3 "$CRAFT" tar "$T/2.tar" "d|data" "f|data/seed|seed" \
		"f|bin/hello|#!/bin/sh
echo \$PWD \$(id -u):\$(id -G) X=\$X \$(cat /data/seed) \"\$@\"
|mode=755"
}

image() { python3 "$CRAFT" image "$@" "$T/1.tar" "$T/2.tar"; }

@test "bundle: an image becomes a container: program, user, directory, environment, volume" {
	requires subid
	layers
	image "$T/i" v1 '{"User": "web", "Entrypoint": ["hello"], "Cmd": ["a", "b"], "Env": ["X=1"],
		"WorkingDir": "/srv/app", "Volumes": {"/data": {}}, "ExposedPorts": {"80/tcp": {}, "53/udp": {}},
		"StopSignal": "SIGQUIT", "Labels": {"k": "v"}}'
	bryo bundle "$T/i:v1" "$T/b"
	BUNDLE=$T/b
	config '.process.terminal = false | del(.process.consoleSize)'
	run bryo run -b "$T/b" "$ID" </dev/null
	[ "$output" = "/srv/app 33:34 35 X=1 seed a b" ]
	[ "$(jq -r '.annotations["org.opencontainers.image.exposedPorts"]' "$T/b/config.json")" = 80/tcp,53/udp ]
	[ "$(jq -r '.annotations["org.opencontainers.image.stopSignal"]' "$T/b/config.json")" = SIGQUIT ]
	[ "$(jq -r .annotations.k "$T/b/config.json")" = v ]
}

@test "bundle: with one ID the image's user is the caller" {
	requires user
	layers
	image "$T/i" v1 '{"User": "web", "Entrypoint": ["hello"]}'
	run bryo bundle --squash --idmap single "$T/i:v1" "$T/b"
	[ "$status" -eq 0 ]
	has_line "supplementary groups were left out"
	BUNDLE=$T/b
	config '.process.terminal = false | del(.process.consoleSize)'
	run bryo run -b "$T/b" "$ID" </dev/null
	[ "$output" = "/ 33:34 X= seed" ]
	[ -O "$T/b/rootfs/etc/passwd" ]
}

@test "bundle: layouts by tag, Docker's media types, a nested index, zstd, a tar of a layout" {
	local s

	layers
	image -d "$T/i" docker '{"Cmd": ["docker"]}'
	image -p "$T/i" several '{"Cmd": ["several"]}'
	image -p -d -z none "$T/i" both '{"Cmd": ["both"]}'
	! command -v zstd >/dev/null || image -z zstd "$T/i" zstd '{"Cmd": ["zstd"]}'
	tar -C "$T/i" -cf "$T/i.tar" .
	for s in "$T/i:docker" "oci:$T/i:several" "oci-archive:$T/i.tar:both" "$T/i:zstd"; do
		[[ $s != *:zstd ]] || command -v zstd >/dev/null || continue
		bryo bundle --squash "$s" "$T/b"
		[ "$(jq -r '.process.args[0]' "$T/b/config.json")" = "${s##*:}" ]
		[ -x "$T/b/rootfs/bin/hello" ]
		[ "$(find "$T/b" -maxdepth 1 -mindepth 1 | wc -l)" -eq 2 ]
		bryo rm-tree "$T/b"
	done
	run bryo bundle "$T/i" "$T/b"
	[ "$status" -eq 1 ]
	has_line "name one of: docker, several, both"
	run bryo bundle "$T/i:v9" "$T/b"
	has_line "holds no image 'v9'"
	run bryo bundle "$T/i.tar" "$T/b"
	has_line "[oci-archive:$T/i.tar]"
	[ ! -e "$T/b" ]
}

@test "bundle: what skopeo writes" {
	requires cmd:skopeo
	layers
	image "$T/i" v1 '{"Cmd": ["/bin/hello"]}'
	skopeo --tmpdir "$T" copy -q --insecure-policy "oci:$T/i:v1" "oci-archive:$T/s.tar:v2" 3>&-
	bryo bundle --squash "oci-archive:$T/s.tar:v2" "$T/b"
	[ -x "$T/b/rootfs/bin/hello" ]
	skopeo --tmpdir "$T" copy -q --insecure-policy "oci:$T/i:v1" "oci:$T/t:x" 3>&-
	bryo bundle --squash "$T/t" "$T/c"
	[ -x "$T/c/rootfs/bin/hello" ]
}

# islands FILE: some data, 16 MiB of nothing, and so on
islands() {
	local i

	for i in 0 1 2 3; do
		echo "$i" | dd of="$1" bs=1M seek=$((i * 16)) conv=notrunc status=none
	done
	truncate -s 100M "$1"
}

@test "bundle: holes stay holes on another file system as well, and a full one is said" {
	requires userns-nested
	local map=--map-root-user

	[ "$(id -u)" != 0 ] || ! in_initial_userns || map=--mount
	mkdir "$T/d" "$T/small"
	islands "$T/d/islands"
	head -c 2M /dev/urandom >"$T/big"
	run unshare $map --mount bash -c '
		mount -t tmpfs -o size=1m none "$1/small" || exit 99
		"$BRYO" --root "$1/state" bundle "$1/d" "$1/small/b" && stat -c %b "$1/small/b/rootfs/islands"
		cmp "$1/d/islands" "$1/small/b/rootfs/islands"
		rm -rf "$1/small/b"
		mv "$1/big" "$1/d/"
		"$BRYO" --root "$1/state" bundle "$1/d" "$1/small/b"
		echo "status $? left $(ls -A "$1/small")"' sh "$T" 3>&-
	[ "$status" -eq 0 ]
	[ "${lines[0]}" -lt 1000 ]
	[ "${lines[1]}" = "bryo: $T/d: 'big': write: No space left on device" ]
	[ "${lines[2]}" = "status 1 left " ]
}

@test "bundle: a directory is copied: links, modes, times, holes, hard links" {
	ln "$T/fs/bin/busybox" "$T/fs/hard"
	ln -s bin/busybox "$T/fs/soft"
	truncate -s 1G "$T/fs/sparse"
	islands "$T/fs/islands"
	chmod 4711 "$T/fs/etc"
	touch -d @1000000000 "$T/fs/etc" "$T/fs/soft" -h
	bryo bundle "$T/fs" "$T/b"
	[ "$(stat -c %i "$T/b/rootfs/hard")" = "$(stat -c %i "$T/b/rootfs/bin/busybox")" ]
	[ "$(readlink "$T/b/rootfs/soft")" = bin/busybox ]
	[ "$(stat -c %a:%Y "$T/b/rootfs/etc")" = 4711:1000000000 ]
	[ "$(stat -c %s "$T/b/rootfs/sparse")" = 1073741824 ]
	[ "$(stat -c %b "$T/b/rootfs/sparse")" -lt 1000 ]
	cmp "$T/fs/islands" "$T/b/rootfs/islands"
	[ "$(stat -c %b "$T/b/rootfs/islands")" -lt 1000 ]
	run_bundle "$T/b" stat -c %u:%g /bin/busybox
	[ "$output" = 0:0 ]
	run bryo bundle "$T/fs" "$T/fs/inside"
	[ "$status" -eq 1 ]
	has_line "is inside of"
}

@test "bundle: owners keep their IDs, files of others in a directory are named by this machine's" {
	requires user subid
	mkdir "$T/d"
	unshare --user --map-root-user --map-auto sh -c ': >"$1/f" && chown 33:34 "$1/f"' sh "$T/d"
	bryo bundle "$T/d" "$T/b"
	[ "$(stat -c %u:%g "$T/b/rootfs/f")" = "$(stat -c %u:%g "$T/d/f")" ]
	run bryo bundle /usr/share/doc/bash "$T/c"
	[ "$status" -eq 1 ]
	has_line "'.' belongs to uid 0 of this machine"
	has_line "[--squash has root own"
	bryo bundle --squash /usr/share/doc/bash "$T/c"
	[ -O "$T/c/rootfs/." ]
}

@test "bundle: what is there stays: a directory that is not empty, a file" {
	pack "$T/a.tar"
	mkdir "$T/full" "$T/empty"
	: >"$T/full/x"
	run bryo bundle "$T/a.tar" "$T/full"
	[ "$status" -eq 1 ]
	has_line "is not empty"
	run bryo bundle "$T/a.tar" "$T/full/x"
	has_line "exists and is not a directory"
	bryo bundle "$T/a.tar" "$T/empty"
	[ -f "$T/empty/config.json" ]
	run bryo bundle "$T/nope" "$T/b"
	has_line "open '$T/nope': No such file or directory"
	[ ! -e "$T/b" ]
}

@test "bundle: a mapping without the caller's own ID is refused" {
	requires user subid
	local first

	first=$(awk -F: -v u="$(id -un)" '$1 == u { print $2; exit }' /etc/subuid)
	[ -n "$first" ] || skip "needs subid: no range by name"
	pack "$T/fs.tar"
	run bryo bundle --idmap "0:$first:1000" "$T/fs.tar" b
	[ "$status" -eq 1 ]
	has_line "idmap: your own uid $(id -u)"
	[ -z "$(find . -maxdepth 1 -name '*b')" ]
}

@test "bundle: an image for another machine is made, with a warning" {
	requires cmd:python3
	CRAFT_ARCH=s390x python3 "$CRAFT" image "$T/i" v1 '{"Cmd": ["/x"]}'
	run bryo bundle "$T/i:v1" "$T/b"
	[ "$status" -eq 0 ]
	has_line "warning: the image is for linux/s390x, and this machine is linux/"
	python3 "$CRAFT" image "$T/j" v1 '{"Cmd": ["/x"]}'
	run bryo bundle "$T/j:v1" "$T/c"
	[ -z "$output" ]
}

@test "bundle: an image without layers is an empty root file system" {
	requires cmd:python3
	python3 "$CRAFT" image "$T/i" v1 '{"Cmd": ["/x"]}'
	bryo bundle "$T/i:v1" "$T/b"
	[ -z "$(ls -A "$T/b/rootfs")" ]
	[ "$(jq -r '.process.args[0]' "$T/b/config.json")" = /x ]
}

@test "bundle: what is no source says what one is" {
	local s

	for s in alpine alpine:3 docker://alpine:3; do
		run bryo bundle "$s" b
		[ "$status" -eq 1 ]
		has_line "skopeo copy docker://alpine"
	done
	echo text >"$T/text"
	run bryo bundle "$T/text" b
	[ "$status" -eq 1 ]
	has_line "[wanted is a tar, plain or compressed"
	mkdir "$T/dir"
	run bryo bundle "oci-archive:$T/dir:v1" b
	[ "$status" -eq 1 ]
	has_line "[oci:$T/dir:v1]"
}

@test "bundle: of two at once under one name the first stays" {
	pack "$T/fs.tar"
	held b
	bryo bundle "$T/fs.tar" "$T/b"
	touch "$T/b/first"
	cat "$T/fs.tar" >&4
	exec 4>&-
	ends_with 1
	grep -q "somebody else has made it meanwhile" "$T/b.out"
	[ -e "$T/b/first" ]
	not scratch b
}

@test "bundle: progress is for a terminal" {
	requires cmd:script
	pack "$T/a.tar"
	bryo bundle "$T/a.tar" "$T/b" 2>"$T/err"
	[ ! -s "$T/err" ]
	script -qec "$BRYO bundle $T/a.tar $T/c" /dev/null </dev/null >"$T/tty" 3>&-
	grep -q 'files, .* MiB' "$T/tty"
	script -qec "$BRYO bundle --quiet $T/a.tar $T/d" /dev/null </dev/null >"$T/tty" 3>&-
	[ ! -s "$T/tty" ]
}

# held NAME [COMMAND...]: a bundle $T/NAME that waits for more of its archive, in the background
held() {
	local name=$1

	shift
	mkfifo "$T/$name.in"
	"$@" "$BRYO" --root "$ROOT" bundle - "$T/$name" <"$T/$name.in" >"$T/$name.out" 2>&1 3>&- &
	exec 4>"$T/$name.in"
	wait_for 5 scratch "$name"
}

scratch() { compgen -G "$T/.$1.bryo-*" >/dev/null; }

@test "bundle: a signal leaves nothing, and none is what nohup had ignored" {
	pack "$T/fs.tar"
	held a
	kill -TERM $!
	ends_with 1
	grep -q "interrupted by SIGTERM" "$T/a.out"
	not scratch a
	held b nohup
	kill -HUP $!
	cat "$T/fs.tar" >&4
	exec 4>&-
	ends_with 0
	[ -f "$T/b/config.json" ]
}

@test "bundle: what a killed one left goes with the next one there, what is being made stays" {
	pack "$T/fs.tar"
	held a
	kill -KILL $!
	ends_with 137
	exec 4>&-
	scratch a
	held b
	bryo bundle "$T/fs.tar" "$T/c"
	not scratch a
	scratch b
	cat "$T/fs.tar" >&4
	exec 4>&-
	ends_with 0
	[ -f "$T/b/config.json" ]
}
