# shellcheck shell=bash disable=SC2154
# For the bats files of tests/security: `load ../lib/security` after ../lib/bryo.
#
# A canary is a tree of the host that an image points at. It belongs to whoever runs the test, so
# that nothing but the runtime's care protects it; canary_same compares every name, inode, owner,
# mode, time and byte of it with what it was.

# insider: the hostile program (insider.c) as $INSIDER, static because images have no libraries; what
# make check has built is linked as the rest is, and serves only where that is so
insider() {
	INSIDER=${BRYO_BUILD:-$BATS_TEST_DIRNAME/../..}/tests/lib/insider
	[ -x "$INSIDER" ] && ! ldd "$INSIDER" >/dev/null 2>&1 && return
	INSIDER=$BATS_FILE_TMPDIR/insider
	[ -x "$INSIDER" ] ||
		${CC:-cc} -D_GNU_SOURCE -O1 -static -o "$INSIDER" "$BATS_TEST_DIRNAME/../lib/insider.c"
}

# insider_bundle [SPEC OPTION...]: a bundle whose image has busybox and /bin/insider
insider_bundle() {
	insider
	make_bundle busybox "$@"
	config '.root.readonly = false'
	cp "$INSIDER" "$BUNDLE/rootfs/bin/insider"
}

canary_make() {
	CANARY=$T/canary
	mkdir -p "$CANARY"/{dir,pts,shm,mqueue,fd}
	local f

	for f in file null zero full random urandom tty console ptmx stdin stdout stderr pts/ptmx pts/0; do
		echo "canary $f" >"$CANARY/$f"
	done
	printf 'root:x:0:0::/leak:/bin/sh\n' >"$CANARY/passwd"
	canary_state >"$T/canary.before"
}

canary_state() {
	find "$CANARY" -printf '%p %y %i %m %U:%G %s %T@ %C@ %l\n' | LC_ALL=C sort
	find "$CANARY" -type f -exec sha256sum {} + | LC_ALL=C sort
}

canary_same() {
	canary_state | diff "$T/canary.before" - >&2
}

# links_to PATH: an absolute link to it, and one that climbs out of any depth
links_to() {
	printf '%s\n' "$1" "../../../../../../../../../../../..$1"
}

# without_mount DESTINATION...
without_mount() {
	local d

	for d in "$@"; do
		# shellcheck disable=SC2016
		config '.mounts |= map(select(.destination != $d))' --arg d "$d"
	done
}

# both_ways: run, then create and start; $statuses holds how each ended, $T/both what was said
both_ways() {
	local rc

	statuses=
	rc=0
	bryo run -b "$BUNDLE" "$ID" </dev/null >"$T/both" 2>&1 || rc=$?
	statuses+=$rc
	rc=0
	bryo create -b "$BUNDLE" "c$ID" </dev/null >>"$T/both" 2>&1 || rc=$?
	if [ $rc -eq 0 ]; then
		bryo start "c$ID" >>"$T/both" 2>&1 || rc=$?
		wait_for 10 eval "[ \"\$(state_of c$ID)\" = stopped ]"
	fi
	statuses+=" $rc"
	bryo delete --force "c$ID"
	[[ $statuses != *124* && $statuses != *137* ]] || { echo "hung: $statuses" >&2; return 1; }
}

# both_refused TEXT: both ways failed with TEXT
both_refused() {
	both_ways
	[ "$statuses" = "1 1" ] && [ "$(grep -cF -- "$1" "$T/both")" -eq 2 ] && return
	echo "statuses $statuses, wanted \"$1\" twice in:" >&2
	cat "$T/both" >&2
	return 1
}

# fact NAME: the rest of the line of `insider report` in $output
fact() { sed -n "s/^$1 //p" <<<"$output"; }
