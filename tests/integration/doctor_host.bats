#!/usr/bin/env bats
# bryo doctor: the checks of directories, cgroups, session, network, limits and bryo's own file, each
# seen both ways: what it looks at is broken or faked, in namespaces of the test's own.

bats_require_minimum_version 1.5.0
load ../lib/bryo
load ../lib/doctor

setup() {
	bryo_setup
	export T ROOT
	export HOME=$T/home
}

# ------------------------------------------------------------------------------ directories

@test "path: an ordinary directory" {
	broken 'mkdir $T/m; mount -t tmpfs none $T/m' --path "$T/home"
	check path.write ok "$T/home"
	check path.exec ok
	check path.suid ok
	check storage.write ok
	check storage.exec ok
	check storage.suid ok
}

@test "path.exec and path.suid: the mount is named, with the command that changes it" {
	broken 'mkdir $T/m; mount -t tmpfs -o noexec,nosuid none $T/m; mkdir $T/m/deep' --path "$T/m/deep"
	check path.exec missing "$T/m is mounted noexec" "mount -o remount,exec $T/m "
	check path.suid degraded "$T/m is mounted nosuid" "mount -o remount,suid $T/m "
	check storage.exec ok
	broken 'mkdir $T/n; mount -t tmpfs -o noexec,nosuid none $T/n; export HOME=$T/n'
	check path.exec missing "$T/n is"
	check storage.exec missing "$T/n is"
	check storage.suid degraded
}

@test "path.write: read-only, and somebody else's" {
	broken 'mkdir $T/m; mount -t tmpfs -o ro none $T/m' --path "$T/m"
	check path.write degraded "Read-only file system" "mount -o remount,rw $T/m"
	requires user
	doctor --path /
	check path.write degraded "Permission denied" "--path"
	check path.overlay degraded "not tried"
}

@test "path.xattr: a file system without user xattrs" {
	broken 'mkdir $T/m; mount -t ramfs none $T/m; export HOME=$T/m' --path "$T/m"
	check path.xattr degraded "$T/m has no user xattrs" ext4
	check storage.xattr degraded
	setfattr -n user.x -v 1 "$T/home" 2>/dev/null || touch "$T/no"
	doctor --path "$T/home"
	if [ -e "$T/no" ]; then
		command -v setfattr || skip "needs setfattr"
		check path.xattr degraded
	else
		check path.xattr ok
	fi
}

@test "path.type and path.overlay: an overlay holds no overlay's changes" {
	requires userns
	broken 'mkdir $T/m; mount -t tmpfs none $T/m; mkdir $T/m/l $T/m/u $T/m/w $T/m/o
		mount -t overlay -o lowerdir=$T/m/l,upperdir=$T/m/u,workdir=$T/m/w,userxattr none $T/m/o || exit 77' --path "$T/m/o" ||
		{ [ "$status" -eq 77 ] && skip "needs overlay in user namespaces"; }
	check path.type degraded "$T/m/o is on an overlay" "--idmap single"
	if [ -w /dev/fuse ]; then
		check path.overlay degraded "$T/m/o" fuse-overlayfs
	else
		check path.overlay missing "$T/m/o" fuse-overlayfs
	fi
	mkdir -p "$T/home/.doctor.bryo-0123abcd/upper/dir" # of one that was killed
	doctor --path "$T/home"
	check path.overlay ok "$T/home"
	check storage.overlay ok
	[ -z "$(find "$T/home" -name '.doctor.*')" ]
}

@test "path.type: FUSE" {
	requires cmd:fuse-overlayfs
	[ -w /dev/fuse ] || skip "needs /dev/fuse"
	# shellcheck disable=SC2016
	broken 'mkdir $T/m; mount -t tmpfs none $T/m; mkdir $T/m/l $T/m/u $T/m/w $T/m/o
		fuse-overlayfs -f -o lowerdir=$T/m/l,upperdir=$T/m/u,workdir=$T/m/w $T/m/o >/dev/null 2>&1 &
		echo $! >$T/pid; n=0; until grep -q "$T/m/o " /proc/self/mountinfo; do n=$((n + 1)); [ $n -lt 100 ]; sleep 0.05; done' \
		--path "$T/m/o"
	kill "$(cat "$T/pid")"
	check path.type degraded "$T/m/o is on FUSE" allow_other "--idmap single"
}

@test "path and storage: a file system whose server does not answer is told, and holds nobody up" {
	requires cmd:fuse-overlayfs
	[ -w /dev/fuse ] || skip "needs /dev/fuse"
	# shellcheck disable=SC2016
	broken 'mkdir $T/m; mount -t tmpfs none $T/m; mkdir $T/m/l $T/m/u $T/m/w $T/m/o
		fuse-overlayfs -f -o lowerdir=$T/m/l,upperdir=$T/m/u,workdir=$T/m/w $T/m/o >/dev/null 2>&1 &
		echo $! >$T/pid; n=0; until grep -q "$T/m/o " /proc/self/mountinfo; do n=$((n + 1)); [ $n -lt 100 ]; sleep 0.05; done
		kill -STOP $(cat $T/pid); (sleep 20; kill -KILL $(cat $T/pid)) >/dev/null 2>&1 3>&- &
		export HOME=$T/m/o/home' --path "$T/m/o" --for podman
	kill -KILL "$(cat "$T/pid")"
	check path.type missing "$T/m/o does not answer" "umount -l $T/m/o"
	check storage.type missing "$T/m/o/home/.local/share/containers/storage does not answer" "umount -l $T/m/o"
	for name in write exec suid xattr overlay; do
		check path.$name degraded "see path.type"
		check storage.$name degraded "see storage.type"
	done
	check state.dir ok
}

@test "state.dir: one that would be refused is missing, with the remedy" {
	doctor
	check state.dir ok "$ROOT"
	mkdir -m 777 "$T/open"
	chmod 777 "$T/open"
	run --separate-stderr "$BRYO" --root "$T/open" doctor --json
	kept_
	check state.dir missing "mode 0777" "chmod o-w"
	ln -s nowhere "$T/run/bryo"
	requires user
	run --separate-stderr "$BRYO" doctor --json
	kept_
	check state.dir missing "not a link"
}

@test "state.durable: below /run/user without lingering, in /tmp, elsewhere" {
	local aged session='mount -t tmpfs none /run; mkdir -p /run/user/0; chmod 700 /run/user/0; unset XDG_RUNTIME_DIR'

	ROOT=/run/x broken "$session"
	check state.durable ok "/run/x stays"
	ROOT=/run/user/0/bryo broken "$session"
	check state.durable degraded "last session" "loginctl enable-linger root"
	ROOT=/run/user/0/bryo broken "$session; mount -t tmpfs none /var/lib; mkdir -p /var/lib/systemd/linger; : >/var/lib/systemd/linger/root"
	check state.durable ok
	ROOT=/tmp/none-$ID broken "$session; mkdir -p /run/systemd/system"
	check state.durable degraded "no XDG_RUNTIME_DIR" "loginctl enable-linger root" XDG_RUNTIME_DIR=/run/user/0
	ROOT=/tmp/none-$ID broken "$session"
	check state.durable degraded "no XDG_RUNTIME_DIR" "-> null"
	# not one that is mounted over /var/tmp: bryo itself may be there
	aged=$(mktemp -d /var/tmp/bryo-test.XXXXXX)
	ROOT=$aged
	broken :
	rmdir "$aged"
	check state.durable degraded "systemd-tmpfiles" "chmod +t $aged"
}

# ---------------------------------------------------------------------------------- cgroups

@test "cgroup.version: v2 or nothing" {
	facts '{}'
	check cgroup.version ok
	for kind in none v1 hybrid; do
		facts "{\"cgroup\": \"$kind\"}"
		check cgroup.version missing "without limits"
		check cgroup.place missing "see cgroup.version"
		check cgroup.memory missing
		[ "$status" -eq 1 ]
	done
	facts '{"cgroup": "v1"}'
	check cgroup.version missing systemd.unified_cgroup_hierarchy=1
	broken 'printf "ID=fedora\n" >$T/os; mount --bind $T/os /etc/os-release; mount -t tmpfs none /sys/fs/cgroup
		mkdir /sys/fs/cgroup/unified; mount -t cgroup2 none /sys/fs/cgroup/unified'
	check cgroup.version missing "v1 and v2 mixed" "grubby --update-kernel=ALL"
	for os in "debian:update-grub" "opensuse-leap:grub2-mkconfig -o /boot/grub2/grub.cfg" \
		"arch:grub-mkconfig -o /boot/grub/grub.cfg" 'alpine:rc_cgroup_mode="unified" in /etc/rc.conf'; do
		OS=${os%%:*} broken 'echo "ID=$OS" >$T/os; mount --bind $T/os /etc/os-release; mount -t tmpfs none /sys/fs/cgroup
			mkdir /sys/fs/cgroup/unified; mount -t cgroup2 none /sys/fs/cgroup/unified'
		check cgroup.version missing "${os#*:}"
	done
}

@test "cgroup.place: own, the manager's, root's, none" {
	facts '{}'
	check cgroup.place ok "service manager"
	facts '{"cgroup_own": "/a/b", "cgroup_delegated": true, "manager": false}'
	check cgroup.place ok "below your own cgroup /a/b"
	facts '{"uid": 0, "privileged": true}'
	check cgroup.place ok root
	facts '{"manager": false, "manager_why": "there is no user bus: x"}'
	check cgroup.place missing "not delegated to you, and there is no user bus: x" session.bus
	check cgroup.pids missing
}

@test "cgroup: a read-only hierarchy, as containers have it, and one of our own" {
	requires userns
	broken 'mount -t tmpfs none /run; mount -t tmpfs none /sys/fs; mkdir /sys/fs/cgroup; mount -t cgroup2 -o ro none /sys/fs/cgroup || exit 77' ||
		{ [ "$status" -eq 77 ] && skip "needs to mount cgroup2"; }
	check cgroup.version ok
	check cgroup.place missing "read-only" "unmask=/sys/fs/cgroup"
	check cgroup.kill ok
}

@test "cgroup controllers: each by itself, what is usual is required, with the drop-in" {
	facts '{"manager_controllers": ["memory", "pids", "cpu", "cpuset", "io"]}'
	for c in memory pids cpu cpuset io; do
		check cgroup.$c ok
	done
	facts '{"manager_controllers": ["pids"]}'
	check cgroup.pids ok
	check cgroup.memory missing "not delegated" "Delegate=cpu cpuset io memory pids" daemon-reload user@1000.service
	for c in cpu cpuset io; do
		check cgroup.$c degraded "not delegated" "Delegate=cpu"
	done
	[ "$status" -eq 1 ]
	facts '{"manager_controllers": ["pids", "memory"]}'
	[ "$status" -eq 0 ]
	facts '{"cgroup_top": true, "root_controllers": ["pids", "cpu"], "uid": 0, "privileged": true}'
	check cgroup.memory missing "the kernel does not have it" cgroup_enable=memory
	check cgroup.io degraded "kernel" CONFIG_BLK_CGROUP
	facts '{"cgroup_own": "/a", "cgroup_delegated": true, "cgroup_controllers": ["memory"]}'
	check cgroup.memory ok
	check cgroup.pids missing "your cgroup does not have it"
}

# ---------------------------------------------------------------------------------- session

@test "session.runtime-dir: unset, no directory, open to others, somebody else's, good" {
	doctor
	if [ "$(id -u)" = 0 ] && in_initial_userns; then
		check session.runtime-dir ok root
	fi
	broken :
	check session.runtime-dir ok "$T/run"
	broken 'unset XDG_RUNTIME_DIR'
	check session.runtime-dir degraded "not set" XDG_RUNTIME_DIR=
	broken 'export XDG_RUNTIME_DIR=/nowhere'
	check session.runtime-dir degraded "/nowhere is no directory"
	broken 'chmod 755 $T/run'
	check session.runtime-dir degraded "mode 0755" "chmod 700 $T/run"
	chmod 700 "$T/run"
	other=/proc
	if [ "$(id -u)" = 0 ] && in_initial_userns; then
		other=$T/other
		mkdir -m 700 "$other" && chown 1:1 "$other"
	fi
	XDG_RUNTIME_DIR=$other broken :
	check session.runtime-dir degraded "belongs to uid"
	broken 'mount -t tmpfs none /run; mkdir -p /run/systemd/system; unset XDG_RUNTIME_DIR'
	check session.runtime-dir degraded "" "loginctl enable-linger"
}

@test "session.bus: a socket of the user's own, with systemd behind it" {
	requires cmd:python3
	facts '{"manager": false, "manager_why": "no bus here"}'
	check session.bus degraded "no bus here" "systemctl --user start dbus"
	broken 'mount -t tmpfs none /run'
	check session.bus degraded "systemd does not run here"
	broken 'mount -t tmpfs none /run; mkdir -p /run/systemd/system; printf "ID=debian\n" >$T/os; mount --bind $T/os /etc/os-release'
	check session.bus degraded "there is no user bus" "apt-get install dbus-user-session"
	python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$T/run/bus"
	broken 'mount -t tmpfs none /run; mkdir -p /run/systemd/system'
	check session.bus ok "service manager"
}

@test "session.linger and session.kill-processes" {
	local systemd='mount -t tmpfs none /run; mkdir -p /run/systemd/system; mount -t tmpfs none /var/lib; mkdir -p /var/lib/systemd/linger; '
	local conf='mkdir -p $T/etc/logind.conf.d; printf "[Login]\nKillUserProcesses=no\n#KillUserProcesses=yes\n" >$T/etc/logind.conf; '

	[ -d /etc/systemd ] || skip "needs /etc/systemd: nothing can be mounted over it"
	broken "$systemd$conf"'mount --bind $T/etc /etc/systemd'
	check session.linger degraded "ends with your last session" "loginctl enable-linger root"
	check session.kill-processes ok
	broken "$systemd$conf"'printf " KillUserProcesses=yes\n" >$T/etc/logind.conf.d/a.conf; mount --bind $T/etc /etc/systemd'
	check session.kill-processes degraded KillUserProcesses=yes "systemd-run --user --scope"
	broken "$systemd$conf"'printf "KillUserProcesses=0\n" >$T/etc/logind.conf.d/b.conf; mount --bind $T/etc /etc/systemd'
	check session.kill-processes ok
	broken "$systemd$conf"'printf "KillUserProcesses=1\n" >$T/etc/logind.conf.d/b.conf; mount --bind $T/etc /etc/systemd
		: >/var/lib/systemd/linger/root'
	check session.linger ok
	check session.kill-processes ok "you linger"
	broken 'mount -t tmpfs none /run'
	check session.linger ok "no systemd"
}

# ---------------------------------------------------------------------------------- network

@test "network.ping and network.low-ports: really set" {
	broken 'echo "0 0" >/proc/sys/net/ipv4/ping_group_range; echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start'
	check network.ping ok
	check network.low-ports ok "from 1 on"
	broken 'printf "1\t0\n" >$T/f; mount --bind $T/f /proc/sys/net/ipv4/ping_group_range
		echo 443 >/proc/sys/net/ipv4/ip_unprivileged_port_start'
	check network.ping degraded "1 to 0, without your group" \
		"net.ipv4.ping_group_range = 0 2147483647" /etc/sysctl.d/90-bryo.conf
	check network.low-ports degraded "only ports from 443" "sysctl -w net.ipv4.ip_unprivileged_port_start='80'"
	broken 'mount -t tmpfs none /proc/sys/net'
	check network.low-ports ok "not looked for"
	check network.ping ok "not looked for"
}

@test "network.resolver: servers, loopback alone, none" {
	facts '{"net_resolv": "nameserver 127.0.0.53\nnameserver 192.0.2.1\n"}'
	check network.resolver ok "can reach"
	facts '{"net_resolv": "# x\nnameserver 127.0.0.53\n"}'
	check network.resolver ok "loopback"
	facts '{"net_resolv": "search example.test\n"}'
	check network.resolver degraded "no server" "nameserver ADDRESS"
}

@test "network.route: none is said, and pasta needs one" {
	facts '{"net_route4": false, "net_route6": true}'
	check network.route ok IPv6
	facts '{"net_route4": false}'
	check network.route degraded "no default route" "--net slirp4netns"
	check helper.pasta degraded "needs an interface with a default route" "slirp4netns"
	broken :
	check network.route degraded
}

# --------------------------------------------------------------------------- limits, labels

@test "limits: what a container inherits" {
	doctor
	for l in nofile nproc memlock; do
		check limit.$l ok
	done
	broken 'ulimit -n 256'
	check limit.nofile degraded "at most 256 (ulimit -n)" "limits.d/90-bryo-nofile.conf" "root - nofile 65536"
	broken 'ulimit -l 16'
	check limit.memlock degraded "at most 16384" "ulimit -l"
	requires user
	run --separate-stderr bash -c 'ulimit -u 400; exec "$BRYO" --root "$ROOT" doctor --json'
	kept_
	check limit.nproc degraded "at most 400 (ulimit -u)"
}

@test "limit.keys: a quota that is nearly used up" {
	broken 'printf "    0:     3 3/3 20/200 60/20000\n    1:     3 3/3 199/200 60/20000\n" >$T/k; mount --bind $T/k /proc/key-users'
	check limit.keys ok "20 of 200"
	broken 'printf "    1:     3 3/3 2/200 60/20000\n    0:   195 3/3 195/200 60/20000\n" >$T/k; mount --bind $T/k /proc/key-users'
	check limit.keys degraded "195 of 200" kernel.keys.maxkeys
	broken ': >$T/k; mount --bind $T/k /proc/key-users'
	check limit.keys ok "no keys"
}

@test "lsm.apparmor and lsm.selinux: active or not, confined or not" {
	local on='mount -t tmpfs none /sys/module; mkdir -p /sys/module/apparmor/parameters; echo Y >/sys/module/apparmor/parameters/enabled; '

	facts '{"apparmor": false, "selinux": false}'
	check lsm.apparmor ok "not active"
	check lsm.selinux ok "not active"
	facts '{"selinux": true}'
	check lsm.selinux ok "active"
	broken "$on"'echo unconfined >$T/a; [ ! -e /proc/$$/attr/apparmor ] || mount -t tmpfs none /proc/$$/attr/apparmor
		mount --bind $T/a /proc/$$/attr/current'
	check lsm.apparmor ok "active, and this process is unconfined"
	broken "$on"'echo "docker-default (enforce)" >$T/a; [ ! -e /proc/$$/attr/apparmor ] || mount -t tmpfs none /proc/$$/attr/apparmor
		mount --bind $T/a /proc/$$/attr/current'
	check lsm.apparmor degraded "docker-default (enforce)" "apparmor=unconfined"
}

# ------------------------------------------------------------------------------------- self

@test "self: a program of the caller's own, one that others may write, a well installed one" {
	cp "$BRYO" "$T/bryo"
	BRYO=$T/bryo broken :
	check self.file ok "$T/bryo"
	check self.protection ok "for root a sealed copy"
	chmod 777 "$T/bryo"
	BRYO=$T/bryo broken :
	check self.file degraded "mode 0777" "chmod go-w $T/bryo"
	chmod 755 "$T/bryo"
	BRYO=$T/bryo broken 'echo 2 >$T/f; [ -e /proc/sys/vm/memfd_noexec ] || exit 77; mount --bind $T/f /proc/sys/vm/memfd_noexec' ||
		{ [ "$status" -eq 77 ] && skip "needs vm.memfd_noexec"; }
	check self.protection missing vm.memfd_noexec=2
	[ "$(stat -c %u "$BRYO")" != "$(id -u)" ] || skip "needs a program that is not the caller's own"
	requires user
	[ "$(id -u)" != 0 ] || skip "needs user: root of a user namespace"
	doctor
	check self.protection ok "nothing to do"
	BRYO=$T/bryo doctor
	check self.protection degraded "sealed copy" "install -m 755 $T/bryo /usr/local/bin/bryo"
}

@test "helper.bryo-*: beside the program, or not at all" {
	local name

	mkdir -p "$T/bin/helpers"
	cp "$BRYO" "$T/bin/bryo"
	[ ! -e /usr/local/libexec/bryo ] || skip "needs a machine where bryo is not installed"
	BRYO=$T/bin/bryo doctor
	for name in systemd keeper init unpack; do
		check helper.bryo-$name degraded "nor in helpers/" "make install"
		cp /bin/true "$T/bin/helpers/bryo-$name"
	done
	BRYO=$T/bin/bryo doctor
	for name in systemd keeper init unpack; do
		check helper.bryo-$name ok "$T/bin/helpers/bryo-$name"
	done
	chmod o+w "$T/bin/helpers" # as what a stranger makes beside a bryo in /tmp
	BRYO=$T/bin/bryo doctor
	check helper.bryo-init degraded "nor in helpers/" "make install"
}
