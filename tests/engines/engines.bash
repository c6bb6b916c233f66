# shellcheck shell=bash disable=SC2034,SC2154
# A world of its own for engines, which expect to own the machine: `load engines` after ../lib/bryo.
#
# The file's setup_file calls world_start, which needs root: private mount, pid, network, IPC, UTS
# and cgroup namespaces, in which
#	- cgroup v2 is the only hierarchy, and the engine in a child of its root, as on a machine
#	  with systemd: containerd's shim crashes on a container in the root cgroup, and Podman wants
#	  to delegate controllers to the root's children, which the kernel denies where it has processes;
#	- /run is empty, and /etc/containers is a copy with rootless/containers.conf.d/bryo.conf;
#	- the first process reaps what daemons leave, and its end ends everything.
# $W is the directory of it all; $W/root and $W/user are the homes of root and of $BRYO_TEST_USER.
# `inside root|user COMMAND...` runs something there.

world_start() {
	local part

	export W
	[ "$(id -u)" = 0 ] && in_initial_userns || return 0
	W=$(mktemp -d "${BRYO_TEST_TMP:-/tmp}/bryo-engines.XXXXXX")
	chmod 755 "$W"
	mkdir -m 755 "$W/bin" "$W/cgroup"
	install -m 755 "$BRYO" "$W/bin/bryo"
	install -m 755 -D -t "$W/bin/helpers" "${BRYO%/*}/helpers/bryo-"{init,keeper}
	for part in user root; do
		mkdir -m 700 "$W/$part"{,/run,/tmp,/net}
	done
	[ -z "${BRYO_TEST_USER-}" ] || chown -R "$BRYO_TEST_USER:" "$W/user"
	if [ -d /etc/containers ]; then
		cp -a /etc/containers "$W/containers"
		mkdir -p "$W/containers/containers.conf.d"
		cp "$BATS_TEST_DIRNAME/../../rootless/containers.conf.d/bryo.conf" "$W/containers/containers.conf.d/"
	fi
	make_rootfs "$W/image"
	tar -C "$W/image" -cf "$W/image.tar" .
	write_world >"$W/bin/world"
	write_inside >"$W/bin/inside"
	chmod 755 "$W/bin/world" "$W/bin/inside"
	unshare --mount --propagation private bash "$W/bin/world" outer </dev/null >"$W/world.log" 2>&1 3>&- &
	echo $! >"$W/pid"
	wait_for 10 test -s "$W/init"
}

# outer: in a cgroup of its own; inner: the first process
write_world() {
	cat <<-EOF
		set -eu
		W=$W
	EOF
	cat <<-'EOF'
		if [ "$1" = outer ]; then
			mount -t cgroup2 cgroup2 "$W/cgroup"
			mine=$W/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)/${W##*/}
			mkdir "$mine" "$mine/engine"
			echo $$ >"$mine/cgroup.procs"
			exec unshare --cgroup --pid --net --ipc --uts --fork --kill-child bash "$W/bin/world" inner
		fi
		umount "$W/cgroup"
		mount -t proc proc /proc
		umount -R /sys/fs/cgroup || true
		mount -t sysfs sysfs /sys
		mount -t cgroup2 cgroup2 /sys/fs/cgroup
		echo $$ >/sys/fs/cgroup/engine/cgroup.procs
		mount -t tmpfs -o mode=755 tmpfs /run
		[ ! -d "$W/containers" ] || mount --bind "$W/containers" /etc/containers
		mount --make-rshared /
		ip link set lo up
		driver=vfs
		mkdir -p "$W/try/"{lower,upper,work,merged}
		if mount -t overlay -o "lowerdir=$W/try/lower,upperdir=$W/try/upper,workdir=$W/try/work" try "$W/try/merged"; then
			umount "$W/try/merged"
			driver=overlay
		fi
		echo $driver >"$W/driver"
		echo ready >"$W/init"
		# not for ever, should whoever ends us be killed; bash reaps whatever it is given meanwhile
		sleep 900 &
		wait $!
	EOF
}

# A program, because expect(1) wants one: inside root|user COMMAND...
write_inside() {
	cat <<-EOF
		#!/bin/bash
		W=$W user=${BRYO_TEST_USER-}
	EOF
	cat <<-'EOF'
		who=$1
		shift
		first=$(pgrep -P "$(cat "$W/pid")")
		as=()
		[ "$who" = root ] || as=(setpriv --reuid "$user" --regid "$user" --init-groups)
		as+=(env -i TERM=xterm PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
			HOME="$W/$who" XDG_RUNTIME_DIR="$W/$who/run" TMPDIR="$W/$who/tmp")
		# nsenter changes the view of cgroups, not the cgroup
		enter='echo $$ >/sys/fs/cgroup/engine/cgroup.procs && exec "$@"'
		exec timeout --foreground -k 5 "${INSIDE_LIMIT:-60}" \
			nsenter --target "$first" --mount --pid --net --ipc --uts --cgroup --wd="$W/$who" \
			sh -c "$enter" sh "${as[@]}" "$@" 3>&-
	EOF
}

inside() { "$W/bin/inside" "$@"; }

world_end() {
	[ -n "${W-}" ] && [ -d "$W" ] || return 0
	# unshare ignores SIGTERM; the first process dies with it, and all others with that
	kill -KILL "$(cat "$W/pid")" || true
	wait_for 10 rm -rf --one-file-system "$W/root" "$W/user" "$W/containerd"
	# shellcheck disable=SC2016
	unshare --mount --propagation private bash -c 'mount -t cgroup2 cgroup2 "$1/cgroup"
		top=$1/cgroup$(sed -n "s/^0:://p" /proc/self/cgroup)/${1##*/}
		for try in 1 2 3 4 5 6 7 8 9; do
			find "$top" -depth -type d -exec rmdir {} + && exit
			sleep 0.2
		done' bash "$W" 2>"$W/rmdir.log" || cat "$W/rmdir.log" >&2
	rm -rf --one-file-system "$W"
}

# What runs at a terminal: engines set its size after the start, so it is waited for.
AT_TERMINAL='tty; until [ "$(stty size)" = "33 99" ]; do sleep 0.1; done; stty size; read a; echo "got <$a>"; exit 5'

# typed WORDS COMMAND...: COMMAND, which runs AT_TERMINAL in a container, at a terminal of 33 rows
# and 99 columns; WORDS are typed when the size has been said
typed() {
	expect -f "$BATS_TEST_DIRNAME/../lib/typed.exp" "33 99" "$@" 3>&-
}
