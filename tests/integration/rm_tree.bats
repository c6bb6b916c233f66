#!/usr/bin/env bats
# bryo rm-tree: what rm cannot remove, and what nobody should.
# shellcheck disable=SC2016,SC2030,SC2031

load ../lib/bryo

setup() {
	requires userns
	bryo_setup
}

deep() { # deep DIR LEVELS
	python3 -c 'import os, sys
os.mkdir(sys.argv[1])
os.chdir(sys.argv[1])
for i in range(int(sys.argv[2])):
    os.mkdir("d")
    os.chdir("d")
open("file", "w").close()' "$1" "$2"
}

@test "rm-tree: files of subordinate IDs" {
	requires user subid
	mkdir "$T/x"
	unshare --user --map-root-user --map-auto sh -c \
		'cd "$1" && mkdir -p a/b && : >a/b/c && chown -R 33:33 a && chmod 0 a/b a' sh "$T/x"
	not rm -rf "$T/x" 2>/dev/null
	bryo rm-tree "$T/x"
	[ ! -e "$T/x" ]
}

@test "rm-tree: modes of 0, no link followed, ten thousand levels" {
	requires cmd:python3
	mkdir -p "$T/x/a/b" "$T/keep/sub"
	: >"$T/keep/file"
	ln -s "$T/keep" "$T/x/a/link"
	ln -s "$T/keep/file" "$T/x/file"
	chmod 0 "$T/x/a/b" "$T/x/a"
	deep "$T/x/deep" 10000
	(ulimit -n 64 && bryo rm-tree "$T/x/")
	[ ! -e "$T/x" ]
	[ -f "$T/keep/file" ]
	[ -d "$T/keep/sub" ]
}

@test "rm-tree: refuses a link, the place we are in, the home directory and nothing at all" {
	local home=$T/home

	mkdir -p "$T/x/y"
	ln -s x "$T/link"
	: >"$T/file"
	run bryo rm-tree "$T/link"
	[ "$status" -eq 1 ]
	has_line "is not a directory"
	run bryo rm-tree "$T/file"
	has_line "is not a directory"
	run bryo rm-tree "$T/nope"
	has_line "No such file"
	for d in . .. / /. "$T/x/.." "$T/x/."; do
		run bryo rm-tree "$d"
		[ "$status" -eq 1 ]
		has_line "refusing to remove"
	done
	cd "$T/x/y"
	run bryo rm-tree "$T/x"
	has_line "which the working directory is in"
	cd "$T"
	HOME=$home run bryo rm-tree "$home"
	has_line "which the home directory is in"
	[ -d "$T/x/y" ]
	[ -d "$home" ]
}

@test "rm-tree: a name that is too long is not cut to another one" {
	local name

	name=$(printf '%0255d' 0)
	mkdir -p "$T/$name/x"
	run bryo rm-tree "$T/${name}0"
	[ "$status" -eq 1 ]
	[ -d "$T/$name/x" ]
}

@test "rm-tree: refuses what a container runs from" {
	make_bundle
	args sleep 60
	run_detached
	run bryo rm-tree "$BUNDLE"
	[ "$status" -eq 1 ]
	has_line "container '$ID' is running from"
	[ -f "$BUNDLE/config.json" ]
	bryo delete --force "$ID"
	bryo rm-tree "$BUNDLE"
	[ ! -e "$BUNDLE" ]
}

# refused DIR...: rm-tree refuses each and names the container
refused() {
	local d

	for d in "$@"; do
		run bryo rm-tree "$d"
		[ "$status" -eq 1 ]
		has_line "container '$ID'"
		[ -d "$d" ]
	done
}

@test "rm-tree: refuses the layers of a container that runs, and where its changes go" {
	make_bundle
	args sleep 60
	mkdir -p "$T/layers/a/b" "$T/changes"
	run_detached "$ID" --overlay "$T/layers/a" --upper "$T/changes/c" ||
		skip "needs overlay: $(cat "$T/$ID.err")"
	refused "$T/layers" "$T/layers/a" "$T/changes" "$T/changes/c" "$T/changes/c/upper" \
		"$T/changes/c/work" "$BUNDLE/rootfs"
	run bryo rm-tree "$T/layers"
	has_line "a layer of its root file system is there [bryo delete --force $ID]"
	# another state directory tells nothing, the directory itself does
	mkdir -m 700 "$T/other"
	run "$BRYO" --root "$T/other" rm-tree "$T/changes/c"
	[ "$status" -eq 1 ]
	has_line "directory for changes '$T/changes/c' belongs to container '$ID'"
	run "$BRYO" --root "$T/other" rm-tree "$T/changes/c/upper"
	[ "$status" -eq 1 ]
	bryo delete --force "$ID"
	bryo rm-tree "$T/layers" "$T/changes"
	[ ! -e "$T/layers" ] && [ ! -e "$T/changes" ]
}

@test "rm-tree: refuses a tree of somebody else" {
	requires user
	run bryo rm-tree /usr/share
	[ "$status" -eq 1 ]
	has_line "which is not one of yours"
}

@test "rm-tree: what is mounted below is refused before anything is removed" {
	requires root
	local there=no

	mkdir -p "$T/x/a" "$T/x/m m"
	: >"$T/x/a/file"
	mount -t tmpfs none "$T/x/m m"
	: >"$T/x/m m/file"
	run bryo rm-tree "$T/x"
	[ ! -f "$T/x/a/file" ] || there=yes
	[ -f "$T/x/m m/file" ] || there=no
	umount "$T/x/m m"
	[ "$status" -eq 1 ]
	[ $there = yes ]
	has_line "'$T/x/m m' is a mount point below"
}
