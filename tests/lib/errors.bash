# shellcheck shell=bash disable=SC2154
# What a refused command owes its user, for the bats files that provoke refusals:
# `load ../lib/errors` after ../lib/bryo.
#
#	refused 1 bryo run -b "$BUNDLE" "$ID"
#	says "process.cwd" "not absolute"
#
# refused checks the exit code, that nothing was printed on stdout, and that neither files,
# mounts nor processes are left; says wants one line of stderr with all of the words.

# host_state: all that a command could leave behind. What is below a rootfs is left out: mount
# points are made there and stay, as with every runtime. Processes: those that were given a
# path of ours, and those whose mounts are ours.
host_state() {
	find "$T" -path "$T/*/rootfs" -prune -o -path "$ROOT/.seccomp" -prune -o \
		! -name '*.before' -printf '%y %m %p\n' 2>/dev/null | LC_ALL=C sort
	host_mounts
	# the pattern comes through stdin, so that grep does not find itself
	# shellcheck disable=SC2062
	grep -lasF -f - /proc/[0-9]*/cmdline <<<"$T" || true
	grep -lsF "${T##*/}/bundle" /proc/[0-9]*/mountinfo || true
}

# host_mounts: those on our paths, and on / itself; somebody else may mount elsewhere meanwhile
host_mounts() {
	awk -v ours="${T##*/}" '$5 == "/" || index($0, ours)' /proc/self/mountinfo
}

# refused STATUS COMMAND...
refused() {
	local want=$1 after

	shift
	host_state >"$T/host.before"
	run --separate-stderr "$@"
	after=$(host_state)
	if [ "$status" -ne "$want" ] || [ -n "$output" ]; then
		printf '%s: status %s instead of %s\nstdout: %s\nstderr: %s\n' "$*" "$status" "$want" "$output" "$stderr" >&2
		return 1
	fi
	if [ "$after" != "$(cat "$T/host.before")" ]; then
		echo "$*: left behind (>):" >&2
		diff "$T/host.before" - <<<"$after" >&2
		return 1
	fi
	well_worded
}

# One line is one violation, begins in lower case and blames nobody; no line comes twice.
well_worded() {
	if [ -z "$stderr" ] || grep -nE '^$|\b[Ff]ailed to\b|errno|Internal|^bryo: [A-Z][a-z]' <<<"$stderr" >&2 ||
		[ -n "$(sort <<<"$stderr" | uniq -d)" ]; then
		printf 'badly worded:\n%s\n' "$stderr" >&2
		return 1
	fi
}

# says WORDS...: one line of stderr holds all of them
says() {
	local line word

	while IFS= read -r line; do
		for word in "$@"; do
			[[ $line == *"$word"* ]] || continue 2
		done
		return 0
	done <<<"$stderr"
	printf 'no line with' >&2
	printf ' "%s"' "$@" >&2
	printf ' in:\n%s\n' "$stderr" >&2
	return 1
}

# lines_are N: stderr has so many
lines_are() {
	[ "$(grep -c '' <<<"$stderr")" -eq "$1" ] && return
	printf 'not %d lines:\n%s\n' "$1" "$stderr" >&2
	return 1
}

# refuses WORDS...: `run` of $BUNDLE does, in one line with all of the words
refuses() {
	refused 1 bryo run -b "$BUNDLE" "$ID" && says "$@" && lines_are 1
}

# find_deny: $DENY, the program of tests/lib/deny.c
find_deny() {
	DENY=${BRYO_BUILD:-.}/tests/lib/deny
	[ ! -x "$DENY" ] || return 0
	requires cmd:cc
	DENY=$T/deny
	cc -o "$DENY" "$BATS_TEST_DIRNAME/../lib/deny.c" 3>&-
}
