#!/usr/bin/env bats
# bryo doctor: the report itself, and the checks of kernel, user namespaces, IDs and helpers, each
# seen both ways: what it looks at is broken or faked, in namespaces of the test's own.

bats_require_minimum_version 1.5.0
load ../lib/bryo
load ../lib/doctor
load ../lib/errors

setup() {
	bryo_setup
	export T ROOT
}

# -------------------------------------------------------------------------------- the report

# covers: doctor --json doctor --for
@test "the report as JSON: every check has a name, a status, a why, a remedy and its uses" {
	doctor
	jq -e '.checks | length > 20 and all(.name and (.status | IN("ok", "degraded", "missing"))
		and (.why | length > 0) and has("remedy") and (.for | type == "array"))' "$T/report"
	jq -e '.summary.ok + .summary.degraded + .summary.missing == (.checks | length)' "$T/report"
	jq -e '[.checks[].name] | length == (unique | length)' "$T/report"
	for use in sandbox podman network limits; do
		doctor --for $use
		jq -e --arg u $use '.checks | length > 5 and all(.for | index([$u]))' "$T/report"
	done
}

# covers: doctor --host doctor --strict
@test "exit codes: 0, 1 when something is missing, 2 when it cannot look" {
	facts '{}'
	[ "$status" -eq 0 ]
	facts '{"subuids": []}'
	[ "$status" -eq 1 ]
	facts '{"subuids": [{"first": 100000, "count": 1000}]}'
	[ "$status" -eq 0 ]
	check subids.uids degraded
	run bryo doctor --host "$T/host.json" --strict
	[ "$status" -eq 1 ]
	run bryo doctor --host /nonexistent
	[ "$status" -eq 2 ]
	run bryo doctor --for nothing
	[ "$status" -eq 2 ]
}

# covers: doctor --path
@test "a directory that is not there is said" {
	run bryo doctor --path "$T/none"
	[ "$status" -eq 2 ]
	has_line "$T/none"
	run bryo doctor --path "$BRYO"
	[ "$status" -eq 2 ]
	has_line "is no directory"
}

@test "text: words for scripts, marks and colours on a terminal, ASCII where the locale is" {
	echo '{"subuids": []}' >"$T/host.json"
	run bryo doctor --host "$T/host.json"
	[ "$status" -eq 1 ]
	grep -qE '^ok        kernel\.version +Linux 6\.1$' <<<"$output"
	grep -qE '^missing   subids\.uids ' <<<"$output"
	has_line "-> "
	[[ ${lines[-1]} =~ ^[0-9]+\ ok,\ [0-9]+\ degraded,\ 1\ missing$ ]]
	not grep -q $'\033' <<<"$output"
	requires cmd:script
	run env LC_ALL=C.UTF-8 TERM=xterm script -qec "$BRYO doctor --host $T/host.json" /dev/null
	grep -q $'\033\[31m✗\033\[0m  subids.uids' <<<"$output"
	grep -q $'\033\[32m✓' <<<"$output"
	run env LC_ALL=C TERM=xterm NO_COLOR=1 script -qec "$BRYO doctor --host $T/host.json" /dev/null
	grep -q '^missing   subids.uids' <<<"$output"
	not grep -q '✗' <<<"$output"
	not grep -q $'\033' <<<"$output"
}

@test "it changes nothing, and is quick" {
	doctor
	find "$T" -not -name report | sort >"$T/../before.$ID"
	local start took best=9999999 # of three: others may want the processors
	for _ in 1 2 3; do
		start=${EPOCHREALTIME/./}
		bryo doctor >/dev/null || [ $? -eq 1 ]
		took=$((${EPOCHREALTIME/./} - start))
		[ $took -ge $best ] || best=$took
	done
	echo "$best us"
	[ $best -lt 1000000 ]
	find "$T" -not -name report | sort | diff "$T/../before.$ID" - || { rm "$T/../before.$ID"; false; }
	rm "$T/../before.$ID"
}

# ----------------------------------------------------------------------------------- kernel

@test "kernel.version: the floor is 5.14" {
	facts '{"kernel_major": 5, "kernel_minor": 14}'
	check kernel.version ok 5.14
	facts '{"kernel_major": 5, "kernel_minor": 13}'
	check kernel.version missing "5.13 is too old" "boot a newer kernel"
	facts '{"kernel_major": 4, "kernel_minor": 18}'
	check kernel.version missing
}

@test "kernel calls: ENOSYS is missing, and a filter is named" {
	local name
	local -A calls=([mount-api]=fsopen [mount-setattr]=mount_setattr [openat2]=openat2 [clone3]=clone3
		[pidfd]=pidfd_open [close-range]=close_range)

	find_deny
	doctor
	for name in "${!calls[@]}"; do
		check "kernel.$name" ok
	done
	for name in "${!calls[@]}"; do
		under "$DENY" "ENOSYS=${calls[$name]}"
		check "kernel.$name" missing "${calls[$name]}" "seccomp filter" "--security-opt seccomp"
		# as filters that are older than the call answer; mounts, to root of a user namespace alone
		under "$DENY" "EPERM=${calls[$name]}"
		check "kernel.$name" missing "${calls[$name]}" "seccomp filter" "--security-opt seccomp"
	done
}

@test "kernel.seccomp: in the kernel and in bryo" {
	doctor
	"$BRYO" --version | grep -q +SECCOMP && check kernel.seccomp ok || check kernel.seccomp degraded "built without"
	find_deny
	under "$DENY" ENOSYS=seccomp
	check kernel.seccomp missing CONFIG_SECCOMP_FILTER
}

# Who asks for a file system has its module loaded, root or not.
@test "kernel.overlay: there, loaded when asked for, or neither" {
	broken 'printf "nodev\tproc\nnodev\toverlay\n" >$T/f; mount --bind $T/f /proc/filesystems'
	check kernel.overlay ok
	broken 'printf "nodev\tproc\n\text4\n" >$T/g; mount --bind $T/g /proc/filesystems'
	grep -q overlay /proc/filesystems && check kernel.overlay ok
	find_deny
	export DENY
	broken 'mount --bind $T/g /proc/filesystems; set -- "$DENY" ENOSYS=fsopen "$BRYO" --root "$ROOT" doctor --json; exec "$@"'
	check kernel.overlay degraded "nor loads it" "modprobe overlay"
}

# -------------------------------------------------------------------------- user namespaces

@test "userns: nothing forbids them here" {
	requires userns-nested
	broken :
	for name in create support limits sysctl apparmor chroot seccomp namespaces nested; do
		check userns.$name ok
	done
	has_new_proc || skip "needs an outer /proc that is complete"
	check mount.proc ok
	check mount.sysfs ok
}

@test "userns.limits: a limit of 0, really set" {
	broken 'echo 0 >/proc/sys/user/max_user_namespaces'
	check userns.create missing "No space left on device" user.max_user_namespaces=0 "sysctl -w user.max_user_namespaces=63000"
	check userns.limits missing user.max_user_namespaces=0
	check userns.namespaces missing
	[ "$status" -eq 1 ]
	broken 'echo 0 >/proc/sys/user/max_net_namespaces'
	check userns.create ok
	check userns.namespaces missing user.max_net_namespaces=0 "sysctl -w user.max_net_namespaces=63000"
	check userns.limits missing user.max_net_namespaces=0
}

@test "userns.sysctl and userns.apparmor: said, but no reason for failure where they do not stop us" {
	broken 'mkdir $T/k; echo 0 >$T/k/unprivileged_userns_clone; echo 1 >$T/k/apparmor_restrict_unprivileged_userns
		mount --bind $T/k /proc/sys/kernel'
	check userns.sysctl ok "unprivileged_userns_clone is 0" "does not stop you"
	check userns.apparmor ok "apparmor_restrict_unprivileged_userns is 1" "does not stop you"
	broken 'mkdir $T/l; echo 0 >$T/l/unprivileged_userns_clone; echo 1 >$T/l/apparmor_restrict_unprivileged_userns
		echo 0 >/proc/sys/user/max_user_namespaces
		mount --bind $T/l /proc/sys/kernel'
	check userns.sysctl missing "sysctl -w kernel.unprivileged_userns_clone=1"
	check userns.apparmor missing "profile bryo $BRYO" "flags=(unconfined) { userns, }" "apparmor_parser -r"
}

@test "userns.chroot: found in a chroot" {
	broken 'mkdir $T/jail; for d in usr lib bin etc proc dev tmp lib64; do
		[ -d /$d ] || continue; mkdir $T/jail/$d; mount --rbind /$d $T/jail/$d; done
		cp $BRYO $T/jail/bryo
		export HOME=/; set -- chroot $T/jail /bryo --root /tmp/x doctor --json; exec "$@"'
	check userns.create missing "in a chroot"
	check userns.chroot missing "pivot_root"
	check userns.seccomp ok
}

@test "userns.seccomp: an outer container's filter" {
	find_deny
	under "$DENY" EPERM
	in_initial_userns && [ "$(id -u)" = 0 ] || {
		check userns.create missing "seccomp filter"
		check path.overlay degraded "see userns.create"
	}
	jq -e '.checks[] | select(.name == "userns.seccomp") | .status != "ok" and (.remedy | contains("seccomp=PROFILE"))' "$T/report"
}

@test "userns.nested and userns.create: 33 deep is too deep" {
	requires userns
	cat >"$T/deeper" <<-'EOF'
		if [ "$1" -gt 0 ] && unshare --map-root-user $2 true 2>/dev/null; then
			exec unshare --map-root-user sh "$T/deeper" $(($1 - 1)) "$2"
		fi
		exec "$BRYO" --root "$ROOT" doctor --json
	EOF
	run --separate-stderr sh "$T/deeper" 40 ""
	kept_
	check userns.create missing "32 deep"
	run --separate-stderr sh "$T/deeper" 40 "unshare --map-root-user"
	kept_
	check userns.create ok
	check userns.nested degraded "32 deep"
}

@test "mount.proc and mount.sysfs: covered ones are named, with the flag that helps" {
	broken 'mount -t tmpfs none /proc/sys/kernel; mount --bind /dev/null /proc/key-users; mount -t tmpfs none /sys/module'
	check mount.proc degraded /proc/sys/kernel /proc/key-users "--proc bind" "podman: --security-opt unmask=ALL" \
		"docker: --security-opt systempaths=unconfined"
	check mount.sysfs degraded /sys/module "bind /sys"
}

@test "mount.proc and mount.sysfs: nothing is said of them where namespaces have no rights" {
	find_deny
	under "$DENY" EPERM=mount
	in_initial_userns && [ "$(id -u)" = 0 ] || check userns.create missing "have no rights"
	for name in mount.proc mount.sysfs userns.nested; do
		check $name degraded "cannot be told"
	done
}

@test "without /proc: one clear error" {
	requires userns
	# shellcheck disable=SC2016
	run timeout 30 unshare --map-root-user --mount -- sh -ec 'mount -t tmpfs none /proc; exec "$BRYO" doctor' 3>&-
	[ "$status" -eq 2 ]
	has_line "is /proc mounted?"
}

@test "without /sys: a report all the same" {
	broken 'mount -t tmpfs none /sys'
	check cgroup.version missing
	check userns.create ok
}

# ------------------------------------------------------------------------- subordinate IDs

@test "subids.uids and subids.gids: none, too few, enough" {
	facts '{}'
	check subids.uids ok "65536 subordinate user IDs from 100000"
	check subids.gids ok
	facts '{"subuids": [], "subgids": [{"first": 7000, "count": 65535}]}'
	check subids.uids missing "gives alice no subordinate user IDs" "usermod --add-subuids 100000-165535 alice"
	check subids.gids degraded "only 65535" "usermod --add-subgids 100000-165535 alice"
	facts '{"subgids": [{"first": 7000, "count": 30000}, {"first": 40000, "count": 40000}]}'
	check subids.gids ok 70000
	facts '{"user": "a$(reboot)", "subuids": []}'
	check subids.uids missing "100000-165535 USER"
	facts '{"uid": 0, "privileged": true, "subuids": []}'
	check subids.uids ok root
}

@test "subids: a range that the own user namespace does not have" {
	facts '{"in_userns": true, "uid_map": [{"inside": 0, "outside": 1000, "count": 1}, {"inside": 1, "outside": 100000, "count": 65536}]}'
	check subids.uids missing "gives you 100000, which is not in the map" /proc/self/uid_map
	check subids.gids ok
	facts '{"in_userns": true, "subuids": [], "uid_map": [{"inside": 0, "outside": 1000, "count": 1}]}'
	check subids.uids missing "too few IDs itself"
}

@test "subids: the range that is proposed is free in both files, and nobody's uid" {
	local files='mount --bind $T/uid /etc/subuid; mount --bind $T/gid /etc/subgid; mount --bind $T/passwd /etc/passwd; mount --bind $T/group /etc/group'

	requires_file /etc/subuid /etc/subgid
	printf 'bob:100000:65536\n' >"$T/uid"
	printf 'eve:165536:65536\n' >"$T/gid"
	printf 'root:x:0:0::/:/bin/sh\nnet:x:231080:100::/:/bin/sh\n' >"$T/passwd"
	printf 'root:x:0:\nteam:x:296616:\n' >"$T/group"
	# an ordinary user's root has too few IDs itself; root's may have all
	requires root
	# shellcheck disable=SC2016
	run --separate-stderr unshare --mount sh -ec "$files"'
		setpriv --reuid 4242 --regid 4242 --clear-groups "$BRYO" --root "$T/x" doctor --json' 3>&-
	kept_
	check subids.uids missing "sudo usermod --add-subuids 296617-362152 USER"
	check subids.gids missing "sudo usermod --add-subgids 296617-362152 USER"
}

@test "subids overlaps: with another user's range, not with one's own second line" {
	requires_file /etc/subuid /etc/subgid
	broken 'printf "root:100000:65536\n0:100000:10\nbob:165535:10\n" >$T/u; printf "root:100000:65536\nbob:165536:10\n" >$T/g
		mount --bind $T/u /etc/subuid; mount --bind $T/g /etc/subgid'
	check subids.uids-overlap degraded "those of bob from 165535" \
		"sed -i 's/^root:100000:65536\$/root:165546:65536/' /etc/subuid, then podman system migrate"
	check subids.gids-overlap ok
}

@test "subids people: somebody of /etc/passwd, or of the directory, has one of the IDs" {
	requires_file /etc/subuid /etc/subgid
	local files='printf "root:100000:65536\n" >$T/u; cp $T/u $T/g; mount --bind $T/u /etc/subuid; mount --bind $T/g /etc/subgid
		printf "root:x:0:0::/:/bin/sh\n$EXTRA" >$T/p; mount --bind $T/p /etc/passwd
		printf "passwd: files $NSS\ngroup: files\n" >$T/n; mount --bind $T/n /etc/nsswitch.conf; '
	mkdir "$T/bin"
	printf '#!/bin/sh\necho "$@" >>%s/asked\necho carol:x:165535:100::/:/bin/sh\n' "$T" >"$T/bin/getent"
	chmod +x "$T/bin/getent"
	export PATH=$T/bin:$PATH
	EXTRA='' NSS='systemd [NOTFOUND=return] compat # sss' broken "$files"
	check subids.uids-people ok
	[ ! -e "$T/asked" ]
	EXTRA='dave:x:100000:100::/:/bin/sh\n' NSS='' broken "$files"
	check subids.uids-people degraded "dave (100000)" "sed -i 's/^root:100000:65536\$/root:165536:65536/' /etc/subuid"
	check subids.gids-people ok
	EXTRA='' NSS=sss broken "$files"
	check subids.uids-people degraded "carol (165535)"
	[ "$(cat "$T/asked")" = passwd ]
}

@test "subids.source: nsswitch.conf names a directory that nobody can ask" {
	broken 'printf "passwd: files\n" >$T/n; mount --bind $T/n /etc/nsswitch.conf'
	check subids.source ok /etc/subuid
	broken 'printf "subid: sss\n" >$T/n; mount --bind $T/n /etc/nsswitch.conf; export PATH=/nowhere'
	check subids.source degraded getsubids
	mkdir "$T/bin"
	printf '#!/bin/sh\necho "0: root 100000 65536"\n' >"$T/bin/getsubids"
	chmod +x "$T/bin/getsubids"
	broken 'printf "subid: sss\n" >$T/n; mount --bind $T/n /etc/nsswitch.conf; PATH=$T/bin:$PATH'
	check subids.source ok getsubids
}

@test "subids.mapping: newuidmap itself says whether it works" {
	requires_file /etc/subuid /etc/subgid
	mkdir "$T/bin"
	printf '#!/bin/sh\necho "$0: not today" >&2\nexit 1\n' >"$T/bin/newuidmap"
	cp "$T/bin/newuidmap" "$T/bin/newgidmap"
	chmod 4755 "$T"/bin/new*
	broken 'printf "root:100000:65536\n" >$T/u; mount --bind $T/u /etc/subuid; mount --bind $T/u /etc/subgid; PATH=$T/bin:$PATH'
	check subids.mapping missing "newuidmap: not today" "newgidmap: not today"
	broken 'PATH=/nowhere'
	check subids.mapping missing "not tried"
	requires user subid
	doctor
	check subids.mapping ok
}

@test "a doctor that is killed leaves no process, be it just started" {
	local start=$SECONDS # strace stays for as long as anybody whom it traces

	requires cmd:strace userns
	mkdir "$T/bin"
	printf '#!/bin/sh\nkill -KILL $PPID\n' >"$T/bin/newuidmap"
	cp "$T/bin/newuidmap" "$T/bin/newgidmap"
	chmod 4755 "$T"/bin/new*
	requires_file /etc/subuid /etc/subgid
	# shellcheck disable=SC2016
	timeout -k 1 8 unshare --map-root-user --mount sh -ec 'printf "root:100000:65536\n" >$T/u
		mount --bind $T/u /etc/subuid; mount --bind $T/u /etc/subgid; PATH=$T/bin:$PATH
		exec strace -f -o $T/trace -e trace=prctl -e inject=prctl:delay_enter=150000 $BRYO --root $ROOT doctor' >/dev/null 2>&1 3>&- || :
	[ $((SECONDS - start)) -lt 8 ]
	grep -q "killed by SIGKILL" "$T/trace"
	grep -q PR_SET_PDEATHSIG "$T/trace"
	run pgrep -f "$BRYO --root $ROOT doctor"
	[ -z "$output" ]
}

# ---------------------------------------------------------------------------------- helpers

@test "helper.newuidmap and helper.newgidmap: each state has its own remedy" {
	facts '{}'
	check helper.newuidmap ok /usr/bin/newuidmap
	facts '{"newuidmap": {"state": "missing"}}'
	check helper.newuidmap missing "not in PATH" install
	facts '{"newgidmap": {"state": "no-privilege", "path": "/usr/bin/newgidmap"}}'
	check helper.newgidmap missing "chmod u+s /usr/bin/newgidmap" "cap_setgid=ep"
	facts '{"newuidmap": {"state": "nosuid", "path": "/nix/newuidmap"}}'
	check helper.newuidmap missing "nosuid"
	facts '{"newuidmap": {"state": "no-new-privs", "path": "/usr/bin/newuidmap"}}'
	check helper.newuidmap missing "NoNewPrivs" "NoNewPrivileges=no"
	facts '{"uid": 0, "privileged": true, "newuidmap": {"state": "missing"}}'
	check helper.newuidmap ok "not needed"
}

@test "helper.newuidmap, really broken: no bit, nosuid, NoNewPrivs, no owner here" {
	mkdir "$T/bin"
	cp /bin/true "$T/bin/newuidmap"
	broken 'PATH=$T/bin:$PATH'
	check helper.newuidmap missing "neither its set-user-ID bit" "chmod u+s $T/bin/newuidmap"
	chmod u+s "$T/bin/newuidmap"
	broken 'PATH=$T/bin:$PATH'
	check helper.newuidmap ok "$T/bin/newuidmap"
	broken 'PATH=$T/bin:$PATH; set -- setpriv --no-new-privs $BRYO --root $ROOT doctor --json; exec "$@"'
	check helper.newuidmap missing NoNewPrivs
	broken 'mkdir $T/m; mount -t tmpfs -o nosuid none $T/m; cp -p $T/bin/newuidmap $T/m; PATH=$T/m:$PATH'
	check helper.newuidmap missing nosuid
	requires cmd:newuidmap
	broken :
	[ "$(id -u)" = 0 ] || check helper.newuidmap missing "nobody of this user namespace"
}

@test "helper.pasta and helper.slirp4netns: one is less, none is too little; the package of this distribution" {
	mkdir "$T/bin"
	for name in pasta slirp4netns fuse-overlayfs criu; do
		cp /bin/true "$T/bin/$name"
	done
	facts '{"net_route4": true}'
	check helper.pasta ok /usr/bin/pasta
	facts '{"net_tun": false}'
	check helper.pasta missing "cannot open /dev/net/tun"
	[ -w /dev/net/tun ] || skip "needs /dev/net/tun"
	broken 'PATH=$T/bin'
	for name in slirp4netns fuse-overlayfs criu; do
		check helper.$name ok "$T/bin/$name"
	done
	rm "$T/bin/pasta"
	broken 'printf "ID=debian\n" >$T/os; mount --bind $T/os /etc/os-release; PATH=$T/bin'
	check helper.pasta degraded "not installed; slirp4netns does most" "apt-get install passt"
	check helper.slirp4netns ok
	rm "$T/bin/"*
	broken 'printf "ID=rocky\nID_LIKE=\"rhel centos fedora\"\n" >$T/os; mount --bind $T/os /etc/os-release; PATH=$T/bin'
	check helper.pasta missing "slirp4netns cannot be used either" "dnf install passt"
	check helper.slirp4netns missing "dnf install slirp4netns"
	check helper.fuse-overlayfs degraded "dnf install fuse-overlayfs"
	check helper.criu ok "not in PATH"
	check helper.newuidmap missing "dnf install shadow-utils"
	broken 'printf "NAME=x\nID=\"opensuse-leap\"\n" >$T/os; mount --bind $T/os /etc/os-release; PATH=$T/bin'
	check helper.newuidmap missing "zypper install shadow"
	broken 'printf "ID=endeavouros\nID_LIKE=arch\n" >$T/os; mount --bind $T/os /etc/os-release; PATH=$T/bin'
	check helper.pasta missing "pacman -S passt"
	broken 'printf "ID=alpine\n" >$T/os; mount --bind $T/os /etc/os-release; PATH=$T/bin'
	check helper.pasta missing "apk add passt"
	broken 'printf "ID=minix\n" >$T/os; mount --bind $T/os /etc/os-release; PATH=$T/bin'
	check helper.pasta missing "install passt"
}

@test "device.fuse and device.tun: missing, another file, not allowed" {
	broken ':>$T/f; for d in fuse net/tun; do [ -e /dev/$d ] || exit 9; mount --bind $T/f /dev/$d; done'
	check device.fuse degraded "another file" "mknod -m 666 /dev/fuse c 10 229"
	check device.tun missing "another file" "c 10 200"
	broken 'mount -t tmpfs none /dev; : >/dev/null'
	check device.fuse degraded "No such file" "modprobe fuse" "--device /dev/fuse"
	check device.tun missing "No such file" "modprobe tun"
	[ -w /dev/net/tun ] || skip "needs /dev/net/tun"
	doctor
	check device.tun ok
	if [ -w /dev/fuse ]; then
		check device.fuse ok
	else
		check device.fuse degraded "may not be opened"
	fi
}
