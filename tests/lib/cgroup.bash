# shellcheck shell=bash disable=SC2016,SC2034,SC2154
# Cgroups for tests: `load ../lib/cgroup` after ../lib/bryo, `cgroup_view` in setup_file and
# `cgroup_setup` in setup.
#
# Where /sys/fs/cgroup is cgroup v2 it is used as it is. On another host root gets a mount
# namespace in which it is, for the tests of this file alone: there cgroups can be made, frozen and
# killed, but memory, cpu and pids are not to be had. What needs them says `requires controller:NAME`
# and runs in the guests.

is_v2() { [ "$(stat -fc %T /sys/fs/cgroup 2>/dev/null)" = cgroup2fs ]; }

# cgroup_view: a process that holds the view, $VIEW; nothing where none is needed or possible
cgroup_view() {
	export VIEW=
	is_v2 && return 0
	[ "$(id -u)" = 0 ] && in_initial_userns || return 0
	unshare --mount --propagation private bash -c '
		umount -R /sys/fs/cgroup 2>/dev/null
		mount -t cgroup2 cgroup2 /sys/fs/cgroup && exec sleep 900' </dev/null >/dev/null 2>&1 3>&- &
	VIEW=$!
	wait_for 10 view_is_there
}

view_is_there() { [ "$(nsenter --target "$VIEW" --mount stat -fc %T /sys/fs/cgroup 2>/dev/null)" = cgroup2fs ]; }

cgroup_view_end() { [ -z "${VIEW-}" ] || kill "$VIEW"; }

# inside the view
seen() {
	if [ -n "${VIEW-}" ]; then
		nsenter --target "$VIEW" --mount --wd="$PWD" -- "$@"
	else
		"$@"
	fi
}

# cgroup_setup: bryo sees the view; skips where there is no cgroup v2
cgroup_setup() {
	bryo_setup
	is_v2 || [ -n "${VIEW-}" ] || skip "needs cgroup v2 on /sys/fs/cgroup, or root"
	REAL=$BRYO
	[ -n "${VIEW-}" ] || return 0
	printf '#!/bin/bash\nexec nsenter --target %q --mount --wd="$PWD" -- %q "$@"\n' "$VIEW" "$REAL" >"$T/bryo"
	chmod 755 "$T/bryo"
	BRYO=$T/bryo
}

cgroup_teardown() {
	bryo_teardown
	[ -z "${REAL-}" ] || BRYO=$REAL
}

# cgroup_of [ID]: its path below /sys/fs/cgroup; backend_of [ID]
cgroup_of() { jq -r .cgroup "$ROOT/${1:-$ID}/record.json"; }
backend_of() { jq -r .cgroupBackend "$ROOT/${1:-$ID}/record.json"; }

# file NAME [ID]: a file of the container's cgroup
file() { seen cat "/sys/fs/cgroup$(cgroup_of "${2:-$ID}")/$1"; }

has_cgroup() { seen test -d "/sys/fs/cgroup$1"; }
has_no_cgroup() { not has_cgroup "$1"; }

# requires_backend: skips where the caller gets no cgroup
requires_backend() {
	make_bundle
	[ "$(bryo plan --format json -b "$BUNDLE" x | jq -r .cgroup.backend)" != none ] ||
		skip "needs a cgroup of the container's own: root, a delegated cgroup, or a user bus"
}

# requires_controller NAME: skips where a container's cgroup does not get it
requires_controller() {
	requires_backend
	if [ "$(id -u)" = 0 ]; then
		grep -qw "$1" <(seen cat /sys/fs/cgroup/cgroup.controllers) || skip "needs the controller $1 on v2"
	else
		grep -qw "$1" "/sys/fs/cgroup/user.slice/user-$(id -u).slice/user@$(id -u).service/cgroup.controllers" ||
			skip "needs the controller $1 delegated to the user"
	fi
}

# ------------------------------------------------------------- where systemd is (tests/guest)

unit_of() { jq -r '.cgroupUnit // ""' "$ROOT/${1:-$ID}/record.json"; }

# sctl ARG...: systemctl of the manager that bryo asks for scopes
sctl() {
	if [ "$(id -u)" = 0 ]; then
		systemctl "$@"
	else
		XDG_RUNTIME_DIR=$SESSION_RUNTIME_DIR systemctl --user "$@"
	fi
}

# property NAME [ID]: of the container's scope
property() { sctl show -p "$1" --value "$(unit_of "${2:-$ID}")"; }

# no_unit NAME: it is not even there as failed
no_unit() { [ "$(sctl show -p LoadState --value "$1")" = not-found ]; }

# manager_answers: on the bus. It is started by who first connects, and systemd comes to it later.
manager_answers() {
	busctl --timeout=5 "$([ "$(id -u)" = 0 ] && echo --system || echo --user)" call org.freedesktop.systemd1 \
		/org/freedesktop/systemd1 org.freedesktop.DBus.Peer Ping
}

# has_controller NAME: a container gets it; requires_controller as a question, whatever the backend
has_controller() {
	local where

	if [ "$(id -u)" = 0 ]; then
		where=/sys/fs/cgroup
	else
		where=/sys/fs/cgroup/user.slice/user-$(id -u).slice/user@$(id -u).service
	fi
	grep -qw "$1" "$where/cgroup.controllers"
}

# usage: CPU time of the container in us
usage() { file cpu.stat "$@" | sed -n 's/^usage_usec //p'; }

# events_looks: `bryo events --interval 1h $ID` does already, and waits. What comes before that is not told.
# shellcheck disable=SC2010
events_looks() {
	local pid

	pid=$(pgrep -fn "[b]ryo .*events --interval 1h $ID") &&
		ls -l "/proc/$pid/fd" | grep -q inotify && grep -q '^State:.S' "/proc/$pid/status"
}

# a throw-away guest: what a test does to the machine there harms nobody
requires_guest() {
	[ -n "${BRYO_IN_GUEST-}" ] && sudo -n true 2>/dev/null ||
		skip "needs a throw-away guest (BRYO_IN_GUEST) with sudo: it changes the machine"
}
