# shellcheck shell=bash disable=SC2015,SC2154
# Helpers for the bats files: `load ../lib/bryo`.
#
#	load ../lib/bryo
#	@test "run returns the exit code" {
#		make_bundle
#		config '.process.args = ["sh", "-c", "exit 7"]'
#		run bryo run -b "$BUNDLE" "$ID"
#		[ "$status" -eq 7 ]
#	}
#
# Each test has a directory of its own, $T, which is the only place it writes to; $ID is an id that
# nobody else uses; $ROOT is the state directory that bryo() names. The directory is 0711, so that
# subordinate IDs can pass through it and nobody can look into it.
#
# A container that outlives its command keeps the command's stdout open, and `run` then waits for
# it: start those with create_container or run_detached, whose output goes to $T/$ID.out.

if [ -z "${BRYO-}" ]; then
	for BRYO in "${BRYO_BUILD:-.}/bryo" "$BATS_TEST_DIRNAME/../../bryo" \
		"$BATS_TEST_DIRNAME/../../_build/bryo" "$(command -v bryo)"; do
		[ ! -f "$BRYO" ] || [ ! -x "$BRYO" ] || break
	done
	[ -x "$BRYO" ] || { echo "bryo is neither built nor in PATH; set BRYO" >&2; return 1; }
	BRYO=$(realpath "$BRYO")
fi
export BRYO
SESSION_RUNTIME_DIR=${SESSION_RUNTIME_DIR-${XDG_RUNTIME_DIR-}}

# setup and teardown of a file that defines none of its own
setup() { bryo_setup; }
teardown() { bryo_teardown; }

bryo_setup() {
	umask 022
	T=$(mktemp -d "${BRYO_TEST_TMP:-/tmp}/bryo-test.XXXXXX")
	chmod 711 "$T"
	ID=t${T##*.}
	ROOT=$T/state
	BUNDLE=$T/bundle
	mkdir -m 700 "$ROOT" "$T/run" "$T/cache" "$T/home"
	# the caches and default directories of bryo are below $T too
	export XDG_RUNTIME_DIR=$T/run XDG_CACHE_HOME=$T/cache TMPDIR=$T
	cd "$T" || return
}

bryo_teardown() {
	cd /
	remove_containers
	remove_tree "$T"
}

# bryo ARG...: with this test's state directory, and not for ever. Descriptor 3 is bats' own.
bryo() {
	timeout --foreground -k 5 "${BRYO_TIMEOUT:-60}" "$BRYO" --root "$ROOT" "$@" 3>&-
}

# make_rootfs DIR: busybox with its applets
make_rootfs() {
	local box=${BUSYBOX:-$(command -v busybox)}

	[ -n "$box" ] || { skip "needs busybox (Debian: apt-get install busybox-static)"; }
	mkdir -p "$1"/{bin,dev,etc,proc,root,sys,tmp}
	chmod 1777 "$1/tmp"
	cp "$box" "$1/bin/busybox"
	"$1/bin/busybox" --install "$1/bin"
	printf '%s\n' root:x:0:0:root:/root:/bin/sh user:x:1000:1000::/tmp:/bin/sh >"$1/etc/passwd"
	printf '%s\n' root:x:0: user:x:1000: >"$1/etc/group"
}

# make_bundle [busybox|empty] [SPEC OPTION...]: $BUNDLE with a rootfs and what `bryo spec` writes,
# without a terminal
make_bundle() {
	local kind=${1:-busybox}

	[ $# -eq 0 ] || shift
	mkdir -p "$BUNDLE/rootfs"
	[ "$kind" != busybox ] || make_rootfs "$BUNDLE/rootfs"
	rm -f "$BUNDLE/config.json"
	(cd "$BUNDLE" && "$BRYO" spec "$@" 3>&-) || return
	config '.process.terminal = false | del(.process.consoleSize)'
}

# config FILTER [JQ OPTION...]: edits $BUNDLE/config.json
config() {
	local filter=$1

	shift
	jq "$filter" "$@" <"$BUNDLE/config.json" >"$BUNDLE/config.new" &&
		mv "$BUNDLE/config.new" "$BUNDLE/config.json"
}

# args WORD...: what the container runs
args() {
	# shellcheck disable=SC2016
	config '.process.args = $ARGS.positional' --args -- "$@"
}

# create_container [ID] [OPTION...], run_detached [ID] [OPTION...]: see the top
create_container() { detached_ create "$@"; }
run_detached() { detached_ run --detach "$@"; }

detached_() {
	local verb=("$1") id

	shift
	if [ "${1-}" = --detach ]; then
		verb+=("$1")
		shift
	fi
	id=${1:-$ID}
	[ $# -eq 0 ] || shift
	bryo "${verb[@]}" -b "$BUNDLE" "$@" "$id" </dev/null >"$T/$id.out" 2>"$T/$id.err" ||
		{ local rc=$?; cat "$T/$id.err" >&2; return $rc; }
}

# state_of [ID]: the status word
state_of() { bryo state "${1:-$ID}" | jq -r .status; }

# wait_for SECONDS COMMAND...: until it succeeds
wait_for() {
	local end=$((SECONDS + $1))

	shift
	until "$@" >/dev/null 2>&1; do
		if [ $SECONDS -gt $end ]; then
			echo "still not: $*" >&2
			return 1
		fi
		sleep 0.05
	done
}

wait_for_status() { # wait_for_status STATUS [ID]
	wait_for 10 eval "[ \"\$(state_of ${2:-$ID})\" = $1 ]"
}

remove_containers() {
	local id

	[ -d "${ROOT-}" ] || return 0
	for id in $(bryo list --quiet 2>/dev/null); do
		bryo delete --force "$id" || true
	done
}

# remove_tree DIR: also where subordinate IDs own files in it
remove_tree() {
	[ -n "$1" ] && [ -e "$1" ] || return 0
	rm -rf "$1" 2>/dev/null && return
	chmod -R u+rwX "$1" 2>/dev/null
	rm -rf "$1" 2>/dev/null && return
	unshare --user --map-root-user --map-auto -- rm -rf "$1"
}

in_initial_userns() {
	local in out n

	read -r in out n </proc/self/uid_map && [ "$in $out $n" = "0 0 4294967295" ]
}

has_subids() {
	local f

	command -v newuidmap >/dev/null && command -v newgidmap >/dev/null || return
	for f in /etc/subuid /etc/subgid; do
		grep -qE "^($(id -un)|$(id -u)):[0-9]+:[0-9]{4,}" "$f" 2>/dev/null || return
	done
	unshare --user --map-root-user --map-auto true 2>/dev/null
}

# requires WHAT...: skips the test, aloud, where the machine lacks it
#	root          root of the machine, not of a user namespace
#	user          not root of the machine
#	userns        may make user namespaces
#	userns-nested may make one in another
#	subid         owns subordinate IDs and may map them
#	systemd       a user manager answers
#	cgroup2       the unified hierarchy is the only one
#	seccomp       bryo was built with system call filters
#	bundle        bryo was built with libarchive
#	cmd:NAME      a program
requires() {
	local what

	for what in "$@"; do
		case $what in
		root) [ "$(id -u)" = 0 ] && in_initial_userns ||
			skip "needs root: the caller is $(id -un)$(in_initial_userns || echo ' in a user namespace')" ;;
		user) [ "$(id -u)" != 0 ] || ! in_initial_userns || skip "needs user: the caller is root" ;;
		userns) unshare --user true 2>/dev/null ||
			skip "needs userns: this machine does not let $(id -un) make user namespaces" ;;
		userns-nested) unshare --user --map-root-user unshare --user true 2>/dev/null ||
			skip "needs userns-nested: no user namespace within another here" ;;
		subid) has_subids || skip "needs subid: $(id -un) has no subordinate IDs that can be mapped here" ;;
		systemd) [ -d /run/systemd/system ] &&
			XDG_RUNTIME_DIR=$SESSION_RUNTIME_DIR systemctl --user show-environment >/dev/null 2>&1 ||
			skip "needs systemd: no user manager answers here" ;;
		cgroup2) [ "$(stat -f -c %T /sys/fs/cgroup 2>/dev/null)" = cgroup2fs ] ||
			skip "needs cgroup2: /sys/fs/cgroup is not the unified hierarchy alone" ;;
		seccomp) "$BRYO" --version | grep -q '+SECCOMP' ||
			skip "needs seccomp: bryo was built without" ;;
		bundle) [ -x "${BRYO%/*}/helpers/bryo-unpack" ] || [ -x "${BRYO%/bin/*}/libexec/bryo/bryo-unpack" ] ||
			skip "needs bundle: bryo was built without libarchive" ;;
		cmd:*) command -v "${what#cmd:}" >/dev/null || skip "needs ${what#cmd:}: it is not installed" ;;
		*) echo "requires: '$what' is unknown" >&2; return 1 ;;
		esac
	done
}

# as_user COMMAND...: as an ordinary user, $BRYO_TEST_USER, from a test that requires root.
# In a login's place: no groups but its own, its own home.
as_user() {
	local home

	home=$(getent passwd "$BRYO_TEST_USER" | cut -d: -f6)
	setpriv --reuid "$BRYO_TEST_USER" --regid "$BRYO_TEST_USER" --init-groups --reset-env \
		env HOME="$home" PATH="$PATH" BRYO="$BRYO" "$@" 3>&-
}

requires_test_user() {
	requires root
	[ -n "${BRYO_TEST_USER-}" ] && id "$BRYO_TEST_USER" >/dev/null 2>&1 ||
		skip "needs a user: BRYO_TEST_USER names no ordinary user"
}

# ends_with STATUS: the last background job, soon
ends_with() {
	local job=$! status=0

	wait_for 10 not kill -0 $job || kill -KILL $job
	wait $job || status=$?
	[ "$status" -eq "$1" ] || { echo "exit code $status, not $1" >&2; return 1; }
}

# not COMMAND...: it fails. (bash does not end a test at `! COMMAND`.)
not() {
	if "$@"; then
		echo "unexpected: $*" >&2
		return 1
	fi
}

# has_line TEXT: $output of `run` contains it; prints the output where it does not
has_line() {
	grep -qF -- "$1" <<<"$output" && return
	printf 'no "%s" in:\n%s\n' "$1" "$output" >&2
	return 1
}
