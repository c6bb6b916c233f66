#!/usr/bin/env bats
# process of config.json, field by field, as the program finds itself; and what is refused by name.

bats_require_minimum_version 1.5.0
load ../lib/bryo

refuses() {
	args echo STARTED
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	[[ $output != *STARTED* ]]
	has_line "$1"
	[ "${#lines[@]}" -eq 1 ]
	[ -z "$(bryo list -q)" ]
}

sh_run() { # sh_run SCRIPT: in the container; sets $output
	args sh -c "$1"
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
}

sys_resource() { # may the caller raise limits
	in_initial_userns && (($((0x$(awk '/^CapEff/ { print $2 }' /proc/self/status))) >> 24 & 1))
}

# a container that has other users than root
many_ids() {
	[ "$(id -u)" = 0 ] && in_initial_userns || requires user subid
}

# -------------------------------------------------------------------- args, cwd, env

# covers: process.args
@test "args reach the program as they are" {
	make_bundle
	# shellcheck disable=SC2016
	args sh -c 'for a; do echo "[$a]"; done' zero "a b" "" "\$HOME" "ü*"
	run bryo run -b "$BUNDLE" "$ID"
	[ "$output" = "$(printf '[a b]\n[]\n[$HOME]\n[ü*]')" ]
}

@test "args that are empty, or begin with nothing, are refused" {
	make_bundle
	for a in '[]' '[""]'; do
		config ".process.args = $a"
		run bryo run -b "$BUNDLE" "$ID"
		[ "$status" -eq 1 ]
		has_line "process.args is empty"
	done
}

# covers: process.cwd
@test "cwd is where the program begins; one that is missing is made" {
	make_bundle
	config '.process.cwd = "/tmp"'
	sh_run pwd
	[ "$output" = /tmp ]
	config '.process.cwd = "/new/dir" | .root.readonly = false'
	sh_run 'pwd; stat -c %a .'
	[ "$output" = "$(printf '/new/dir\n755')" ]
	[ -d "$BUNDLE/rootfs/new/dir" ]
	config '.process.cwd = "/dev/shm/in/a/mount"'
	sh_run pwd
	[ "$output" = /dev/shm/in/a/mount ]
}

@test "a cwd that is relative, a file, or not for the user is refused by name" {
	make_bundle
	config '.process.cwd = "tmp"'
	refuses "process.cwd: 'tmp' is not absolute"
	config '.process.cwd = "/bin/sh"'
	args echo STARTED
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -ne 0 ]
	has_line "working directory '/bin/sh': Not a directory"
}

# covers: process.env
@test "env is what the config says, the last of two wins" {
	make_bundle
	config '.process.env = ["PATH=/bin", "A=1", "B=", "HOME=/h", "A=2", "AB=3", "A=last = one"]'
	args env
	run bryo run -b "$BUNDLE" "$ID"
	[ "$(sort <<<"$output")" = "$(printf 'A=last = one\nAB=3\nB=\nHOME=/h\nPATH=/bin')" ]
}

@test "HOME comes from the container's passwd where the config has none" {
	make_bundle
	echo odd:x:4321:0::/the/odd/home:/bin/sh >>"$BUNDLE/rootfs/etc/passwd"
	for e in '["PATH=/bin"]' '["HOME=", "PATH=/bin"]' '["A=1", "PATH=/bin", "HOME="]'; do
		config ".process.env = $e"
		sh_run 'env | grep HOME'
		[ "$output" = HOME=/root ]
	done
	config '.process.env = ["HOME=/mine", "PATH=/bin"]'
	sh_run 'env | grep HOME'
	[ "$output" = HOME=/mine ]
	many_ids
	config '.process.env = ["PATH=/bin"] | .process.user = {uid: 4321, gid: 0}'
	sh_run 'env | grep HOME'
	[ "$output" = HOME=/the/odd/home ]
	config '.process.user = {uid: 4322, gid: 0}'
	sh_run 'env | grep HOME'
	[ "$output" = HOME=/ ]
}

@test "an environment of thousands" {
	make_bundle
	config '.process.env = ["PATH=/bin"] + [range(5000) | "N\(. % 4000)=\(.)"]'
	args env
	run bryo run -b "$BUNDLE" "$ID"
	[ "${#lines[@]}" -eq 4002 ]
	grep -qx N999=4999 <<<"$output"
	grep -qx N1000=1000 <<<"$output"
}

@test "an entry of env without a name or without '=' is refused, without its text" {
	make_bundle
	for e in '"secret"' '"=secret"'; do
		config ".process.env = [\"A=1\", $e]"
		refuses "process.env[1] is not NAME=VALUE"
		[[ $output != *secret* ]]
	done
}

# --------------------------------------------------------------------------------- user

# covers: process.user.uid process.user.gid process.user.additionalGids
@test "user: uid, gid and additionalGids are the container's" {
	many_ids
	make_bundle
	config '.process.user = {uid: 1000, gid: 1001, additionalGids: [5, 27]}'
	sh_run 'id -u; id -g; id -G; grep -E "^(Uid|Gid)" /proc/self/status'
	[ "${lines[0]}" = 1000 ]
	[ "${lines[1]}" = 1001 ]
	[ "${lines[2]}" = "1001 5 27" ]
	grep -qE '^Uid:	1000	1000	1000	1000$' <<<"$output"
	grep -qE '^Gid:	1001	1001	1001	1001$' <<<"$output"
}

@test "without additionalGids the caller's groups are dropped" {
	many_ids
	make_bundle
	sh_run 'grep Groups: /proc/self/status'
	[ "$(tr -d '\t ' <<<"$output")" = Groups: ]
}

# covers: process.user.umask
@test "umask: 0022, or what the config says" {
	make_bundle
	sh_run 'umask; touch /tmp/f; stat -c %a /tmp/f' || true
	[ "${lines[0]}" = 0022 ]
	config '.process.user.umask = 63'
	sh_run 'umask; touch /dev/shm/f; stat -c %a /dev/shm/f'
	[ "$output" = "$(printf '0077\n600')" ]
	config '.process.user.umask = 512'
	refuses "process.user.umask: 512 is more than 0777"
}

@test "an ID that is not mapped is refused, with those that are" {
	requires userns
	[ "$(id -u)" = 0 ] && in_initial_userns && skip "needs user: root has every ID"
	make_bundle
	config '.linux.uidMappings = [{containerID: 0, hostID: $u, size: 1}]
		| .linux.gidMappings = [{containerID: 0, hostID: $g, size: 1}] | .process.user.uid = 7' \
		--argjson u "$(id -u)" --argjson g "$(id -g)"
	refuses "process.user: uid 7 is not mapped in the container"
	has_line "mapped are 0-0"
	config '.process.user = {uid: 0, gid: 8}'
	refuses "process.user: gid 8 is not mapped"
	config '.process.user = {uid: 0, gid: 0, additionalGids: [9]}'
	refuses "gid (additional) 9 is not mapped"
}

@test "additionalGids where setgroups is denied are refused, with the reason" {
	make_bundle
	config '.process.user.additionalGids = [5]'
	# as in a user namespace of many groups in which somebody has denied it
	jq '.setgroups_denied = true' "$BATS_TEST_DIRNAME/../golden/nested.host.json" >"$T/host.json"
	run bryo plan -b "$BUNDLE" --host "$T/host.json" "$ID"
	[ "$status" -eq 1 ]
	has_line "additionalGids: setgroups is denied in this user namespace"
}

# groups_of MAPPING: Groups of /proc/self/status in run and in exec, of a caller in group 24
groups_of() {
	local d
	# shellcheck disable=SC2016
	local script='
		cd "$1" && shift
		"$BRYO" --root "$PWD/state" run -d -b bundle keep </dev/null >out 2>&1 || { cat out; exit 1; }
		for i in 1 2 3 4 5 6 7 8 9; do grep -q Groups out && break; sleep 0.1; done
		grep Groups out
		"$BRYO" --root "$PWD/state" exec keep grep Groups /proc/self/status
		"$BRYO" --root "$PWD/state" delete --force keep'

	d=$T/for-user
	rm -rf "$d"
	mkdir -m 711 "$d"
	cp -a "$BUNDLE" "$d/bundle"
	mkdir -m 700 "$d/state"
	chown -R "$BRYO_TEST_USER" "$d"
	run env -i PATH="$PATH" BRYO="$BRYO" setpriv --reuid "$BRYO_TEST_USER" --regid "$BRYO_TEST_USER" \
		--groups "24,$(id -g "$BRYO_TEST_USER")" -- sh -c "$script" sh "$d" 3>&-
}

# covers: run.oci.keep_original_groups
@test "run.oci.keep_original_groups: the caller's groups in run and in exec, whatever the map" {
	requires_test_user
	make_bundle empty
	make_rootfs "$BUNDLE/rootfs"
	args sh -c 'grep Groups /proc/self/status; sleep 30'
	with_user='.linux.namespaces |= map(select(.type != "user")) + [{type: "user"}] | del(.linux.resources)'
	config "$with_user"
	cp "$BUNDLE/config.json" "$T/many.json"
	config '.linux.uidMappings = [{containerID: 0, hostID: $u, size: 1}]
		| .linux.gidMappings = [{containerID: 0, hostID: $g, size: 1}]' \
		--argjson u "$(id -u "$BRYO_TEST_USER")" --argjson g "$(id -g "$BRYO_TEST_USER")"
	cp "$BUNDLE/config.json" "$T/single.json"
	for map in many single; do
		cp "$T/$map.json" "$BUNDLE/config.json"
		config '.annotations["run.oci.keep_original_groups"] = "1"'
		groups_of
		[ "$status" -eq 0 ]
		[ "${#lines[@]}" -eq 2 ]
		# group 24 is not mapped: it shows as the overflow group, and its rights are there
		[[ ${lines[0]} == *65534* ]]
		[ "${lines[0]}" = "${lines[1]}" ]
	done
	cp "$T/many.json" "$BUNDLE/config.json"
	groups_of
	[ "$status" -eq 0 ]
	[[ ${lines[0]} != *65534* ]]
	[ "${lines[0]}" = "${lines[1]}" ]
}

# ------------------------------------------------------------------------- capabilities

CHOWN=1 KILL=20 # masks, hexadecimal

caps() { # caps: "Inh Prm Eff Bnd Amb" without leading zeros
	args grep Cap /proc/self/status
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ] || { echo "$output" >&2; return 1; }
	got=$(awk '/^Cap(Inh|Prm|Eff|Bnd|Amb):/ { sub(/^0+/, "", $2); printf "%s%s", s, $2 == "" ? "0" : $2; s = " " }' <<<"$output")
}

# covers: process.capabilities.bounding process.capabilities.effective
# covers: process.capabilities.inheritable process.capabilities.permitted
# covers: process.capabilities.ambient
@test "capabilities: the five sets, each by itself" {
	requires userns
	make_bundle
	config '.process.capabilities = {
		bounding: ["CAP_CHOWN", "CAP_KILL", "CAP_NET_RAW"], permitted: ["CAP_CHOWN", "CAP_KILL"],
		effective: ["CAP_KILL"], inheritable: ["CAP_KILL", "CAP_NET_RAW"], ambient: ["CAP_KILL"] }
		| .process.user = {uid: 1000, gid: 1000}'
	if [ "$(id -u)" != 0 ] || ! in_initial_userns; then
		config '.linux.uidMappings = [{containerID: 1000, hostID: $u, size: 1}]
			| .linux.gidMappings = [{containerID: 1000, hostID: $g, size: 1}]' \
			--argjson u "$(id -u)" --argjson g "$(id -g)"
	fi
	caps
	# after the exec of a program without file capabilities permitted is what is ambient
	[ "$got" = "2020 $KILL $KILL 2021 $KILL" ]
	config 'del(.process.capabilities.ambient)'
	caps
	[ "$got" = "2020 0 0 2021 0" ]
}

@test "capabilities of root are the bounding set; inheritable and ambient are empty unless asked for" {
	make_bundle
	config '.process.capabilities = {bounding: ["CAP_CHOWN", "CAP_KILL"], permitted: ["CAP_CHOWN", "CAP_KILL"],
		effective: ["CAP_CHOWN", "CAP_KILL"]}'
	caps
	[ "$got" = "0 21 21 21 0" ]
	for c in '{}' null; do
		config ".process.capabilities = $c"
		caps
		[ "$got" = "0 0 0 0 0" ]
	done
	config 'del(.process.capabilities)'
	caps
	[ "$got" = "0 0 0 0 0" ]
}

@test "a capability that nobody knows is a warning, and the rest is given" {
	make_bundle
	config '.process.capabilities = {bounding: ["CAP_CHOWN", "CAP_TELEPORT"], permitted: ["CAP_CHOWN"], effective: ["CAP_CHOWN"]}'
	caps
	[ "$got" = "0 $CHOWN $CHOWN $CHOWN 0" ]
	has_line "'CAP_TELEPORT' is left out"
}

@test "an effective capability that is not permitted is a warning; an ambient one is in the plan" {
	make_bundle
	config '.process.capabilities = {bounding: ["CAP_CHOWN", "CAP_KILL"], permitted: ["CAP_CHOWN"],
		effective: ["CAP_CHOWN", "CAP_KILL"], ambient: ["CAP_CHOWN"]}'
	caps
	[ "$got" = "0 $CHOWN $CHOWN 21 0" ]
	has_line "process.capabilities.effective: CAP_KILL is left out (it is not in permitted)"
	not has_line ambient
	run bryo plan -b "$BUNDLE"
	has_line "process.capabilities.ambient: CAP_CHOWN is left out"
}

@test "capabilities as a list are refused as older than 1.0" {
	make_bundle
	config '.process.capabilities = ["CAP_CHOWN"]'
	refuses "1.0"
}

# covers: process.noNewPrivileges
@test "noNewPrivileges" {
	make_bundle
	for v in true false; do
		config ".process.noNewPrivileges = $v"
		sh_run 'grep NoNewPrivs /proc/self/status'
		[ "${output##*	}" = "$([ $v = true ] && echo 1 || echo 0)" ]
	done
}

# ----------------------------------------------------------------- rlimits, OOM score

# covers: process.rlimits[].type process.rlimits[].soft process.rlimits[].hard
@test "rlimits: soft and hard, and unlimited where the caller has it" {
	make_bundle
	config '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 100, hard: 200}, {type: "RLIMIT_CORE", soft: 0, hard: 0},
		{type: "RLIMIT_STACK", soft: 1048576, hard: 2097152}, {type: "RLIMIT_NICE", soft: 0, hard: 0}]'
	args cat /proc/self/limits
	if [ "$(ulimit -Hd)" = unlimited ]; then
		config '.process.rlimits += [{type: "RLIMIT_DATA", soft: 1048576000, hard: "UNLIMITED"}]'
		sed -i 's/"UNLIMITED"/18446744073709551615/' "$BUNDLE/config.json" # jq would round it
	fi
	run bryo run -b "$BUNDLE" "$ID"
	grep -qE '^Max open files +100 +200 ' <<<"$output"
	grep -qE '^Max core file size +0 +0 ' <<<"$output"
	grep -qE '^Max stack size +1048576 +2097152 ' <<<"$output"
	[ "$(ulimit -Hd)" != unlimited ] || grep -qE '^Max data size +1048576000 +unlimited ' <<<"$output"
}

@test "every rlimit of getrlimit is known" {
	make_bundle
	# plan rehearses the launch, so with values that a program can start with
	for r in AS:1073741824 CORE:0 CPU:1000 DATA:1073741824 FSIZE:1000000 LOCKS:0 MEMLOCK:0 MSGQUEUE:0 NICE:0 \
		NOFILE:100 NPROC:1000 RSS:0 RTPRIO:0 RTTIME:1000000 SIGPENDING:100 STACK:8388608; do
		echo "RLIMIT_$r"
	done | jq -R 'split(":") | {type: .[0], soft: (.[1] | tonumber), hard: (.[1] | tonumber)}' |
		jq -s . >"$T/limits"
	config '.process.rlimits = $l[0]' --slurpfile l "$T/limits"
	run bryo plan -b "$BUNDLE" "$ID" --format json
	[ "$status" -eq 0 ]
	[ "$(jq '.process.rlimits | length' <<<"$output")" -eq 16 ]
}

@test "rlimits: unknown, doubled, or soft above hard is refused by name" {
	make_bundle
	config '.process.rlimits = [{type: "RLIMIT_FOO", soft: 1, hard: 1}]'
	refuses "process.rlimits[0]: unknown type 'RLIMIT_FOO'"
	config '.process.rlimits = [{type: "RLIMIT_CORE", soft: 1, hard: 1}, {type: "RLIMIT_CORE", soft: 1, hard: 1}]'
	refuses "process.rlimits[1]: RLIMIT_CORE is listed twice"
	config '.process.rlimits = [{type: "RLIMIT_CORE", soft: 2, hard: 1}]'
	refuses "RLIMIT_CORE: the soft limit is above the hard one"
}

# covers: org.bryo.clamp
@test "a hard limit above the caller's is refused with both numbers, or clamped on request" {
	sys_resource && skip "needs a caller without CAP_SYS_RESOURCE: this one may raise limits"
	make_bundle
	ulimit -n 500
	config '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 700, hard: 900}]'
	refuses "RLIMIT_NOFILE: hard limit 900 is more than the caller's own 500"
	config '.annotations["org.bryo.clamp"] = "true"'
	sh_run 'grep "open files" /proc/self/limits'
	has_line "lowered from 900 to 500"
	grep -qE '^Max open files +500 +500 ' <<<"$output"
}

@test "who has CAP_SYS_RESOURCE raises a hard limit" {
	sys_resource || skip "needs CAP_SYS_RESOURCE in the initial user namespace"
	make_bundle
	config '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 700, hard: 900}]'
	args grep "open files" /proc/self/limits
	run bash -c 'ulimit -n 500; exec "$@"' bash "$BRYO" --root "$ROOT" run -b "$BUNDLE" "$ID" 3>&-
	grep -qE '^Max open files +700 +900 ' <<<"$output"
}

# covers: process.oomScoreAdj
@test "oomScoreAdj is set" {
	make_bundle
	own=$(cat /proc/self/oom_score_adj)
	config '.process.oomScoreAdj = $o' --argjson o $((own < 500 ? 500 : own))
	sh_run 'cat /proc/self/oom_score_adj'
	[ "$output" = $((own < 500 ? 500 : own)) ]
	config 'del(.process.oomScoreAdj)'
	sh_run 'cat /proc/self/oom_score_adj'
	[ "$output" = "$own" ]
	for v in 1001 -1001; do
		config ".process.oomScoreAdj = $v"
		refuses "process.oomScoreAdj: $v is not in -1000..1000"
	done
}

may_have_oom_score() { (echo "$1" >"/proc/$BASHPID/oom_score_adj") 2>/dev/null; }

@test "an oomScoreAdj that the caller had before it raised its own, as containerd's shim does" {
	own=$(cat /proc/self/oom_score_adj)
	[ "$own" -lt 1000 ] || skip "needs an OOM score that can be raised"
	make_bundle
	config '.process.oomScoreAdj = $o' --argjson o "$own"
	args sh -c 'cat /proc/self/oom_score_adj'
	run bash -c 'echo $1 >/proc/$$/oom_score_adj; shift; "$@"; cat /proc/$$/oom_score_adj' bash \
		$((own + 1)) "$BRYO" --root "$ROOT" run -b "$BUNDLE" "$ID" 3>&-
	[ "$output" = "$(printf '%s\n' "$own" $((own + 1)))" ]
	create_container
	echo '{"args": ["cat", "/proc/self/oom_score_adj"], "cwd": "/", "oomScoreAdj": '"$own"'}' >process.json
	run bash -c 'echo $1 >/proc/$$/oom_score_adj; shift; "$@"' bash \
		$((own + 1)) "$BRYO" --root "$ROOT" exec --process process.json "$ID" 3>&-
	[ "$output" = "$own" ]
}

@test "an oomScoreAdj below the caller's is refused with both numbers, or clamped on request" {
	own=$(cat /proc/self/oom_score_adj)
	make_bundle
	config ".process.oomScoreAdj = $((own - 1))"
	if may_have_oom_score $((own - 1)); then
		sh_run 'cat /proc/self/oom_score_adj'
		[ "$output" = $((own - 1)) ]
		return
	fi
	refuses "process.oomScoreAdj: $((own - 1)) is lower than the caller's own $own"
	config '.annotations["org.bryo.clamp"] = "true"'
	sh_run 'cat /proc/self/oom_score_adj'
	has_line "raised from $((own - 1)) to $own"
	[ "${lines[-1]}" = "$own" ]
}

# ------------------------------------------------------------------------------ terminal

# covers: process.consoleSize.height process.consoleSize.width
@test "consoleSize is the terminal's size where the caller has none" {
	requires cmd:script
	make_bundle
	config '.process.terminal = true | .process.consoleSize = {height: 41, width: 123}'
	args stty size
	run script -qec "'$BRYO' --root '$ROOT' run -b '$BUNDLE' '$ID'" /dev/null </dev/null 3>&-
	has_line "41 123"
}

# ------------------------------------------------------------------- what asks for little

@test "labels that are empty ask for nothing" {
	make_bundle
	config '.process.apparmorProfile = "" | .process.selinuxLabel = "" | .linux.mountLabel = ""'
	sh_run 'echo good'
	[ "$output" = good ]
}

# covers: org.bryo.limits linux.resources.memory.limit linux.resources.memory.swap
# covers: linux.resources.pids.limit linux.resources.cpu.shares linux.resources.cpu.quota
# covers: linux.resources.blockIO.weight
@test "limits that are asked for are one warning that names them" {
	make_bundle
	config '.linux.resources = {memory: {limit: 1048576, swap: -1}, pids: {limit: 0}, cpu: {shares: 0, quota: 1000},
		blockIO: {weight: 0}, devices: [{allow: false, access: "rwm"}], hugepageLimits: []}'
	run --separate-stderr bryo run -b "$BUNDLE" "$ID" <<<""
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ $stderr == *"memory.limit, cpu.quota, pids.limit"* ]]
	[[ $stderr != *swap* && $stderr != *shares* && $stderr != *weight* && $stderr != *devices* ]]
	config '.annotations["org.bryo.limits"] = "required"'
	refuses "memory.limit, cpu.quota, pids.limit cannot be enforced"
	config '.annotations["org.bryo.limits"] = "whatever"'
	refuses "org.bryo.limits: unknown value 'whatever'"
	config '.linux.resources = {devices: [{allow: false, access: "rwm"}]} | .annotations["org.bryo.limits"] = "required"'
	sh_run 'echo good'
	[ "$output" = good ]
}

@test "an annotation of bryo's that is misspelt is a warning; all of the man page are known" {
	local names

	make_bundle
	args true
	config '.annotations = {"org.bryo.die-with-parent": "true", "org.example.other": "x", "org.bryo": "x"}'
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	has_line "annotations: 'org.bryo.die-with-parent' has no effect"
	[ "$(grep -c "has no effect" <<<"$output")" -eq 1 ]

	names=$(sed -n 's/^\.It Cm \(org\.bryo\.[A-Za-z.]*\).*/\1/p' "$BATS_TEST_DIRNAME/../../man/bryo.1")
	[ "$(wc -l <<<"$names")" -gt 10 ]
	config '.annotations = ($names | split("\n") | map({(.): "x"}) | add +
		{"org.bryo.network": "none", "org.bryo.publish": "8080:80", "org.bryo.idmap": "single", "org.bryo.proc": "new"})' --arg names "$names"
	run bryo plan -b "$BUNDLE"
	has_line "org.bryo.init"
	not has_line "has no effect"
}

# covers: annotations
@test "annotations are in the state" {
	make_bundle
	config '.annotations = {"a.b/c": "one", "empty": ""}'
	create_container
	run bryo state "$ID"
	[ "$(jq -c .annotations <<<"$output")" = '{"a.b/c":"one","empty":""}' ]
}
