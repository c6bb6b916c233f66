#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031,SC2154
# Hostile archives and images: nothing outside of the new root file system is read, made, changed or
# removed, what cannot be trusted is refused, and a refusal leaves nothing. Each test says which
# weakening of the source makes it fail.

load ../lib/bryo
load ../lib/security

CRAFT=$BATS_TEST_DIRNAME/../lib/craft.py

setup() {
	requires cmd:python3 userns bundle
	bryo_setup
	canary_make
	R=$T/b/rootfs
}

teardown() {
	[ -z "${CANARY-}" ] || canary_same
	bryo_teardown
}

craft() { python3 "$CRAFT" "$@"; }

# unpack ENTRY...: into $R
unpack() {
	craft tar "$T/a.tar" "$@"
	run bryo bundle --squash "$T/a.tar" "$T/b"
}

refused() { # refused TEXT
	[ "$status" -eq 1 ] || { echo "exit code $status: $output" >&2; return 1; }
	has_line "$1"
	[ ! -e "$T/b" ]
	[ -z "$(find "$T" -maxdepth 1 -name '.b.bryo-*')" ]
}

# fails without the check of ".." in item_path() (then it is the root's, still not outside)
@test "names that lead upwards are refused" {
	unpack "f|../canary/file|x"
	refused "leads upwards"
	unpack "d|a" "f|a/../../canary/file|x"
	refused "leads upwards"
	unpack "h|a|../canary/file"
	refused "leads upwards"
}

# fails without pivot_root() in unpack_jail.c: the canary is changed
@test "absolute names, absolute links and files through them stay inside" {
	unpack "f|$CANARY/file|x" "l|out|$CANARY" "f|out/file|y" "f|out/null|z" \
		"l|up|../../../../../..$CANARY" "f|up/zero|w"
	[ "$status" -eq 0 ]
	[ "$(cat "$R$CANARY/file")" = y ]
	[ "$(cat "$R$CANARY/null")" = z ]
	[ "$(cat "$R$CANARY/zero")" = w ]
}

# fails without pivot_root(): the canary gets another name; and with AT_SYMLINK_FOLLOW in make_link()
@test "hard links: to what is outside, to a link, to itself, to a directory" {
	unpack "h|a|$CANARY/file"
	refused "No such file"
	unpack "l|out|$CANARY" "h|a|out/file"
	refused "No such file"
	unpack "l|to|$CANARY/file" "h|again|to" "f|x|1" "h|x|x"
	[ "$status" -eq 0 ]
	[ "$(readlink "$R/again")" = "$CANARY/file" ]
	[ "$(cat "$R/x")" = 1 ]
	bryo rm-tree "$T/b"
	unpack "d|dir" "h|a|dir"
	refused "link it to 'dir'"
}

# fails without O_EXCL in make_file(): the target is written through the link
@test "a file over a link replaces the link" {
	unpack "f|target|safe" "l|a|target" "f|a|new" "l|b|$CANARY/file" "f|b|new"
	[ "$status" -eq 0 ]
	[ "$(cat "$R/target")" = safe ]
	[ ! -L "$R/a" ]
	[ "$(cat "$R/a")" = new ]
	[ ! -L "$R/b" ]
	[ "$(cat "$R/b")" = new ]
}

# fails without O_NOFOLLOW in make_directory(): mode and owner go to what the link leads to
@test "a directory over a link replaces the link" {
	unpack "d|real||mode=700" "l|a|real" "d|a||mode=777" "f|a/f|x"
	[ "$status" -eq 0 ]
	[ ! -L "$R/a" ]
	[ "$(stat -c %a "$R/real")" = 700 ]
	[ -f "$R/a/f" ]
	[ ! -e "$R/real/f" ]
}

# fails without tree_remove_at() in create()
@test "what comes twice: the last one stays, also file over directory and reverse" {
	unpack "f|a|1" "f|a|22" "d|b" "f|b/c|x" "f|b|file" "f|c|x" "d|c" "f|c/d|y"
	[ "$status" -eq 0 ]
	[ "$(cat "$R/a")" = 22 ]
	[ "$(cat "$R/b")" = file ]
	[ "$(cat "$R/c/d")" = y ]
}

# fails with fchown() after fchmod() in dress_fd(), and with the times of directories set at once
@test "modes and times: set-user-ID, a directory of mode 0 and what is in it" {
	unpack "f|su|x|mode=4755" "f|sg|x|mode=2755" "d|d||mode=0,mtime=900000000" "f|d/f|x|mtime=800000000" \
		"d|t||mode=1777,mtime=700000000"
	[ "$status" -eq 0 ]
	[ "$(stat -c %a "$R/su")" = 4755 ]
	[ "$(stat -c %a "$R/sg")" = 2755 ]
	[ "$(stat -c %a:%Y "$R/d")" = 0:900000000 ]
	[ "$(stat -c %a:%Y "$R/t")" = 1777:700000000 ]
	[ "$(stat -c %a "$T/b")" = 700 ]
}

# fails where the kind of item is not looked at in target_add(); is_portable() true for all
@test "device nodes and foreign attributes are left out, one line each" {
	unpack "c|dev/null" "b|dev/sda" "f|a|x|xattr=trusted.x:1" "f|b|x|xattr=user.overlay.opaque:y" \
		"f|e|x|xattr=user.fuseoverlayfs.opaque:y" "p|fifo"
	[ "$status" -eq 0 ]
	has_line "2 device nodes were left out, the first is dev/null"
	has_line "3 extended attributes were left out, the first is trusted.x of a"
	[ ! -e "$R/dev/null" ]
	[ -p "$R/fifo" ]
}

@test "long names, sparse files, truncated and corrupt archives" {
	local long

	long=$(printf 'd%.0s' {1..200})
	unpack "f|$long/$long/$long/$long|x"
	[ "$status" -eq 0 ]
	[ "$(cat "$R/$long/$long/$long/$long")" = x ]
	bryo rm-tree "$T/b"
	truncate -s 1G "$T/sparse"
	printf end >>"$T/sparse"
	tar -C "$T" -S --owner 0 --group 0 -cf "$T/a.tar" sparse
	bryo bundle --squash "$T/a.tar" "$T/b"
	[ "$(tail -c 3 "$R/sparse")" = end ]
	[ "$(stat -c %b "$R/sparse")" -lt 1000 ]
	bryo rm-tree "$T/b"
	head -c 100000 /dev/urandom >"$T/noise"
	tar -C "$T" --owner 0 --group 0 -czf "$T/a.tgz" noise
	head -c 50000 "$T/a.tgz" >"$T/cut.tgz"
	run bryo bundle "$T/cut.tgz" "$T/b"
	refused "truncated gzip input"
	run bryo bundle "$T/noise" "$T/b"
	refused "Unrecognized archive format"
}

image() { craft image "$@"; }

# fails without digest_file() in unpack_layers(), digest_check() in unpack_layer(), unpack_digest()
@test "an image whose blobs are not what they should be is refused" {
	local layer config

	craft tar "$T/l.tar" "f|a|aaaa"
	image -z none "$T/i" v1 '{}' "$T/l.tar"
	layer=$T/i/blobs/sha256/$(sha256sum "$T/l.tar" | cut -d' ' -f1)
	sed -i s/aaaa/bbbb/ "$layer"
	run bryo bundle "$T/i:v1" "$T/b"
	refused "have the digest"
	not has_line uncompressed
	printf x >>"$layer"
	run bryo bundle "$T/i:v1" "$T/b"
	refused "bytes, not"
	rm "$layer"
	ln -s "$CANARY/file" "$layer"
	run bryo bundle "$T/i:v1" "$T/b"
	refused "Too many levels of symbolic links"
	rm -r "$T/i"
	image "$T/i" v1 '{}' "$T/l.tar"
	config=$(grep -l diff_ids "$T"/i/blobs/sha256/*)
	sed -i 's/"linux"/"xxxxx"/' "$config"
	run bryo bundle "$T/i:v1" "$T/b"
	refused "have the digest"
}

# fails without is_digest() in image.c
@test "an index that names a blob outside, or is not one" {
	craft tar "$T/l.tar" "f|a|a"
	image "$T/i" v1 '{}' "$T/l.tar"
	jq '.manifests[0].digest = "sha256:../../../canary/file"' "$T/i/index.json" >"$T/x"
	cp "$T/x" "$T/i/index.json"
	run bryo bundle "$T/i:v1" "$T/b"
	refused "is not a digest"
	printf '{"manifests": 7}' >"$T/i/index.json"
	run bryo bundle "$T/i:v1" "$T/b"
	refused "index.json:1"
	rm "$T/i/index.json"
	ln -s "$CANARY/passwd" "$T/i/index.json"
	run bryo bundle "oci:$T/i:v1" "$T/b"
	refused "index.json"
}

# fails without the comparison in unpack_layer(): a layer that is not its diff_id
@test "a layer that unpacks to something else than its diff_id is refused" {
	local doc old manifest

	craft tar "$T/l.tar" "f|a|a"
	craft tar "$T/m.tar" "f|a|b"
	image "$T/i" v1 '{}' "$T/l.tar"
	# the same manifest with a layer that is someone else's
	image "$T/j" v1 '{}' "$T/m.tar"
	old=$(jq -r '.manifests[0].digest' "$T/i/index.json")
	manifest=$T/i/blobs/sha256/${old#*:}
	doc=$(jq -c --slurpfile o "$T/j/blobs/sha256/$(jq -r '.manifests[0].digest[7:]' "$T/j/index.json")" \
		'.layers = $o[0].layers' "$manifest")
	cp "$T"/j/blobs/sha256/* "$T/i/blobs/sha256/"
	printf %s "$doc" >"$T/doc"
	old=$(sha256sum "$T/doc" | cut -d' ' -f1)
	cp "$T/doc" "$T/i/blobs/sha256/$old"
	jq --arg d "sha256:$old" --argjson s "$(stat -c %s "$T/doc")" \
		'.manifests[0] += {digest: $d, size: $s}' "$T/i/index.json" >"$T/x"
	cp "$T/x" "$T/i/index.json"
	run bryo bundle "$T/i:v1" "$T/b"
	refused "uncompressed"
}

# fails without steers() in image_config.c; the second with O_NOFOLLOW gone from user files is inside anyway
@test "an image's labels do not steer the runtime, its passwd is its own" {
	craft tar "$T/l.tar" "d|etc" "l|etc/passwd|$CANARY/passwd" "f|etc/group|web:x:7:"
	image "$T/i" v1 '{"User": "web", "Labels": {"org.bryo.network": "host", "run.oci.x": "y", "a": "b"}}' "$T/l.tar"
	run bryo bundle "$T/i:v1" "$T/b"
	refused "whom its /etc/passwd does not have"
	image "$T/i" v2 '{"User": "7", "Labels": {"org.bryo.network": "host", "run.oci.x": "y", "a": "b"}}' "$T/l.tar"
	run bryo bundle "$T/i:v2" "$T/b"
	[ "$status" -eq 0 ]
	has_line "'org.bryo.network' was left out"
	[ "$(jq -c '[.annotations["org.bryo.network"], .annotations["run.oci.x"], .annotations.a]' \
		"$T/b/config.json")" = '[null,null,"b"]' ]
}

# fails without is_brought() in unpack_layer.c, and with a hide() that follows links
@test "whiteouts: of lower layers only, in any order, through no link" {
	craft tar "$T/1.tar" "d|a" "f|a/old|x" "d|b" "f|b/old|x" "d|b/c" "f|b/c/old|x" "f|gone|x" "l|out|$CANARY" \
		"l|ln|$CANARY/file"
	craft tar "$T/2.tar" "f|a/new|y" "f|a/.wh..wh..opq|" "f|b/c/new|y" "f|b/.wh.c|" "f|.wh.gone|" \
		"f|out/.wh.file|" "f|.wh.ln|"
	image "$T/i" v1 '{}' "$T/1.tar" "$T/2.tar"
	bryo bundle --squash "$T/i:v1" "$T/b"
	[ -f "$R/a/new" ]
	[ ! -e "$R/a/old" ]
	[ -f "$R/b/old" ]
	[ -f "$R/b/c/new" ]
	[ ! -e "$R/b/c/old" ]
	[ ! -e "$R/gone" ]
	[ ! -L "$R/ln" ]
	[ -z "$(find "$R" -name '.wh.*')" ]
	bryo rm-tree "$T/b"
	craft tar "$T/2.tar" "f|a/.wh...|"
	image "$T/i" v2 '{}' "$T/1.tar" "$T/2.tar"
	run bryo bundle --squash "$T/i:v2" "$T/b"
	refused "hides nothing"
}

# slow: a bundle whose archive does not come; $pid is bryo, $helper what reads
slow() {
	craft tar "$T/a.tar" "f|a|1" "f|b|2"
	{ head -c 1024 "$T/a.tar"; exec sleep 10; } >"$T/slow" 3>&- &
	writer=$!
	"$BRYO" --root "$ROOT" bundle "$T/slow" "$T/b" 2>"$T/err" 3>&- &
	pid=$!
	wait_for 5 eval "grep -q 'Seccomp:.*2' /proc/\$(pgrep -P $pid bryo-unpack)/status"
	helper=$(pgrep -P $pid bryo-unpack)
}

# fails without drop_rights(), filter_enter(), change_root(); and with a namespace less
@test "who reads the archive is shut in: rights, calls, mounts, network, descriptors" {
	local n

	mkfifo "$T/slow"
	slow
	cp "/proc/$helper/status" "$T/status"
	grep -q '^NoNewPrivs:.1' "$T/status"
	grep -q '^Seccomp:.2' "$T/status"
	grep -qi '^CapEff:.*8000001b$' "$T/status"
	grep -qi '^CapPrm:.*8000001b$' "$T/status"
	[ "$(wc -l <"/proc/$helper/mountinfo")" -eq 1 ]
	for n in user mnt net pid ipc uts; do
		[ "$(readlink "/proc/$helper/ns/$n")" != "$(readlink "/proc/self/ns/$n")" ]
	done
	# three of its own, the archive, the root
	[ "$(find "/proc/$helper/fd" -mindepth 1 | wc -l)" -le 6 ]
	kill $pid $writer
	wait $pid || true
}

@test "an unpack that is interrupted or whose helper dies is removed" {
	local n

	mkfifo "$T/slow"
	for n in TERM KILL; do
		slow
		if [ $n = TERM ]; then kill -TERM $pid; else kill -KILL "$helper"; fi
		not wait $pid
		kill $writer
		grep -qE 'interrupted by SIGTERM|killed by SIGKILL' "$T/err"
		[ ! -e "$T/b" ]
		[ -z "$(find "$T" -maxdepth 1 -name '.b.bryo-*')" ]
	done
}

@test "a full disk is an error that leaves nothing" {
	requires root
	mkdir "$T/small"
	mount -t tmpfs -o size=256k none "$T/small"
	head -c 1M /dev/urandom >"$T/big"
	tar -C "$T" --owner 0 --group 0 -cf "$T/a.tar" big
	run bryo bundle "$T/a.tar" "$T/small/b"
	ls -A "$T/small" >"$T/left"
	umount "$T/small"
	[ "$status" -eq 1 ]
	has_line "'big': write: No space left on device"
	[ ! -s "$T/left" ]
}
