#!/usr/bin/env bats
# ID maps, their helpers and user namespaces: what is said when they are refused.

bats_require_minimum_version 1.5.0
load ../lib/bryo
load ../lib/errors

setup() { bryo_setup; }
teardown() { bryo_teardown; }

# maps UIDMAPPINGS [GIDMAPPINGS]: both as JSON; adds the user namespace
maps() {
	config '.linux.uidMappings = $u | .linux.gidMappings = $g |
		.linux.namespaces |= (map(select(.type != "user")) + [{"type": "user"}])' \
		--argjson u "$1" --argjson g "${2:-$1}"
}

# own [CONTAINER ID]: a mapping of the caller's own uid, or of its gid
own_uid() { echo "[{\"containerID\": ${1:-0}, \"hostID\": $(id -u), \"size\": 1}]"; }
own_gid() { echo "[{\"containerID\": ${1:-0}, \"hostID\": $(id -g), \"size\": 1}]"; }

# ------------------------------------------------------------------------------- the maps

@test "row 15: mappings that overlap: which two, and on which ID" {
	make_bundle empty
	maps '[{"containerID": 0, "hostID": 100000, "size": 10}, {"containerID": 9, "hostID": 100100, "size": 5}]' "$(own_gid)"
	refuses "linux.uidMappings" "[0] and [1]" "container uid 9"
	maps '[{"containerID": 0, "hostID": 100000, "size": 10}, {"containerID": 20, "hostID": 100005, "size": 5}]' "$(own_gid)"
	refuses "linux.uidMappings" "[0] and [1]" "host uid 100005"
}

@test "a mapping of size 0, or past the last ID, is named by its place" {
	make_bundle empty
	maps '[{"containerID": 0, "hostID": 100000, "size": 0}]' "$(own_gid)"
	refuses "linux.uidMappings[0]" "size 0"
	maps '[{"containerID": 0, "hostID": 4294967290, "size": 10}]' "$(own_gid)"
	refuses "linux.uidMappings[0]" "hostID 4294967290"
}

@test "341 mappings are one more than the kernel takes" {
	make_bundle empty
	maps "$(jq -nc '[range(341) | {containerID: ., hostID: (100000 + 2 * .), size: 1}]')" "$(own_gid)"
	refuses "linux.uidMappings" "341 mappings" "340"
}

@test "wrong in both maps gives two lines" {
	make_bundle empty
	maps '[{"containerID": 0, "hostID": 100000, "size": 0}]'
	refused 1 bryo run -b "$BUNDLE" "$ID"
	lines_are 2
	says "linux.uidMappings[0]"
	says "linux.gidMappings[0]"
}

@test "one map without the other" {
	make_bundle empty
	maps "$(own_uid)" '[]'
	refuses "no gid mappings" "linux.gidMappings"
}

@test "row 8: a user that is not mapped: which, and what is mapped" {
	make_bundle empty
	maps "$(own_uid)" "$(own_gid)"
	config '.process.user = {"uid": 1000, "gid": 0}'
	refuses "process.user" "uid 1000" "not mapped" "mapped are 0" "/etc/subuid"
	config '.process.user = {"uid": 0, "gid": 7}'
	refuses "process.user" "gid 7" "not mapped" "/etc/subgid"
}

@test "row 13: additional groups with a single-ID map are refused with the reason" {
	requires user
	make_bundle empty
	maps "$(own_uid)" "$(own_gid)"
	config '.process.user.additionalGids = [0, 7]'
	refuses "process.user" "gid (additional) 7" "not mapped" "/etc/subgid"
}

@test "row 14: a map without 0 works" {
	requires userns
	make_bundle
	maps "$(own_uid 1000)" "$(own_gid 1000)"
	config '.process.user = {"uid": 1000, "gid": 1000} | .process.args = ["id", "-u"]'
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	[ "$output" = 1000 ]
}

@test "mappings without a user namespace: root is told what to add" {
	requires root
	make_bundle empty
	config '.linux.uidMappings = [{"containerID": 0, "hostID": 0, "size": 1}] |
		.linux.namespaces |= map(select(.type != "user"))'
	refuses "linux.uidMappings" "no user namespace" '"type": "user"'
}

@test "a user namespace without mappings: root is told what to add" {
	requires root
	make_bundle empty
	config '.linux.namespaces |= (map(select(.type != "user")) + [{"type": "user"}])'
	refuses "no uid mappings" "linux.uidMappings"
}

@test "row 8: IDs that the caller does not own: which, what it owns, and the usermod line" {
	requires user subid
	make_bundle empty
	maps '[{"containerID": 0, "hostID": 5, "size": 2}]' "$(own_gid)"
	refuses "linux.uidMappings" "host uid 5" "does not belong to $(id -un)" "/etc/subuid" "usermod --add-subuids 5-6 $(id -un)"
	maps "$(own_uid)" '[{"containerID": 0, "hostID": 5, "size": 2}]'
	refuses "linux.gidMappings" "host gid 5" "usermod --add-subgids 5-6"
}

@test "row 7: IDs that do not exist in a nested namespace: the first one that is missing" {
	requires userns-nested user
	make_bundle empty
	maps '[{"containerID": 0, "hostID": 0, "size": 2}]' '[{"containerID": 0, "hostID": 0, "size": 1}]'
	refused 1 unshare -r "$BRYO" --root "$ROOT" run -b "$BUNDLE" "$ID"
	says "linux.uidMappings" "host uid 1" "does not exist in the user namespace"
	lines_are 1
}

# ---------------------------------------------------------------------------- the helpers

# many: a map that only the helpers can write
many() {
	local first

	first=$(awk -F: -v n="$(id -un)" -v u="$(id -u)" '$1 == n || $1 == u { print $2; exit }' /etc/subuid)
	maps "[{\"containerID\": 0, \"hostID\": $(id -u), \"size\": 1}, {\"containerID\": 1, \"hostID\": $first, \"size\": 9}]"
}

# path_without_helpers: $BARE, directories without newuidmap
path_without_helpers() {
	BARE=$T/bare
	mkdir -p "$BARE"
	for f in env jq timeout; do
		ln -sf "$(command -v $f)" "$BARE/$f"
	done
}

# In silence by policy (tests/golden/no-subids), but not where the word was given.
@test "--idmap subid without ranges warns, says where they belong, and starts" {
	requires_test_user
	make_bundle
	args id -u
	chmod 755 "$T"
	install -d -o "$BRYO_TEST_USER" -m 700 "$T/user"
	chmod -R a+rX "$BUNDLE"
	: >"$T/none"
	run --separate-stderr unshare -m bash -c '
		mount --bind "$1/none" /etc/subuid && mount --bind "$1/none" /etc/subgid || exit 99
		'"$(declare -f as_user)"'
		as_user "$BRYO" --root "$1/user" run --idmap subid -b "$2" box' sh "$T" "$BUNDLE"
	[ "$status" -eq 0 ]
	[ "$output" = 0 ]
	says "mapped only container 0:0" "/etc/subuid gives $BRYO_TEST_USER no uids" \
		"usermod --add-subuids 100000-165535 $BRYO_TEST_USER"
	not says "the config has no mappings"
	lines_are 1
	run --separate-stderr unshare -m bash -c '
		mount --bind "$1/none" /etc/subuid && mount --bind "$1/none" /etc/subgid || exit 99
		'"$(declare -f as_user)"'
		as_user "$BRYO" --root "$1/user" run -b "$2" box' sh "$T" "$BUNDLE"
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
}

@test "row 10: newuidmap is not installed: the packages, and that a single ID needs none" {
	requires user subid
	make_bundle
	args true
	many
	path_without_helpers
	refused 1 env PATH="$BARE" "$BRYO" --root "$ROOT" run -b "$BUNDLE" "$ID"
	says "newuidmap is not in PATH" "uidmap" "shadow-utils" "map only your own ID"
	lines_are 1
	maps "$(own_uid)" "$(own_gid)"
	PATH="$BARE" "$BRYO" --root "$ROOT" run -b "$BUNDLE" "$ID"
}

@test "row 11: a newuidmap that lost its privilege: how to give it back" {
	requires user subid
	make_bundle empty
	many
	path_without_helpers
	cp "$(command -v newuidmap)" "$(command -v newgidmap)" "$BARE"
	refused 1 env PATH="$BARE" "$BRYO" --root "$ROOT" run -b "$BUNDLE" "$ID"
	says "$BARE/newuidmap" "neither the setuid bit nor file capabilities" "chmod u+s" "setcap"
	lines_are 1
}

@test "row 11: a newuidmap on a nosuid mount: says that it is the mount" {
	requires_test_user
	requires cmd:newuidmap
	make_bundle empty
	chmod 755 "$T"
	mkdir "$T/nosuid"
	run --separate-stderr unshare -m bash -c '
		mount -t tmpfs -o nosuid,mode=755 none "$1/nosuid" &&
			cp -p "$(command -v newuidmap)" "$(command -v newgidmap)" "$1/nosuid" || exit 99
		chmod u+s "$1"/nosuid/*
		'"$(declare -f as_user)"'
		PATH=$1/nosuid:$PATH
		as_user "$BRYO" --root "$1/user" run -b "$2" box' sh "$T" "$(user_bundle)"
	[ "$status" -eq 1 ]
	says "$T/nosuid/newuidmap" "nosuid" "PATH"
	lines_are 1
}

# user_bundle: a bundle of the test user's with a map that needs the helpers; prints its path
user_bundle() {
	local first uid

	uid=$(id -u "$BRYO_TEST_USER")
	first=$(awk -F: -v n="$BRYO_TEST_USER" '$1 == n { print $2; exit }' /etc/subuid)
	maps "[{\"containerID\": 0, \"hostID\": $uid, \"size\": 1}, {\"containerID\": 1, \"hostID\": $first, \"size\": 9}]"
	install -d -o "$BRYO_TEST_USER" -m 700 "$T/user"
	chmod -R a+rX "$BUNDLE"
	echo "$BUNDLE"
}

@test "row 12: NoNewPrivs makes the helpers powerless: says who may have set it" {
	requires user subid cmd:setpriv
	make_bundle empty
	many
	refused 1 setpriv --no-new-privs "$BRYO" --root "$ROOT" run -b "$BUNDLE" "$ID"
	says "newuidmap" "NoNewPrivs" "systemd"
	lines_are 1
}

@test "row 12: without mappings in the config a broken helper is a warning, and one ID is mapped" {
	requires user subid cmd:setpriv
	make_bundle
	config '.process.args = ["cat", "/proc/self/uid_map"]'
	run --separate-stderr setpriv --no-new-privs "$BRYO" --root "$ROOT" run -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	[ "$(xargs <<<"$output")" = "0 $(id -u) 1" ]
	says "NoNewPrivs" "mapped only"
	lines_are 1
}

@test "what newuidmap itself says is in the message" {
	requires user subid
	make_bundle empty
	many
	path_without_helpers
	printf '#!/bin/sh\necho the helper speaks >&2\nexit 1\n' >"$BARE/newuidmap"
	chmod 755 "$BARE/newuidmap"
	cp "$(command -v newgidmap)" "$BARE"
	# A script is never setuid, so the refusal comes before it could speak.
	refused 1 env PATH="$BARE" "$BRYO" --root "$ROOT" run -b "$BUNDLE" "$ID"
	says "$BARE/newuidmap" "neither the setuid bit"
}

# -------------------------------------------------------------------- namespaces refused

@test "row 3: user namespaces are exhausted: it is a limit, which one, and not the disk" {
	requires userns
	make_bundle empty
	maps '[{"containerID": 0, "hostID": 0, "size": 1}]'
	# shellcheck disable=SC2016
	refused 1 unshare -Ur sh -c '
		echo 0 >/proc/sys/user/max_user_namespaces || exit 99
		exec "$BRYO" --root "$1" run -b "$2" box' sh "$ROOT" "$BUNDLE"
	says "namespaces" "user.max_user_namespaces=0" "sysctl"
	lines_are 1
}

@test "row 3: so are others: each limit is named" {
	requires userns
	make_bundle empty
	maps '[{"containerID": 0, "hostID": 0, "size": 1}]'
	# shellcheck disable=SC2016
	refused 1 unshare -Ur sh -c '
		echo 0 >/proc/sys/user/max_uts_namespaces || exit 99
		exec "$BRYO" --root "$1" run -b "$2" box' sh "$ROOT" "$BUNDLE"
	says "user.max_uts_namespaces=0"
}

@test "row 3: also where other namespaces are joined by path" {
	requires userns
	make_bundle empty
	maps '[{"containerID": 0, "hostID": 0, "size": 1}]'
	config '(.linux.namespaces[] | select(.type == "uts")).path = "/proc/self/ns/uts"'
	# shellcheck disable=SC2016
	refused 1 unshare -Uru sh -c '
		echo 0 >/proc/sys/user/max_user_namespaces || exit 99
		exec "$BRYO" --root "$1" run -b "$2" box' sh "$ROOT" "$BUNDLE"
	says "user.max_user_namespaces=0" "sysctl"
}

@test "no more processes: the limit, and that it is one of processes" {
	requires user userns
	make_bundle empty
	# shellcheck disable=SC2016
	refused 1 bash -c 'ulimit -u 1; exec "$BRYO" --root "$1" run -b "$2" box' sh "$ROOT" "$BUNDLE"
	says "namespaces" "no more processes" "ulimit -u" "may have 1 "
	lines_are 1
}

@test "row 5: an outer seccomp filter: says so, and which calls it must allow" {
	requires userns user
	find_deny
	make_bundle empty
	maps "$(own_uid)" "$(own_gid)"
	for num in EPERM ENOSYS; do
		refused 1 "$DENY" $num "$BRYO" --root "$ROOT" run -b "$BUNDLE" "$ID"
		says "namespaces" "seccomp" "outer container" "clone3" "unshare"
		lines_are 1
		[[ $stderr != *privileged* ]]
	done
}

@test "row 6: in a chroot: says that it is the chroot" {
	requires userns-nested
	make_bundle empty
	maps '[{"containerID": 0, "hostID": 0, "size": 1}]'
	mkdir -p "$T/jail/proc" "$T/jail/state" "$T/jail/bin"
	cp "$BRYO" "$T/jail/bin/bryo"
	for lib in $(ldd "$BRYO" | grep -o '/[^ ]*'); do
		mkdir -p "$T/jail${lib%/*}"
		cp -L "$lib" "$T/jail$lib"
	done
	cp -r "$BUNDLE" "$T/jail/bundle"
	# shellcheck disable=SC2016
	run --separate-stderr unshare -Urm sh -c '
		mount --rbind /proc "$1/jail/proc" && exec chroot "$1/jail" /bin/bryo --root /state run -b /bundle box' sh "$T"
	[ "$status" -eq 1 ]
	says "namespaces" "chroot" "pivot_root"
	lines_are 1
}
