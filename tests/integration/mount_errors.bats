#!/usr/bin/env bats
# What users meet around mounts and file access: messages, and the cases that must simply work.

bats_require_minimum_version 1.5.0
load ../lib/bryo
load ../lib/errors

setup() { bryo_setup; }
teardown() { bryo_teardown; }

# mount_with DESTINATION TYPE SOURCE OPTION...
mount_with() {
	# shellcheck disable=SC2016
	config '.mounts += [{"destination": $d, "type": $t, "source": $s, "options": $ARGS.positional}]' \
		--arg d "$1" --arg t "$2" --arg s "$3" --args -- "${@:4}"
}

runs() { # runs COMMAND...: in the container; $output
	args "$@"
	run --separate-stderr bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ] || { printf '%s\n' "$stderr" >&2; return 1; }
}

# nested COMMAND...: as root of a user namespace with mounts of its own
nested() { unshare -Urm --propagation private "$@"; }

# ------------------------------------------------------------------------------ messages

@test "an option that a bind cannot have is named" {
	make_bundle empty
	mount_with /m bind /tmp bind bogus
	refuses "mounts[" "'/m'" "'bogus'"
}

@test "an option that a file system does not know is named" {
	make_bundle empty
	mount_with /m tmpfs tmpfs bogus=1
	refuses "mount '/m'" "bogus"
}

@test "an unknown file system is named" {
	make_bundle empty
	mount_with /m bogusfs none
	refuses "mount '/m'" "bogusfs" "kernel"
}

@test "a bind source that is missing is named with its mount" {
	make_bundle empty
	mount_with /m bind "$T/nowhere" bind
	refuses "mount '/m'" "$T/nowhere" "No such file or directory"
}

@test "a file system that only root mounts says so" {
	requires user
	make_bundle empty
	mount_with /m ext4 /dev/null
	refuses "mount '/m'" "ext4"
}

@test "row 29: ID-mapped mounts are refused by name, not mounted without the map" {
	requires user
	make_bundle empty
	mount_with /m bind /tmp bind idmap
	refuses "mount '/m'" "ID-map the mount" "file system of type" "Operation not permitted"
}

# covers: run --no-pivot
@test "row 32: --no-pivot works, with a warning that says what is weaker" {
	make_bundle
	args true
	run --separate-stderr bryo run --no-pivot -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	says "--no-pivot" "weaker"
}

@test "row 16: proc inside masked proc: names what covers it and the ways out" {
	requires userns-nested
	make_bundle
	config '.linux.namespaces |= (map(select(.type != "user")) + [{"type": "user"}]) |
		.linux.uidMappings = [{"containerID": 0, "hostID": 0, "size": 1}] | .linux.gidMappings = .linux.uidMappings'
	# shellcheck disable=SC2016
	refused 1 unshare -Urpfm --mount-proc sh -c '
		mkdir "$1/mask.before"
		mount --bind "$1/mask.before" /proc/sys && mount --bind /dev/null /proc/keys &&
			"$BRYO" --root "$1/state" run -b "$2" box' sh "$T" "$BUNDLE"
	says "mount '/proc'" "Operation not permitted" "/proc/sys" "/proc/keys" "systempaths=unconfined" "--proc bind"
	lines_are 1
}

@test "row 16: the way out that is named works" {
	requires userns-nested
	make_bundle
	config '.linux.namespaces |= (map(select(.type != "user")) + [{"type": "user"}]) |
		.linux.uidMappings = [{"containerID": 0, "hostID": 0, "size": 1}] | .linux.gidMappings = .linux.uidMappings |
		del(.linux.maskedPaths, .linux.readonlyPaths) |
		(.mounts[] | select(.destination == "/proc")) = {"destination": "/proc", "type": "bind", "source": "/proc", "options": ["rbind"]}'
	args cat /proc/version
	# shellcheck disable=SC2016
	run --separate-stderr unshare -Urpfm --mount-proc sh -c '
		mkdir "$1/mask" && mount --bind "$1/mask" /proc/sys &&
			"$BRYO" --root "$1/state" run -b "$2" box' sh "$T" "$BUNDLE"
	[ "$status" -eq 0 ]
	[[ $output == Linux* ]]
}

@test "row 18: a locked flag stays; one that the config clears is refused with flag and source" {
	requires userns-nested
	make_bundle
	config '.linux.namespaces |= (map(select(.type != "user")) + [{"type": "user"}]) |
		.linux.uidMappings = [{"containerID": 0, "hostID": 0, "size": 1}] | .linux.gidMappings = .linux.uidMappings'
	mkdir "$T/src"
	mount_with /m bind "$T/src" bind ro
	args grep ' /m ' /proc/self/mounts
	# shellcheck disable=SC2016
	inner='mount -t tmpfs -o nosuid,nodev none "$1/src" && "$BRYO" --root "$1/state" run -b "$2" box'
	run --separate-stderr nested sh -c "$inner" sh "$T" "$BUNDLE"
	[ "$status" -eq 0 ]
	[[ $output == *ro,nosuid,nodev* ]]
	config '.mounts[-1].options = ["bind", "suid"]'
	refused 1 nested sh -c "$inner" sh "$T" "$BUNDLE"
	says "mount '/m'" "nosuid" "Operation not permitted" "leave the option out"
	lines_are 1
}

@test "a bind without the mounts below it is refused with those mounts and rbind" {
	requires userns-nested
	make_bundle
	config '.linux.namespaces |= (map(select(.type != "user")) + [{"type": "user"}]) |
		.linux.uidMappings = [{"containerID": 0, "hostID": 0, "size": 1}] | .linux.gidMappings = .linux.uidMappings'
	mkdir -p "$T/src/a b"
	mount_with /m bind "$T/src" bind
	# shellcheck disable=SC2016
	inner='mount -t tmpfs none "$1/src/a b" && "$BRYO" --root "$1/state" run -b "$2" box'
	refused 1 nested sh -c "$inner" sh "$T" "$BUNDLE"
	says "mount '/m'" "$T/src/a b" "rbind"
	lines_are 1
	config '.mounts[-1].options = ["rbind"]'
	args true
	nested sh -c "$inner" sh "$T" "$BUNDLE"
}

@test "row 19: devpts with a group that is not mapped works without it; other file systems refuse" {
	requires user
	make_bundle
	config '.linux.uidMappings = [{"containerID": 0, "hostID": $u, "size": 1}] |
		.linux.gidMappings = [{"containerID": 0, "hostID": $g, "size": 1}] |
		(.mounts[] | select(.destination == "/dev/pts")).options += ["gid=5"]' \
		--argjson u "$(id -u)" --argjson g "$(id -g)"
	runs grep ' /dev/pts ' /proc/self/mounts
	[[ $output != *gid=5* ]]
	# kernels differ in what they do with it, so the plan is asked too
	run bryo plan -b "$BUNDLE"
	has_line "dropped the option 'gid=5'"
	[ "$(grep -c gid=5 <<<"$output")" -eq 1 ]
	mount_with /m tmpfs tmpfs gid=5
	refuses "'/m'" "gid=5" "not mapped" "leave the option out"
}

@test "row 27: a mount point that is missing on a read-only file system: named, and why" {
	make_bundle
	mkdir "$T/ro"
	mount_with /opt bind "$T/ro" bind ro
	mount_with /opt/below tmpfs tmpfs
	refuses "mount '/opt/below'" "Read-only file system" "mount point is missing"
	[ -z "$(ls -A "$T/ro")" ]
}

# ------------------------------------------------------------------- what must just work

@test "row 17: sysfs without a network namespace is the host's, and nothing in it can be written" {
	requires user
	make_bundle
	config '.linux.namespaces |= map(select(.type != "network")) |
		.mounts |= (map(select(.destination | startswith("/sys") | not)) +
			[{"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": []}])'
	runs sh -c 'grep " /sys" /proc/self/mounts'
	[ -n "$output" ]
	[ -z "$(grep -v '[ ,]ro[, ]' <<<"$output")" ]
}

@test "a file over a directory, or the other way round, is told" {
	make_bundle
	mkdir "$BUNDLE/rootfs/dir"
	echo text >"$T/file"
	mount_with /dir bind "$T/file" bind
	refuses "mount '/dir'" "is a directory" "only on a directory"
	for type in tmpfs bind; do
		config '.mounts |= .[:-1]'
		mount_with /etc/passwd $type "$T" "${type/tmpfs/nosuid}"
		refuses "mount '/etc/passwd'" "Not a directory" "only on a directory"
	done
}

@test "row 24: state and temporary directories on noexec mounts do no harm" {
	requires userns-nested
	make_bundle
	args true
	mkdir "$T/noexec"
	config '.linux.namespaces |= (map(select(.type != "user")) + [{"type": "user"}]) |
		.linux.uidMappings = [{"containerID": 0, "hostID": 0, "size": 1}] | .linux.gidMappings = .linux.uidMappings'
	# shellcheck disable=SC2016
	nested sh -c 'mount -t tmpfs -o noexec,mode=700 none "$1/noexec" && cp "$BRYO" "$1/copy" &&
		TMPDIR=$1/noexec XDG_RUNTIME_DIR=$1/noexec HOME=$1/noexec "$1/copy" --root "$1/noexec/state" run -b "$2" box' \
		sh "$T" "$BUNDLE"
}

@test "row 26: the mode of a tmpfs: the one asked for, else that of the directory below" {
	make_bundle
	mkdir "$BUNDLE/rootfs/private"
	chmod 700 "$BUNDLE/rootfs/private"
	mount_with /a tmpfs tmpfs mode=1777
	mount_with /b tmpfs tmpfs mode=750
	mount_with /private tmpfs tmpfs nosuid
	mount_with /tmp tmpfs tmpfs
	mount_with /new/deep tmpfs tmpfs
	runs stat -c '%a %n' /a /b /private /tmp /new/deep /new /dev/shm /proc /dev/pts
	[ "$output" = "1777 /a
750 /b
700 /private
1777 /tmp
1777 /new/deep
755 /new
1777 /dev/shm
555 /proc
755 /dev/pts" ]
}

@test "row 28: absolute and dangling links in the image stay in the image" {
	make_bundle
	ln -s /etc/conf.d "$BUNDLE/rootfs/conf"
	mkdir "$BUNDLE/rootfs/etc/conf.d" "$T/src"
	touch "$T/src/here"
	mount_with /conf/sub bind "$T/src" bind
	runs ls /etc/conf.d/sub
	[ "$output" = here ]
	ln -s ../../../../../../var/lib "$BUNDLE/rootfs/dangling"
	mount_with /dangling/sub bind "$T/src" bind
	runs ls /var/lib/sub
	[ "$output" = here ]
	[ -d "$BUNDLE/rootfs/var/lib/sub" ]
	ln -s ../run/resolve/stub.conf "$BUNDLE/rootfs/etc/resolv.conf"
	echo nameserver >"$T/resolv"
	mount_with /etc/resolv.conf bind "$T/resolv" bind
	runs cat /run/resolve/stub.conf /etc/resolv.conf
	[ "$output" = "nameserver
nameserver" ]
	ln -s /loop/b "$BUNDLE/rootfs/loop"
	mount_with /loop/x bind "$T/src" bind
	refuses "/loop" "symbolic links"
}

@test "row 28: directories that are made below a setgid one inherit its group bit" {
	make_bundle
	mkdir "$BUNDLE/rootfs/team"
	chmod 2775 "$BUNDLE/rootfs/team"
	mount_with /team/a/b tmpfs tmpfs
	runs stat -c '%a' /team/a
	[ "$output" = 2755 ]
}

@test "row 21: a bundle and a source that only a supplementary group opens" {
	requires_test_user
	make_bundle
	args ls /m
	mkdir "$T/gate" "$T/gate/src"
	touch "$T/gate/src/here"
	mv "$BUNDLE/rootfs" "$T/gate/rootfs"
	# shellcheck disable=SC2016
	config '.root.path = "\($t)/gate/rootfs"' --arg t "$T"
	config '.linux.namespaces |= (map(select(.type != "user")) + [{"type": "user"}]) |
		.linux.uidMappings = [{"containerID": 0, "hostID": $u, "size": 1}] | .linux.gidMappings = [{"containerID": 0, "hostID": $g, "size": 1}]' \
		--argjson u "$(id -u "$BRYO_TEST_USER")" --argjson g "$(id -g "$BRYO_TEST_USER")"
	mkdir "$T/gate/rootfs/m"
	mount_with /m bind "$T/gate/src" bind
	chown -R "$BRYO_TEST_USER:" "$BUNDLE" "$T/gate/rootfs"
	chown root:54321 "$T/gate"
	chmod 750 "$T/gate"
	install -d -o "$BRYO_TEST_USER" -m 700 "$T/user"
	run setpriv --reuid "$BRYO_TEST_USER" --regid "$BRYO_TEST_USER" --groups 54321 \
		"$BRYO" --root "$T/user" run -b "$BUNDLE" "$ID" 3>&-
	[ "$status" -eq 0 ]
	[ "$output" = here ]
	run setpriv --reuid "$BRYO_TEST_USER" --regid "$BRYO_TEST_USER" --clear-groups \
		"$BRYO" --root "$T/user" run -b "$BUNDLE" "$ID" 3>&-
	[ "$status" -eq 1 ]
	has_line "search permission"
}

@test "row 22: search permission is enough on every directory above the bundle" {
	make_bundle
	mkdir "$T/up"
	mv "$BUNDLE" "$T/up/bundle"
	BUNDLE=$T/up/bundle
	args true
	chmod 111 "$T/up"
	bryo run -b "$BUNDLE" "$ID"
	chmod 755 "$T/up"
}

@test "row 23: a directory that may not be searched is named, and the permission that is missing" {
	[ ! -x /root ] || skip "needs a caller who may not search /root"
	make_bundle
	mount_with /m bind /root/src bind
	refuses "mount '/m'" /root/src "Permission denied" "search permission"
}

@test "row 23: what only the container's root may search, it opens" {
	requires subid
	make_bundle
	args ls /m
	mkdir -p "$T/closed/src/here"
	mv "$BUNDLE/rootfs" "$T/closed/rootfs"
	# shellcheck disable=SC2016
	config '.root.path = "\($t)/closed/rootfs"' --arg t "$T"
	mount_with /m bind "$T/closed/src" bind
	# a mode that the owner forbids himself, and an image of the container's own IDs
	chmod 0 "$T/closed"
	runs ls /m
	[ "$output" = here ]
	chmod 700 "$T/closed"
	unshare --user --map-root-user --map-auto chown 1:1 "$T/closed"
	runs ls /m
	[ "$output" = here ]
}

@test "row 23: what was opened before the one that only the container's root may search, stays no longer" {
	requires subid
	make_bundle
	mkdir -p "$T/closed/src" "$T/plain"
	mount_with /plain bind "$T/plain" bind
	mount_with /m bind "$T/closed/src" bind
	args true
	unshare --user --map-root-user --map-auto chown 1:1 "$T/closed"
	unshare --user --map-root-user --map-auto chmod 700 "$T/closed"
	create_container
	run ls -l "/proc/$(bryo state "$ID" | jq .pid)/fd"
	[ "$status" -eq 0 ]
	not has_line plain
}

@test "row 20: a strict umask of the caller changes nothing" {
	make_bundle
	args true
	run --separate-stderr sh -c 'umask 077; exec "$BRYO" --root "$1" run -b "$2" box' sh "$ROOT" "$BUNDLE"
	[ "$status" -eq 0 ]
	umask 077
	mount_with /made/here tmpfs tmpfs
	runs stat -c %a /made
	umask 022
	[ "$output" = 755 ]
}

@test "row 31: a sysctl of a namespace is set although /proc/sys is read-only inside" {
	make_bundle
	config '.linux.sysctl = {"kernel.msgmax": "1234"} | .linux.readonlyPaths = ["/proc/sys"]'
	runs cat /proc/sys/kernel/msgmax
	[ "$output" = 1234 ]
	config '.linux.sysctl = {"kernel.nosuch": "1"}'
	refuses "kernel.nosuch"
}

@test "row 70: the host's mounts are the same before, during and after" {
	make_bundle
	mount_with /m tmpfs tmpfs
	args sleep 100
	before=$(host_mounts)
	run_detached
	[ "$(host_mounts)" = "$before" ]
	bryo exec "$ID" true
	bryo delete --force "$ID"
	[ "$(host_mounts)" = "$before" ]
}
