# shellcheck shell=bash disable=SC2154
# For the tests of bryo doctor: a report, what it says of a check, and machines that are broken in
# namespaces of the test's own.

# doctor [OPTION...]: the JSON report is in $T/report, the exit code in $status
doctor() {
	run --separate-stderr bryo doctor --json "$@"
	kept_
}

# facts FILTER: of a faked host
facts() {
	jq -n "$1" >"$T/host.json"
	doctor --host "$T/host.json"
}

# broken SCRIPT [OPTION...]: where SCRIPT was run first, as root of a user namespace with its own
# mounts, network and cgroup namespace. $$ there is the pid of bryo.
broken() {
	local script=$1

	shift
	requires userns
	# shellcheck disable=SC2016
	run --separate-stderr timeout -k 5 30 unshare --map-root-user --mount --net --cgroup -- \
		sh -ec "$script"'
		exec "$BRYO" --root "$ROOT" doctor --json "$@"' sh "$@" 3>&-
	kept_
}

kept_() {
	[ "$status" -le 1 ] || { echo "exit code $status: $stderr" >&2; return 1; }
	printf '%s\n' "$output" >"$T/report"
}

# check NAME STATUS [TEXT...]: what the report says of it; the texts are in why or remedy
check() {
	local line text

	line=$(jq -r --arg n "$1" '.checks[] | select(.name == $n) | "\(.status): \(.why) -> \(.remedy)"' "$T/report")
	[[ $line == "$2: "* ]] || { echo "$1: not $2: ${line:-no such check}" >&2; return 1; }
	shift 2
	for text; do
		[[ $line == *"$text"* ]] || { echo "no '$text' in: $line" >&2; return 1; }
	done
}

# under COMMAND...: doctor started by it
under() {
	run --separate-stderr timeout -k 5 30 "$@" "$BRYO" --root "$ROOT" doctor --json 3>&-
	kept_
}

requires_file() {
	local f

	for f; do
		[ -e "$f" ] || skip "needs $f: nothing can be mounted over it"
	done
}

# Where tests run in a container whose /proc is covered in part, no new one can be had.
has_new_proc() { unshare --map-root-user --pid --fork --mount-proc true 2>/dev/null; }
