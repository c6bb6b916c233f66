#!/usr/bin/env bats
# bryo bundle: from archives, directories and images to something that runs.
# shellcheck disable=SC2030,SC2031

load ../lib/bryo

setup() {
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
	has_line "usermod --add-subuids"
	has_line --squash
	[ ! -e "$T/b" ]
	[ -z "$(find "$T" -maxdepth 1 -name '.b.bryo-*')" ]
	bryo bundle --idmap single --squash "$T/a.tar" "$T/b"
	run_bundle "$T/b" stat -c %u:%g /etc/passwd
	[ "$output" = 0:0 ]
}
