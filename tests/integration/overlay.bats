#!/usr/bin/env bats
# Root file systems of layers: what is seen, where changes go, who may share what, and that nothing
# of it is left.

# shellcheck disable=SC2016,SC2030,SC2031
load ../lib/bryo

setup() {
	bryo_setup
	mkdir -p "$T/a/opt" "$T/b/opt"
	echo a >"$T/a/opt/name"
	echo a >"$T/a/opt/only-a"
	echo b >"$T/b/opt/name"
}

teardown() { bryo_teardown; }

# never_answers: a program in PATH before the real fuse-overlayfs
never_answers() {
	mkdir "$T/path"
	printf '#!/bin/sh\necho still thinking >&2\necho $$ >"%s/pid"\nexec sleep 60\n' "$T" >"$T/path/fuse-overlayfs"
	chmod 755 "$T/path/fuse-overlayfs"
	PATH=$T/path:$PATH
}

# What takes ten seconds is done beside the other tests.
late_answer() {
	setup
	by_fuse true
	never_answers
	bryo run -b "$BUNDLE" --ephemeral "$ID" || echo "status $?"
	echo "left: $(ps -o pid= -p "$(cat "$T/pid")")$(ls "$ROOT")"
	bryo_teardown
}

setup_file() {
	[ "$(id -u)" = 0 ] || (late_answer >"$BATS_FILE_TMPDIR/late" 2>&1 </dev/null 3>&- &)
}

# in_layers OPTION... -- COMMAND...: in a container of $T/rootfs
in_layers() {
	[ -d "$T/rootfs" ] || make_rootfs "$T/rootfs"
	local options=()

	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	run bryo run --rootfs "$T/rootfs" "${options[@]}" "$ID" "$@"
}

# tree DIR: everything in it, with modes and owners
tree() { find "$1" -printf '%P %y %m %U %s %l\n' | sort; }

# ----------------------------------------------------------------------------- what is seen

# covers: --rootfs --overlay --ephemeral
@test "overlay: the first layer is topmost, the root is below all" {
	in_layers --overlay "$T/b:$T/a" --ephemeral -- sh -c 'cat /opt/name /opt/only-a; ls /bin/sh'
	[ "$output" = "$(printf '%s\n' b a /bin/sh)" ]
	in_layers --overlay "$T/a:$T/b" --ephemeral -- cat /opt/name
	[ "$output" = a ]
}

@test "overlay: a relative layer starts from the caller's directory" {
	in_layers --overlay b:./a --ephemeral -- cat /opt/name /opt/only-a
	[ "$output" = "$(printf '%s\n' b a)" ]
}

@test "overlay: without a place for changes the root cannot be written" {
	in_layers --overlay "$T/a" -- sh -c 'cat /opt/name; touch /x'
	[ "$status" -ne 0 ]
	has_line "Read-only file system"
	[ "${lines[0]}" = a ]
}

@test "overlay: names with colons, commas, blanks, backslashes, quotes and newlines" {
	local odd="$T/o:d,d \\\"'
x"

	mkdir -p "$odd/opt"
	echo odd >"$odd/opt/odd"
	odd=${odd//\\/\\\\}
	in_layers --overlay "${odd//:/\\:}:$T/a" --ephemeral -- cat /opt/odd /opt/name
	[ "$output" = "$(printf '%s\n' odd a)" ]
}

# ----------------------------------------------------------------------------- changes

@test "ephemeral: files are made, changed, deleted, replaced; nothing of it stays" {
	make_rootfs "$T/rootfs"
	tree "$T" | grep -v '^state\|^run\|^cache' >"$T/../$ID.before"
	in_layers --overlay "$T/a" --ephemeral -- sh -ec '
		echo x >/new; echo y >>/opt/name; rm /opt/only-a; rm -r /opt; mkdir /opt; echo z >/opt/z
		ls /opt; cat /new; mv /bin/cat /bin/dog; rm /bin/ls; busybox cat /opt/z; chmod 700 /etc'
	tree "$T" | grep -v '^state\|^run\|^cache' >"$T/../$ID.after"
	[ "$output" = "$(printf '%s\n' z x z)" ]
	diff "$T/../$ID.before" "$T/../$ID.after"
	rm "$T/../$ID.before" "$T/../$ID.after"
	[ -z "$(ls -A "$ROOT")" ]
}

@test "ephemeral on disk: removed by delete, and by gc after a crash, whoever owns it" {
	[ "$(stat -f -c %T "$T")" != tmpfs ] || skip "needs a directory on disk: $T is on a tmpfs"
	make_bundle
	config '.root.readonly = false | .annotations["org.bryo.overlay.ephemeral"] = "disk" | .process.capabilities[] += ["CAP_CHOWN"]'
	args sh -c 'mkdir -p /d/e; echo x >/d/e/f; chown -R 5:5 /d; chmod 700 /d; exec sleep 60'
	export TMPDIR=$T/home
	run_detached
	wait_for 20 eval 'test -e "$T/home/bryo-upper-$ID-"*/upper/d'
	[ "$(stat -c %a "$T/home/bryo-upper-$ID-"*)" = 700 ]
	bryo delete --force "$ID"
	[ -z "$(ls -A "$T/home")" ]

	bryo run -b "$BUNDLE" "$ID" >/dev/null 2>&1 </dev/null &
	wait_for_status running
	kill -KILL "$(jq .runner "$ROOT/$ID/record.json")" "$(bryo state "$ID" | jq .pid)"
	wait_for_status stopped
	wait_for 5 eval '[ "$(bryo gc | grep -c "$ID")" -ge 1 ]'
	[ -z "$(ls -A "$T/home")" ]
	[ -z "$(ls -A "$ROOT")" ]
}

@test "gc: changes on disk of another boot, or without an owner, go; others stay" {
	export TMPDIR=$T/home
	mkdir -m 700 "$T/home/bryo-upper-old-1" "$T/home/bryo-upper-new-2" "$T/home/bryo-upper-none-3" \
		"$T/home/bryo-upper-fresh-4"
	echo "another-boot 1 1 1 old" >"$T/home/bryo-upper-old-1/owner"
	echo "$(cat /proc/sys/kernel/random/boot_id) 1 1 1 new" >"$T/home/bryo-upper-new-2/owner"
	touch -d '2 minutes ago' "$T/home/bryo-upper-none-3"
	run bryo gc --dry-run
	has_line bryo-upper-old-1
	[ -e "$T/home/bryo-upper-old-1" ]
	bryo gc
	[ "$(cd "$T/home" && echo *)" = "bryo-upper-fresh-4 bryo-upper-new-2" ]
}

# covers: --upper
@test "upper: changes are kept in the directory, which is made, and found again" {
	in_layers --overlay "$T/a" --upper "$T/keep" -- sh -c 'echo x >/new; rm /opt/only-a'
	[ "$status" -eq 0 ]
	[ "$(stat -c %a "$T/keep")" = 700 ]
	[ "$(cat "$T/keep/upper/new")" = x ]
	[ -e "$T/a/opt/only-a" ]
	[ ! -e "$T/rootfs/new" ]
	in_layers --overlay "$T/a" --upper keep -- sh -c 'cat /new; ls /opt'
	[ "$output" = "$(printf '%s\n' x name)" ]
}

@test "upper: / has the mode of the topmost layer, not of the private directory" {
	chmod 751 "$T/a"
	in_layers --overlay "$T/a" --upper "$T/keep" -- stat -c '%a %u' /
	[ "$output" = "751 0" ]
	in_layers --overlay "$T/a" --ephemeral -- stat -c '%a %u' /
	[ "$output" = "751 0" ]
}

@test "upper: kept in a set-group-ID directory of a group that is not mapped" {
	requires_test_user
	mkdir "$T/state2" "$T/project"
	chown "$BRYO_TEST_USER" "$T/state2" "$T/project"
	chgrp 1 "$T/project"
	chmod 2775 "$T/project"
	chmod 755 "$T"
	make_rootfs "$T/rootfs"
	run as_user "$BRYO" --root "$T/state2" run --idmap single --rootfs "$T/rootfs" --upper "$T/project/u" "$ID" \
		sh -c 'mkdir /d && ls -d /d' </dev/null
	[ "$status" -eq 0 ]
	[ "$output" = /d ]
	[ -d "$T/project/u/upper/d" ]
}

@test "upper: who may write to the directory too turns no change of 'work' on a file of ours" {
	requires_test_user
	requires cmd:strace
	mkdir "$T/state2" "$T/project" "$T/ours"
	chown "$BRYO_TEST_USER" "$T/state2" "$T/project" "$T/ours"
	chgrp 1 "$T/project"
	chmod 2775 "$T/project"
	chmod 755 "$T" "$T/ours"
	make_rootfs "$T/rootfs"
	timeout 20 strace -u "$BRYO_TEST_USER" -f -o "$T/trace" -e trace=fchown,fchownat,fchmod,fchmodat \
		-e inject=fchown,fchownat:delay_exit=600000 "$BRYO" --root "$T/state2" run --idmap single \
		--rootfs "$T/rootfs" --upper "$T/project/u" "$ID" true >/dev/null 2>&1 </dev/null 3>&- &
	wait_for 10 eval '[ "$(stat -c %g "$T/project/u/work" 2>/dev/null || echo 1)" != 1 ]'
	mv "$T/project/u/work" "$T/project/u/moved"
	ln -s "$T/ours" "$T/project/u/work"
	wait "$!" || true
	grep -q 'fchmod.*0700' "$T/trace"
	[ "$(stat -c %a "$T/ours")" = 755 ]
}

@test "upper: an empty name is refused, not taken for the directory we are in" {
	in_layers --upper "" -- true
	[ "$status" -eq 1 ]
	has_line "--upper: the name of the directory is empty"
	[ ! -e upper ]
}

@test "upper and ephemeral exclude each other, as options and as annotations" {
	in_layers --upper "$T/keep" --ephemeral -- true
	[ "$status" -ne 0 ]
	has_line "exclude each other"
	make_bundle empty
	config '.annotations = {"org.bryo.overlay.upper": "x", "org.bryo.overlay.ephemeral": "true"}'
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -ne 0 ]
	has_line "exclude each other"
}

# ----------------------------------------------------------------------------- config.json

# covers: org.bryo.rootfs org.bryo.overlay.lower org.bryo.overlay.upper org.bryo.overlay.ephemeral
@test "annotations mean the same, relative to the bundle" {
	make_bundle
	cp -r "$T/a" "$BUNDLE/a"
	args sh -c 'cat /opt/name; echo x >/new'
	config '.root.readonly = false | .annotations = {"org.bryo.overlay.lower": "a", "org.bryo.overlay.upper": "keep"}'
	[ "$(bryo run -b "$BUNDLE" "$ID")" = a ]
	[ "$(cat "$BUNDLE/keep/upper/new")" = x ]
	config '.annotations = {"org.bryo.overlay.lower": "a", "org.bryo.rootfs": "overlay", "org.bryo.overlay.ephemeral": "memory"}'
	[ "$(bryo run -b "$BUNDLE" "$ID")" = a ]
	[ ! -e "$BUNDLE/rootfs/new" ]
}

@test "options replace the annotations of a config.json, and --rootfs its root.path" {
	make_bundle
	make_rootfs "$T/other"
	echo other >"$T/other/name"
	config '.root.readonly = false | .annotations = {"org.bryo.overlay.lower": "none", "org.bryo.overlay.upper": "none"}'
	args sh -c 'cat /opt/name /name; echo >/x'
	run bryo run -b "$BUNDLE" --rootfs other --overlay a --ephemeral "$ID"
	[ "$output" = "$(printf '%s\n' a other)" ]
	[ ! -e "$BUNDLE/none" ]
	run bryo run -f "$BUNDLE/config.json" --rootfs other --overlay a --ephemeral "$ID"
	[ "$output" = "$(printf '%s\n' a other)" ]
}

@test "a read-only root over layers, and mount points that the layers lack" {
	make_bundle
	mkdir "$T/data"
	config '.root.readonly = true | .mounts += [{"destination": "/made/here", "type": "bind", "source": $d, "options": ["rbind"]}]' \
		--arg d "$T/data"
	args sh -c 'touch /made/here/x && ! touch /y'
	run bryo run -b "$BUNDLE" --overlay "$T/a" --ephemeral "$ID"
	[ "$status" -eq 0 ]
	[ -e "$T/data/x" ]
	[ ! -e "$BUNDLE/rootfs/made" ]
	[ ! -e "$T/a/made" ]
}

# ----------------------------------------------------------------------------- errors

@test "overlay: a layer that is missing, named twice, or empty; more than 500" {
	in_layers --overlay "$T/none" --ephemeral -- true
	[ "$status" -ne 0 ]
	has_line "layer '$T/none': No such file or directory"
	in_layers --overlay "$T/a:$T/a" --ephemeral -- true
	[ "$status" -ne 0 ]
	has_line "named twice"
	in_layers --overlay "$T/a::$T/b" --ephemeral -- true
	[ "$status" -ne 0 ]
	has_line "the name of a directory is empty"
	in_layers --overlay "$(printf 'a:%.0s' {1..499})a" --ephemeral -- true
	[ "$status" -ne 0 ]
	has_line "501 layers"
	has_line 500
	[ -z "$(ls -A "$ROOT")" ]
}

@test "upper: a directory in a layer, one that cannot be made or written" {
	in_layers --overlay "$T/a" --upper "$T/a/changes" -- true
	[ "$status" -ne 0 ]
	has_line "directory for changes '$T/a/changes' is in the layer '$T/a' [choose one beside it]"
	[ ! -e "$T/a/changes" ]
	in_layers --upper "$T/rootfs" -- true
	[ "$status" -ne 0 ]
	has_line "is in the layer"
	run bryo plan --rootfs "$T/rootfs" --upper "$T/rootfs" "$ID"
	[ "$status" -ne 0 ]
	has_line "is in the layer"
	in_layers --upper "$T/none/changes" -- true
	[ "$status" -ne 0 ]
	has_line "bryo: make the directory for changes '$T/none/changes': No such file or directory"
	in_layers --upper "$T/rootfs/bin/busybox" -- true
	[ "$status" -ne 0 ]
	has_line "bryo: directory for changes '$T/rootfs/bin/busybox': Not a directory"
	[ -z "$(ls -A "$ROOT")" ]
}

@test "overlay: 500 layers" {
	local all=() i

	for i in {1..499}; do
		mkdir "$T/l$i"
		all+=("l$i")
	done
	echo top >"$T/l1/file"
	echo bottom >"$T/l499/file"
	in_layers --overlay "$(IFS=:; echo "${all[*]}")" --ephemeral -- sh -c 'cat /file; echo x >/y'
	[ "$status" -eq 0 ]
	[ "$output" = top ]
}

# ----------------------------------------------------------------------------- sharing

@test "containers share layers, but not an upper" {
	make_bundle
	args sh -c 'echo x >/new; exec sleep 30'
	config '.root.readonly = false'
	run_detached "$ID" --overlay "$T/a" --upper "$T/keep"
	run_detached "$ID-2" --overlay "$T/a" --upper "$T/keep2"
	run_detached "$ID-3" --overlay "$T/a" --ephemeral
	run bryo run -b "$BUNDLE" --overlay "$T/b" --upper "$T/keep" "$ID-4"
	[ "$status" -ne 0 ]
	has_line "directory for changes '$T/keep' belongs to container '$ID', process "
	[ "$(bryo list --quiet | wc -l)" -eq 3 ]
	run bryo plan -b "$BUNDLE" --overlay "$T/b" --upper "$T/keep" "$ID-4"
	[ "$status" -ne 0 ]
	has_line "belongs to container '$ID', process "
	bryo delete --force "$ID"
	[ ! -e "$T/keep/owner" ]
	run_detached "$ID-5" --overlay "$T/a" --upper "$T/keep"
}

@test "upper: what a container left that was killed with its runtime does not lock it" {
	make_bundle
	args sleep 30
	run_detached "$ID" --upper "$T/keep"
	kill -KILL "$(bryo state "$ID" | jq .pid)"
	wait_for_status stopped
	args true
	bryo run -b "$BUNDLE" --upper "$T/keep" "$ID-2"
	printf '%s 1 %s 1 other\n' "$(cat /proc/sys/kernel/random/boot_id)" $$ >"$T/keep/owner"
	run bryo run -b "$BUNDLE" --upper "$T/keep" "$ID-2"
	[ "$status" -ne 0 ]
	has_line "of another pid namespace [if that is gone, remove '$T/keep/owner']"
	echo x >"$T/keep/owner"
	bryo run -b "$BUNDLE" --upper "$T/keep" "$ID-2"
	[ ! -e "$T/keep/owner" ]
	args /not-there
	run bryo run -b "$BUNDLE" --upper "$T/keep" "$ID-2"
	[ "$status" -ne 0 ]
	[ ! -e "$T/keep/owner" ]
}

# ----------------------------------------------------------------------------- fuse-overlayfs

requires_fuse() {
	requires cmd:fuse-overlayfs
	{ exec {fuse}<>/dev/fuse; } 2>/dev/null || skip "needs fuse: $(id -un) may not use /dev/fuse"
	exec {fuse}>&-
}

# by_fuse ARG...: a bundle whose root fuse-overlayfs serves, running ARG
by_fuse() {
	make_bundle
	config '.root.readonly = false | .annotations = {"org.bryo.rootfs": "fuse-overlayfs"}'
	config '.process.capabilities[] += ["CAP_CHOWN"]'
	args "$@"
}

# the pid of the container's fuse-overlayfs, as the record has it
program_of() { jq -er '.helpers[] | select(.name == "fuse-overlayfs") | .pid' "$ROOT/$ID/record.json"; }

gone() { not kill -0 "$1" || grep -q '^State:.Z' "/proc/$1/status"; } 2>/dev/null

@test "fuse-overlayfs: layers are shown, changes are kept, or thrown away" {
	requires_fuse
	by_fuse sh -ec 'cat /opt/name; echo x >/new; rm /opt/only-a; mkdir /d; mv /d /e; grep " / " /proc/mounts'
	run bryo run -b "$BUNDLE" --overlay "$T/a" --upper "$T/keep" "$ID"
	[ "${lines[0]}" = a ]
	[[ ${lines[1]} == "fuse-overlayfs / fuse.fuse-overlayfs "* ]]
	[ "$(cat "$T/keep/upper/new")" = x ]
	[ -d "$T/keep/upper/e" ]
	[ -e "$T/a/opt/only-a" ]
	export TMPDIR=$T/home
	run bryo run -b "$BUNDLE" --overlay "$T/a" --ephemeral "$ID"
	[ "${lines[0]}" = a ]
	[ ! -e "$BUNDLE/rootfs/new" ]
	[ -z "$(ls -A "$T/home")" ]
}

@test "fuse-overlayfs: files have the owners of the container" {
	requires_fuse
	requires subid
	by_fuse sh -ec 'chown 5:6 /new; stat -c "%u:%g" /new /bin/busybox /'
	touch "$BUNDLE/rootfs/new"
	run bryo run -b "$BUNDLE" --ephemeral "$ID"
	[ "$output" = "$(printf '%s\n' 5:6 0:0 0:0)" ]
}

# covers: org.bryo.overlay.idmap
@test "fuse-overlayfs: a tree of one ID mapping is shown with the owners of another" {
	requires_fuse
	requires subid user
	make_bundle
	config '.root.readonly = false | .process.capabilities[] += ["CAP_CHOWN", "CAP_DAC_OVERRIDE"]'
	args sh -ec 'stat -c "%u:%g" / /five; touch /six; chown 6:6 /six; stat -c "%u:%g" /six'
	unshare --user --map-root-user --map-auto --setuid 0 --setgid 0 sh -c 'touch "$1/five"; chown 5:5 "$1/five"' sh "$BUNDLE/rootfs"
	run bryo run -b "$BUNDLE" --idmap keep-id --ephemeral "$ID"
	[ "${lines[0]}" = "$(id -u):$(id -g)" ]
	config '.annotations["org.bryo.overlay.idmap"] = "subid"'
	run bryo run -b "$BUNDLE" --idmap keep-id --upper "$T/keep" "$ID"
	[ "$output" = "$(printf '%s\n' 0:0 5:5 6:6)" ]
	run bryo run -b "$BUNDLE" --idmap subid --upper "$T/keep" "$ID"
	[ "$output" = "$(printf '%s\n' 0:0 5:5 6:6)" ]
	bryo plan -b "$BUNDLE" --idmap subid --ephemeral "$ID" | grep 'tried *overlay works'
	config '.annotations["org.bryo.rootfs"] = "overlay"'
	run bryo run -b "$BUNDLE" --idmap keep-id --ephemeral "$ID"
	[ "$status" -ne 0 ]
	has_line "the kernel's overlay cannot map IDs"
}

@test "fuse-overlayfs: names with colons, commas, blanks, backslashes" {
	requires_fuse
	by_fuse cat /odd
	mkdir "$T/o:d,d \\x"
	echo odd >"$T/o:d,d \\x/odd"
	run bryo run -b "$BUNDLE" --overlay "$T/o\\:d,d \\\\x" --ephemeral "$ID"
	[ "$output" = odd ]
}

@test "fuse-overlayfs ends with the container, whoever was killed" {
	local pid

	requires_fuse
	by_fuse sleep 60
	export TMPDIR=$T/home
	run_detached "$ID" --ephemeral
	pid=$(program_of)
	kill -0 "$pid"
	[ "$(jq -r .rootfsBackend "$ROOT/$ID/record.json")" = fuse-overlayfs ]
	kill -KILL "$(bryo state "$ID" | jq .pid)"
	wait_for 5 gone "$pid"
	bryo delete "$ID"
	[ -z "$(ls -A "$T/home")" ]

	bryo run -b "$BUNDLE" --ephemeral "$ID" >/dev/null 2>&1 </dev/null &
	wait_for_status running
	pid=$(program_of)
	bryo delete --force "$ID"
	wait_for 5 gone "$pid"
	ends_with 137
	[ -z "$(ls -A "$T/home")" ]
}

# a program that takes the question for a file named "hang" and never answers
make_hanging_fuse() {
	requires cmd:cc
	mkdir "$T/path"
	cat >"$T/hang.c" <<-'EOF'
		#define _GNU_SOURCE
		#include <fcntl.h>
		#include <stdarg.h>
		#include <string.h>
		#include <sys/stat.h>
		#include <sys/syscall.h>
		#include <unistd.h>

		static void look(const char *path)
		{
			while (strstr(path, "hang"))
				pause();
		}

		int statx(int dir, const char *path, int flags, unsigned mask, struct statx *ret)
		{
			look(path);
			return (int)syscall(SYS_statx, dir, path, flags, mask, ret);
		}

		int openat(int dir, const char *path, int flags, ...)
		{
			va_list ap;
			int mode;

			look(path);
			va_start(ap, flags);
			mode = va_arg(ap, int);
			va_end(ap);
			return (int)syscall(SYS_openat, dir, path, flags, mode);
		}

		int openat64(int dir, const char *path, int flags, ...) __attribute__((alias("openat")));
	EOF
	cc -shared -fPIC -o "$T/hang.so" "$T/hang.c" 3>&-
	printf '#!/bin/sh\nLD_PRELOAD=%s exec %s "$@"\n' "$T/hang.so" "$(command -v fuse-overlayfs)" >"$T/path/fuse-overlayfs"
	chmod 755 "$T/path/fuse-overlayfs"
}

is_asking() { grep -q request_wait "/proc/$1/wchan"; } 2>/dev/null

@test "fuse-overlayfs that hangs keeps no container from being deleted" {
	local pid program

	requires_fuse
	make_hanging_fuse
	by_fuse sh -c 'exec cat /hang'
	touch "$BUNDLE/rootfs/hang"
	export TMPDIR=$T/home
	PATH=$T/path:$PATH run_detached "$ID" --ephemeral
	pid=$(jq .pid "$ROOT/$ID/record.json")
	program=$(program_of)
	wait_for 5 is_asking "$pid"
	bryo delete --force "$ID"
	gone "$program"
	gone "$pid"
	[ -z "$(ls -A "$T/home")" ]
	[ -z "$(ls -A "$ROOT")" ]
}

# see setup_file
@test "fuse-overlayfs that never answers is waited for ten seconds" {
	requires_fuse
	[ "$(id -u)" != 0 ] || skip "one way is enough: it takes ten seconds"
	wait_for 20 grep -q '^left' "$BATS_FILE_TMPDIR/late"
	cat "$BATS_FILE_TMPDIR/late"
	grep -q "'fuse-overlayfs' did not answer within 10 s: still thinking .*org.bryo.rootfs=overlay" "$BATS_FILE_TMPDIR/late"
	grep -qx "status 1" "$BATS_FILE_TMPDIR/late"
	grep -qx "left: " "$BATS_FILE_TMPDIR/late"
}

@test "fuse-overlayfs that never answers: who waits for it ends with the runtime" {
	local run init

	requires_fuse
	requires cmd:pgrep
	by_fuse true
	never_answers
	"$BRYO" --root "$ROOT" run -b "$BUNDLE" --ephemeral "$ID" >/dev/null 2>&1 </dev/null 3>&- &
	run=$!
	wait_for 5 test -s "$T/pid"
	init=$(pgrep -P "$run" | grep -vx "$(cat "$T/pid")")
	wait_for 5 grep -q fuse "/proc/$init/wchan"
	kill -KILL "$run"
	wait_for 5 gone "$init"
	kill -KILL "$(cat "$T/pid")"
	bryo gc
	[ -z "$(ls -A "$ROOT")" ]
}

@test "fuse-overlayfs: its own words are in the error" {
	requires_fuse
	by_fuse true
	mkdir "$T/path"
	printf '#!/bin/sh\necho "no such luck" >&2\nexit 1\n' >"$T/path/fuse-overlayfs"
	chmod 755 "$T/path/fuse-overlayfs"
	PATH=$T/path:$PATH run bryo run -b "$BUNDLE" --ephemeral "$ID"
	[ "$status" -ne 0 ]
	has_line "fuse-overlayfs says: no such luck"
	[ -z "$(ls -A "$ROOT")" ]
}

# In a pid namespace of its own init has one of a few numbers.
@test "fuse-overlayfs: a user namespace that may not be opened is an error, and it serves nobody" {
	requires_fuse
	requires cmd:strace userns-nested
	local paths=() map=--map-root-user i

	strace -o /dev/null true 2>/dev/null || skip "needs strace: ptrace is forbidden here"
	[ "$(id -u)" != 0 ] || ! in_initial_userns || map=--mount
	make_bundle busybox --rootless
	config '.root.readonly = false | .annotations = {"org.bryo.rootfs": "fuse-overlayfs"}
		| .linux.uidMappings[].hostID = 0 | .linux.gidMappings[].hostID = 0'
	args true
	for i in $(seq 2 40); do paths+=(-P "/proc/$i/ns/user"); done
	run unshare $map --pid --fork --mount-proc strace -o "$T/trace" "${paths[@]}" \
		-e inject=openat:error=EPERM "$BRYO" --root "$ROOT" run -b "$BUNDLE" --ephemeral "$ID" </dev/null 3>&-
	[ "$status" -eq 1 ]
	has_line "/ns/user': Operation not permitted"
	[ -z "$(ls -A "$ROOT")" ]
}

@test "fuse-overlayfs: what it says while it serves is in no error of others" {
	requires_fuse
	{ exec {tun}<>/dev/net/tun; } 2>/dev/null || skip "needs tun: $(id -un) may not use /dev/net/tun"
	exec {tun}>&-
	by_fuse true
	mkdir "$T/path"
	printf '#!/bin/sh\nexit 3\n' >"$T/path/slirp4netns"
	chmod 755 "$T/path/slirp4netns"
	PATH=$T/path:$PATH run bryo run -b "$BUNDLE" --ephemeral --net slirp4netns "$ID"
	[ "$status" -ne 0 ]
	has_line "'slirp4netns' exited with status 3"
	[[ $output != *"fuse-overlayfs says"* ]]
}

@test "fuse-overlayfs by name where it is not installed is refused, with what to do" {
	by_fuse true
	run env PATH="$T" "$BRYO" --root "$ROOT" run -b "$BUNDLE" --idmap single --ephemeral "$ID"
	[ "$status" -ne 0 ]
	has_line "fuse-overlayfs cannot be used here: it is not installed"
	has_line "bryo doctor"
}

@test "what the kernel cannot stack goes to fuse-overlayfs, with a notice; plan knows" {
	requires_fuse
	requires userns-nested
	make_bundle busybox
	config '.root.readonly = false'
	args sh -c 'cat /opt/name; grep -c " / fuse" /proc/mounts'
	mkdir "$T/l" "$T/u" "$T/w" "$T/m"
	cat >"$T/nested" <<-END
		set -e
		mount -t overlay -o lowerdir=$T/l,upperdir=$T/u,workdir=$T/w\$1 overlay $T/m
		$BRYO --root $ROOT run -b $BUNDLE --overlay $T/a --upper $T/m/keep $ID
		$BRYO --root $ROOT plan -b $BUNDLE --overlay $T/a --upper $T/m/keep $ID | grep tried
		ls -A $T/m
	END
	if in_initial_userns && [ "$(id -u)" = 0 ]; then
		run unshare --mount sh "$T/nested"
	else
		run unshare --user --map-root-user --mount sh "$T/nested" ,userxattr
	fi
	[ "$status" -eq 0 ]
	has_line "root file system: fuse-overlayfs instead of the kernel's overlay (Invalid argument)"
	[[ $output == *"a"$'\n'1* ]]
	has_line "tried    fuse-overlayfs works, overlay does not: Invalid argument"
	[ "${lines[-1]}" = keep ]
}

# ----------------------------------------------------------------------------- spec

# covers: spec --rootfs spec --overlay spec --upper spec --ephemeral
@test "spec writes layers as annotations, with absolute directories" {
	mkdir "$T/bundle"
	bryo spec -b bundle --rootfs rootfs --overlay a:b --upper keep
	jq -e --arg t "$T" '.root == {path: ($t + "/rootfs")} and
		.annotations == {"org.bryo.overlay.lower": ($t + "/a:" + $t + "/b"),
				 "org.bryo.overlay.upper": ($t + "/keep")}' bundle/config.json
	bryo spec -f - --ephemeral | jq -e '.annotations["org.bryo.overlay.ephemeral"] == "true" and (.root.readonly | not)'
	bryo spec -f - --overlay a | jq -e .root.readonly
	run bryo spec -f - --ephemeral --rootless
	[ "$status" -ne 0 ]
	run bryo spec -f - --ephemeral --upper x
	[ "$status" -ne 0 ]
	has_line "exclude each other"
}

@test "changes on a file system without user attributes: refused at mount time, not deletion by deletion" {
	requires userns-nested
	make_bundle busybox
	config '.root.readonly = false | .annotations["org.bryo.rootfs"] = "overlay"'
	args true
	mkdir "$T/m"
	cat >"$T/nested" <<-END
		mount -t ramfs ramfs $T/m || exit 99
		$BRYO --root $ROOT run -b $BUNDLE --idmap single --upper $T/m/keep $ID
	END
	run unshare --user --map-root-user --mount sh "$T/nested"
	[ "$status" -ne 99 ] || skip "needs ramfs: it cannot be mounted here"
	[ "$status" -ne 0 ]
	has_line "user.* attributes in the directory for changes: Operation not supported"
}

@test "upper: a directory that others may enter is warned of" {
	mkdir -m 755 "$T/open"
	in_layers --upper "$T/open" -- true
	has_line "directory for changes '$T/open': others may enter it"
	has_line "[chmod 700 $T/open]"
	chmod 700 "$T/open"
	in_layers --upper "$T/open" -- true
	[ -z "$output" ]
}
