#!/usr/bin/env bats
# Scheduler, I/O priority, affinity, personality, memory policy, labels and the session keyring, as
# the program finds them (tests/lib/inspect.c); the same for exec; and what is refused, with its
# reason. No machine of ours has AppArmor or SELinux: their files are tried on a fake tree in
# tests/unit/test_lsm.c, and here only the refusal.

bats_require_minimum_version 1.5.0
load ../lib/bryo

setup() {
	bryo_setup
	requires userns
	INSPECT=${BRYO_BUILD:-$BATS_TEST_DIRNAME/../..}/tests/lib/inspect
	if [ ! -x "$INSPECT" ] || ldd "$INSPECT" >/dev/null 2>&1; then
		INSPECT=$BATS_FILE_TMPDIR/inspect
		[ -x "$INSPECT" ] ||
			${CC:-cc} -D_GNU_SOURCE -O1 -static -o "$INSPECT" "$BATS_TEST_DIRNAME/../lib/inspect.c"
	fi
	make_bundle
	cp "$INSPECT" "$BUNDLE/rootfs/bin/inspect"
	config '.process.noNewPrivileges = true | .root.readonly = false'
	cp "$BUNDLE/config.json" "$T/plain.json"
	args inspect
}

plain() { cp "$T/plain.json" "$BUNDLE/config.json"; args inspect; }

inspected() { # inspected LINE...: run prints these
	local line

	run bryo run -b "$BUNDLE" "$ID" </dev/null
	[ "$status" -eq 0 ] || { echo "$output" >&2; return 1; }
	for line; do
		grep -qxF -- "$line" <<<"$output" || { printf 'no "%s" in:\n%s\n' "$line" "$output" >&2; return 1; }
	done
}

refused() { # refused TEXT...: nothing starts, one line for each
	local text

	run bryo run -b "$BUNDLE" "$ID" </dev/null
	[ "$status" -eq 1 ]
	[ "${#lines[@]}" -eq $# ] || { echo "$output" >&2; return 1; }
	for text; do
		has_line "$text"
	done
	[ -z "$(bryo list -q)" ]
}

sys_nice() { # may the container's process have any priority: real root, and no user namespace
	[ "$(id -u)" = 0 ] && in_initial_userns
}

# --------------------------------------------------------------------------- scheduler

# covers: process.scheduler.policy, process.scheduler.nice, process.scheduler.flags
@test "a policy that needs no privilege is set, with nice and flags" {
	local nice
	nice=$(nice)
	config '.process.scheduler = {policy: "SCHED_BATCH", nice: 12}'
	inspected "scheduler BATCH nice 12 priority 0 flags 0"
	config '.process.scheduler = {policy: "SCHED_IDLE"}'
	inspected "scheduler IDLE nice $nice priority 0 flags 0"
	config '.process.scheduler = {policy: "SCHED_OTHER", nice: 7, flags: ["SCHED_FLAG_RESET_ON_FORK"]}'
	inspected "scheduler OTHER nice 7 priority 0 flags 0x1"
}

@test "nice that is not given stays the caller's" {
	config '.process.scheduler = {policy: "SCHED_BATCH"}'
	run nice -n 5 timeout 30 "$BRYO" --root "$ROOT" run -b "$BUNDLE" "$ID" </dev/null 3>&-
	has_line "scheduler BATCH nice $(nice -n 5 nice)"
}

@test "nice for a policy that has none is a warning" {
	config '.process.scheduler = {policy: "SCHED_IDLE", nice: 5}'
	run bryo run -b "$BUNDLE" "$ID" </dev/null
	has_line "process.scheduler.nice: means nothing to SCHED_IDLE"
	has_line "scheduler IDLE"
}

# covers: process.scheduler.policy, process.scheduler.priority
@test "real-time policies as root" {
	requires root
	config '.process.scheduler = {policy: "SCHED_FIFO", priority: 7} | .process.rlimits = []'
	inspected "scheduler FIFO nice 0 priority 7 flags 0"
	config '.process.scheduler = {policy: "SCHED_RR", priority: 99, flags: ["SCHED_FLAG_RESET_ON_FORK"]}'
	inspected "scheduler RR nice 0 priority 99 flags 0x1"
	config '.process.scheduler = {policy: "SCHED_OTHER", nice: -20}'
	inspected "scheduler OTHER nice -20 priority 0 flags 0"
}

# covers: process.scheduler.runtime, process.scheduler.deadline, process.scheduler.period
@test "a deadline as root" {
	requires root
	config '.process.scheduler = {policy: "SCHED_DEADLINE", runtime: 1000000, deadline: 20000000, period: 100000000}'
	inspected "deadline 1000000 20000000 100000000"
	has_line "scheduler DEADLINE"
	config 'del(.process.scheduler.period)'
	inspected "deadline 1000000 20000000 20000000"
}

# covers: process.scheduler.policy, process.scheduler.priority, process.rlimits[].type
@test "a user may go as far as RLIMIT_RTPRIO and RLIMIT_NICE, and is told which it is" {
	requires_test_user
	prlimit --rtprio=4:4 --nice=23:23 true 2>/dev/null || skip "needs CAP_SYS_RESOURCE to raise limits"
	chmod 755 "$T"
	chown -R "$BRYO_TEST_USER:" "$ROOT" "$BUNDLE" "$T/run" "$T/cache"
	limited() { # limited PRLIMIT...: run as that user
		(prlimit --pid $BASHPID "$@" && as_user XDG_RUNTIME_DIR="$T/run" timeout 30 "$BRYO" --root "$ROOT" run -b "$BUNDLE" "$ID")
	}
	rm "$BUNDLE/config.json"
	(cd "$BUNDLE" && as_user "$BRYO" spec)
	config '.process.terminal = false | .process.rlimits = [] | .process.args = ["inspect"]'
	config '.process.scheduler = {policy: "SCHED_RR", priority: 4}'
	run limited --rtprio=4:4
	has_line "scheduler RR nice 0 priority 4"
	run limited --rtprio=3:4
	[ "$status" -eq 1 ]
	has_line "process.scheduler: SCHED_RR with priority 4, and the limit RLIMIT_RTPRIO is 3"
	has_line "have root raise rtprio"
	# the limit of the config is the one that counts
	config '.process.rlimits = [{type: "RLIMIT_RTPRIO", soft: 4, hard: 4}]'
	run limited --rtprio=3:4
	has_line "scheduler RR nice 0 priority 4"
	config '.process.scheduler = {policy: "SCHED_OTHER", nice: -3} | .process.rlimits = []'
	run limited --nice=23:23
	has_line "scheduler OTHER nice -3"
	run limited --nice=22:23
	has_line "process.scheduler.nice: -3 is lower than the caller's own 0, and the limit RLIMIT_NICE is 22"
}

@test "what needs CAP_SYS_NICE is refused before anything is made, with the reason" {
	sys_nice && config '.linux.namespaces += [{type: "user"}] |
		.linux.uidMappings = [{containerID: 0, hostID: 0, size: 65536}] | .linux.gidMappings = .linux.uidMappings'
	ulimit -r 0
	config '.process.scheduler = {policy: "SCHED_FIFO", priority: 1}'
	refused "process.scheduler: SCHED_FIFO with priority 1, and the limit RLIMIT_RTPRIO is 0"
	config '.process.scheduler = {policy: "SCHED_DEADLINE", runtime: 2048, deadline: 4096}'
	refused "process.scheduler: SCHED_DEADLINE needs CAP_SYS_NICE in the initial user namespace"
	ulimit -e 0
	config '.process.scheduler = {policy: "SCHED_OTHER", nice: -3}'
	refused "process.scheduler.nice: -3 is lower than the caller's own 0, and the limit RLIMIT_NICE is 0"
	config '.process.scheduler = null | .process.ioPriority = {class: "IOPRIO_CLASS_RT", priority: 0}'
	refused "process.ioPriority: IOPRIO_CLASS_RT needs CAP_SYS_NICE in the initial user namespace"
}

# covers: process.scheduler.policy
@test "SCHED_ISO is known, and that Linux does not have it" {
	config '.process.scheduler = {policy: "SCHED_ISO"}'
	run bryo run -b "$BUNDLE" "$ID" </dev/null
	[ "$status" -ne 0 ]
	has_line "process.scheduler: set SCHED_ISO: Invalid argument"
	has_line "does not implement it"
}

# covers: process.scheduler.*, process.ioPriority.*
@test "values that the kernel would refuse are refused by name" {
	for row in '{policy: "SCHED_WRONG"}|process.scheduler.policy: unknown value '"'SCHED_WRONG'" \
		'{policy: "SCHED_OTHER", nice: -21}|process.scheduler.nice: -21 is not in -20..19' \
		'{policy: "SCHED_BATCH", nice: 20}|process.scheduler.nice: 20 is not in -20..19' \
		'{policy: "SCHED_FIFO"}|process.scheduler.priority: 0 is not in 1..99' \
		'{policy: "SCHED_RR", priority: 100}|process.scheduler.priority: 100 is not in 1..99' \
		'{policy: "SCHED_OTHER", priority: 1}|process.scheduler.priority is for SCHED_FIFO and SCHED_RR only' \
		'{policy: "SCHED_OTHER", runtime: 1}|runtime, deadline and period are for SCHED_DEADLINE only' \
		'{policy: "SCHED_DEADLINE", runtime: 1023, deadline: 5000}|are from 1024 ns to 2^63-1 ns' \
		'{policy: "SCHED_DEADLINE", runtime: 2048, deadline: 2000}|wants runtime <= deadline <= period, has 2048, 2000, 2000' \
		'{policy: "SCHED_DEADLINE", runtime: 2048, deadline: 9000, period: 8000}|wants runtime <= deadline <= period' \
		'{policy: "SCHED_OTHER", flags: ["SCHED_FLAG_X"]}|process.scheduler.flags: unknown value '"'SCHED_FLAG_X'"; do
		config ".process.scheduler = ${row%%|*}"
		refused "${row#*|}"
	done
	plain
	for row in '{class: "IOPRIO_CLASS_X"}|process.ioPriority.class: unknown value '"'IOPRIO_CLASS_X'" \
		'{class: "IOPRIO_CLASS_BE", priority: 8}|process.ioPriority.priority: 8 is not in 0..7' \
		'{class: "IOPRIO_CLASS_BE", priority: -1}|process.ioPriority.priority: -1 is not in 0..7'; do
		config ".process.ioPriority = ${row%%|*}"
		refused "${row#*|}"
	done
}

# -------------------------------------------------------------------------- I/O priority

# covers: process.ioPriority.class, process.ioPriority.priority
@test "the I/O priority is set" {
	config '.process.ioPriority = {class: "IOPRIO_CLASS_BE", priority: 6}'
	inspected "ioprio 2 6"
	config '.process.ioPriority = {class: "IOPRIO_CLASS_IDLE", priority: 0}'
	inspected "ioprio 3 0"
	config '.process.ioPriority = {class: "IOPRIO_CLASS_BE"}'
	inspected "ioprio 2 0"
}

@test "the real-time class as root" {
	requires root
	config '.process.ioPriority = {class: "IOPRIO_CLASS_RT", priority: 3}'
	inspected "ioprio 1 3"
}

# --------------------------------------------------------------------------- personality

# covers: linux.personality.domain, linux.personality.flags
@test "the personality is set, and undone where the caller has another" {
	setarch "$(uname -m)" true && setarch linux32 true 2>/dev/null || skip "needs a machine that runs 32-bit programs"
	config '.linux.personality = {domain: "LINUX32"}'
	inspected "personality 0x8"
	config '.linux.personality = {domain: "LINUX"}'
	run setarch linux32 timeout 30 "$BRYO" --root "$ROOT" run -b "$BUNDLE" "$ID" </dev/null 3>&-
	has_line "personality 0"
	[[ $output != *"personality 0x8"* ]]
	config '.linux.personality.flags = ["ADDR_NO_RANDOMIZE"]'
	run bryo run -b "$BUNDLE" "$ID" </dev/null
	has_line "linux.personality.flags: ignored (the specification defines none)"
	has_line "personality 0"
	config '.linux.personality = {domain: "BSD"}'
	refused "linux.personality.domain: unknown value 'BSD'"
}

# ------------------------------------------------------------------------- memory policy

numa() { [ -e /proc/self/numa_maps ] || skip "needs a kernel with NUMA"; }

# covers: linux.memoryPolicy.mode, linux.memoryPolicy.nodes, linux.memoryPolicy.flags
@test "every mode of the memory policy is set" {
	numa
	for row in 'MPOL_BIND|"0"|2 flags 0 nodes 0x1' 'MPOL_INTERLEAVE|"0"|3 flags 0 nodes 0x1' \
		'MPOL_PREFERRED|"0"|1 flags 0 nodes 0x1' 'MPOL_PREFERRED|null|4 flags 0 nodes 0' \
		'MPOL_LOCAL|null|4 flags 0 nodes 0' 'MPOL_DEFAULT|""|0 flags 0 nodes 0'; do
		IFS='|' read -r mode nodes want <<<"$row"
		config ".linux.memoryPolicy = {mode: \"$mode\", nodes: $nodes}"
		inspected "mempolicy $want"
	done
	config '.linux.memoryPolicy = {mode: "MPOL_BIND", nodes: "0", flags: ["MPOL_F_STATIC_NODES"]}'
	inspected "mempolicy 2 flags 0x8000 nodes 0x1"
	config '.linux.memoryPolicy = {mode: "MPOL_INTERLEAVE", nodes: "0", flags: ["MPOL_F_RELATIVE_NODES"]}'
	inspected "mempolicy 3 flags 0x4000 nodes 0x1"
	config '.linux.memoryPolicy = {mode: "MPOL_BIND", nodes: "0", flags: ["MPOL_F_NUMA_BALANCING"]}'
	inspected "mempolicy 2 flags 0x2000 nodes 0x1"
}

# covers: linux.memoryPolicy.mode
@test "the newer modes are set where the kernel has them" {
	numa
	local release
	release=$(uname -r | awk -F. '{ print $1 * 1000 + $2 }')
	[ "$release" -ge 5015 ] || skip "needs Linux 5.15"
	config '.linux.memoryPolicy = {mode: "MPOL_PREFERRED_MANY", nodes: "0"}'
	inspected "mempolicy 5 flags 0 nodes 0x1"
	[ "$release" -ge 6009 ] || skip "needs Linux 6.9"
	config '.linux.memoryPolicy = {mode: "MPOL_WEIGHTED_INTERLEAVE", nodes: "0"}'
	inspected "mempolicy 6 flags 0 nodes 0x1"
}

# covers: linux.memoryPolicy.*
@test "the rules of the memory policy are told by name" {
	for row in '{mode: "MPOL_X"}|linux.memoryPolicy.mode: unknown value '"'MPOL_X'" \
		'{mode: "MPOL_DEFAULT", nodes: "0"}|MPOL_DEFAULT takes no nodes, has 1' \
		'{mode: "MPOL_LOCAL", nodes: "0-1"}|MPOL_LOCAL takes no nodes, has 2' \
		'{mode: "MPOL_BIND"}|MPOL_BIND needs at least one node' \
		'{mode: "MPOL_INTERLEAVE", nodes: ""}|MPOL_INTERLEAVE needs at least one node' \
		'{mode: "MPOL_WEIGHTED_INTERLEAVE"}|MPOL_WEIGHTED_INTERLEAVE needs at least one node' \
		'{mode: "MPOL_PREFERRED_MANY"}|MPOL_PREFERRED_MANY needs at least one node' \
		'{mode: "MPOL_BIND", nodes: "0-"}|linux.memoryPolicy.nodes: '"'0-' is not a list" \
		'{mode: "MPOL_BIND", nodes: "1024"}|linux.memoryPolicy.nodes: '"'1024' is not a list" \
		'{mode: "MPOL_BIND", nodes: "0", flags: ["MPOL_F_X"]}|linux.memoryPolicy.flags: unknown value' \
		'{mode: "MPOL_BIND", nodes: "0", flags: ["MPOL_F_STATIC_NODES", "MPOL_F_RELATIVE_NODES"]}|exclude each other' \
		'{mode: "MPOL_INTERLEAVE", nodes: "0", flags: ["MPOL_F_NUMA_BALANCING"]}|is for MPOL_BIND and MPOL_PREFERRED_MANY' \
		'{mode: "MPOL_LOCAL", flags: ["MPOL_F_STATIC_NODES"]}|there are no nodes'; do
		config ".linux.memoryPolicy = ${row%%|*}"
		refused "${row#*|}"
	done
}

@test "a node that is not there is refused when the policy is set" {
	numa
	[ ! -e /sys/devices/system/node/node1000 ] || skip "needs a machine with fewer nodes"
	config '.linux.memoryPolicy = {mode: "MPOL_BIND", nodes: "1000"}'
	run bryo run -b "$BUNDLE" "$ID" </dev/null
	[ "$status" -ne 0 ]
	has_line "linux.memoryPolicy: set MPOL_BIND: Invalid argument"
	has_line "nodes '1000' must be online and allowed"
}

# ---------------------------------------------------------------------------------- exec

# covers: process.execCPUAffinity.initial, process.execCPUAffinity.final
@test "exec starts and runs where execCPUAffinity says, the container itself does not" {
	local last
	last=$(($(nproc) - 1))
	[ "$last" -gt 0 ] || skip "needs two CPUs"
	config '.process.execCPUAffinity = {initial: "0"}'
	inspected "$("$INSPECT" | grep ^cpus)"
	args sleep 60
	create_container
	bryo start "$ID"
	run bryo exec "$ID" inspect
	grep -qx "cpus 0" <<<"$output"
	for row in '{final: "1"}|cpus 1' '{initial: "0", final: "0-1"}|cpus 0 1' '{initial: "1", final: ""}|cpus 1' \
		'{initial: "1,0"}|cpus 0 1'; do
		jq -n "{cwd: \"/\", args: [\"/bin/inspect\"], execCPUAffinity: ${row%%|*}}" >"$T/process.json"
		run bryo exec --process "$T/process.json" "$ID"
		grep -qx "${row#*|}" <<<"$output" || { echo "$row: $output" >&2; return 1; }
	done
	# the caller is where it was
	[ "$(taskset -cp $$)" = "$(taskset -cp $BASHPID | sed "s/pid [0-9]*/pid $$/")" ]
	for row in '{initial: "3-1"}|process.execCPUAffinity.initial: '"'3-1' is not a list" \
		'{final: "0,x"}|process.execCPUAffinity.final: '"'0,x' is not a list" \
		'{final: "8191"}|process.execCPUAffinity.final: '"'8191': Invalid argument" \
		'{initial: "8191"}|process.execCPUAffinity.initial: '"'8191': Invalid argument"; do
		jq -n "{cwd: \"/\", args: [\"/bin/inspect\"], execCPUAffinity: ${row%%|*}}" >"$T/process.json"
		run bryo exec --process "$T/process.json" "$ID"
		[ "$status" -eq 255 ]
		has_line "${row#*|}"
	done
}

# covers: process.scheduler.policy, process.ioPriority.class, linux.personality.domain, linux.memoryPolicy.mode
@test "exec gets the container's scheduler, I/O priority, personality and memory policy" {
	numa
	config '.process.scheduler = {policy: "SCHED_BATCH", nice: 11} | .process.ioPriority = {class: "IOPRIO_CLASS_IDLE", priority: 0} |
		.linux.memoryPolicy = {mode: "MPOL_LOCAL"} | .linux.personality = {domain: "LINUX"}'
	args sleep 60
	create_container
	bryo start "$ID"
	run bryo exec "$ID" inspect
	has_line "scheduler BATCH nice 11"
	has_line "ioprio 3 0"
	has_line "mempolicy 4"
	has_line "personality 0"
	jq -n '{cwd: "/", args: ["/bin/inspect"], scheduler: {policy: "SCHED_IDLE"}, ioPriority: {class: "IOPRIO_CLASS_BE", priority: 1}}' \
		>"$T/process.json"
	run bryo exec --process "$T/process.json" "$ID"
	has_line "scheduler IDLE"
	has_line "ioprio 2 1"
	# what a process object leaves out stays the container's
	jq -n '{cwd: "/", args: ["/bin/inspect"]}' >"$T/process.json"
	run bryo exec --process "$T/process.json" "$ID"
	has_line "scheduler BATCH nice 11"
	has_line "ioprio 3 0"
	jq -n '{cwd: "/", args: ["/bin/inspect"], scheduler: {policy: "SCHED_NO"}}' >"$T/process.json"
	run bryo exec --process "$T/process.json" "$ID"
	[ "$status" -eq 255 ]
	has_line "process.scheduler.policy: unknown value 'SCHED_NO'"
}

# ---------------------------------------------------------------------------------- plan

# covers: --format
@test "plan shows all of it, and nothing where nothing is asked for" {
	run bryo plan -b "$BUNDLE" "$ID"
	[[ $output != *scheduler* && $output != *personality* && $output != *"I/O"* ]]
	config '.process.scheduler = {policy: "SCHED_BATCH", nice: 11} | .process.ioPriority = {class: "IOPRIO_CLASS_IDLE", priority: 0} |
		.linux.memoryPolicy = {mode: "MPOL_BIND", nodes: "0", flags: ["MPOL_F_STATIC_NODES"]} |
		.linux.personality = {domain: "LINUX32"} | .process.execCPUAffinity = {final: "1"}'
	run bryo plan -b "$BUNDLE" "$ID"
	has_line "scheduler    SCHED_BATCH nice 11"
	has_line "I/O priority IOPRIO_CLASS_IDLE 0"
	has_line "exec runs on CPUs 1"
	has_line "memory       MPOL_BIND nodes 0 MPOL_F_STATIC_NODES"
	has_line "personality  LINUX32"
	run bryo plan -b "$BUNDLE" --format json "$ID"
	[ "$(jq -c '.process | [.scheduler.policy, .ioPriority.class, .execCPUAffinity.final, .memoryPolicy.flags, .personality]' <<<"$output")" = \
		'["SCHED_BATCH","IOPRIO_CLASS_IDLE","1",["MPOL_F_STATIC_NODES"],"LINUX32"]' ]
}

@test "features names the modes and flags of the memory policy, and the modules" {
	run bryo features
	[ "$(jq -c '.linux.memoryPolicy | [(.modes | length), (.flags | length)]' <<<"$output")" = '[7,3]' ]
	[ "$(jq -c '[.linux.apparmor.enabled, .linux.selinux.enabled]' <<<"$output")" = '[true,true]' ]
}

# ---------------------------------------------------------------------------------- labels

no_lsm() {
	[ ! -e /sys/module/apparmor ] || skip "needs a machine without AppArmor"
	[ ! -e /sys/fs/selinux/enforce ] || skip "needs a machine without SELinux"
}

# covers: process.apparmorProfile, process.selinuxLabel, linux.mountLabel
@test "a label is refused where its module is not active, all of them at once" {
	no_lsm
	config '.process.apparmorProfile = "p" | .process.selinuxLabel = "u:r:t:s0" | .linux.mountLabel = "u:o:t:s0:c1,c2"'
	refused "process.apparmorProfile: 'p' is asked for and AppArmor is not active" \
		"process.selinuxLabel: 'u:r:t:s0' is asked for and SELinux is not active" \
		"linux.mountLabel: 'u:o:t:s0:c1,c2' is asked for and SELinux is not active"
	plain
	config '.process.apparmorProfile = "unconfined"'
	inspected "personality 0"
}

# covers: exec --apparmor, exec --process-label
@test "the same for exec" {
	no_lsm
	args sleep 60
	create_container
	bryo start "$ID"
	run bryo exec --apparmor p "$ID" inspect
	[ "$status" -eq 255 ]
	has_line "process.apparmorProfile: 'p' is asked for and AppArmor is not active"
	run bryo exec --process-label l "$ID" inspect
	[ "$status" -eq 255 ]
	has_line "process.selinuxLabel: 'l' is asked for and SELinux is not active"
	run bryo exec --apparmor unconfined "$ID" true
	[ "$status" -eq 0 ]
}

# covers: linux.mountLabel, run.oci.mount_context_type
@test "where SELinux is active, plan labels the file systems that take one" {
	echo '{"selinux": true, "apparmor": true}' >"$T/host.json"
	rm "$BUNDLE/config.json"
	(cd "$BUNDLE" && "$BRYO" spec --rootless)
	config '.linux.uidMappings[].hostID = 1000 | .linux.gidMappings[].hostID = 1000'
	config '.linux.mountLabel = "u:o:t:s0:c1,c2" | .process.apparmorProfile = "p" | .process.selinuxLabel = "l"'
	run bryo plan -b "$BUNDLE" --host "$T/host.json" --format json "$ID"
	[ "$status" -eq 0 ]
	[ "$(jq -c '[.process.apparmorProfile, .process.selinuxLabel]' <<<"$output")" = '["p","l"]' ]
	[ "$(jq -r '.mounts[] | select(.data // [] | index("context=u:o:t:s0:c1,c2")) | .target' <<<"$output" | tr '\n' ' ')" = \
		"/dev /dev/pts /dev/shm " ]
	config '.annotations["run.oci.mount_context_type"] = "rootcontext"'
	run bryo plan -b "$BUNDLE" --host "$T/host.json" "$ID"
	has_line "rootcontext=u:o:t:s0:c1,c2"
	config '.annotations["run.oci.mount_context_type"] = "wrong"'
	run bryo plan -b "$BUNDLE" --host "$T/host.json" "$ID"
	[ "$status" -eq 1 ]
	has_line "run.oci.mount_context_type: unknown value 'wrong'"
}

# ---------------------------------------------------------------------------- keyring

keys_work() { "$INSPECT" session true 2>/dev/null || skip "needs keys: this kernel or an outer filter has none"; }

# covers: --no-new-keyring
@test "the caller's keys are out of reach for run and exec, unless --no-new-keyring" {
	keys_work
	config 'del(.linux.seccomp)'
	args sh -c 'inspect key secret; inspect | grep keyring; exec sleep 60'
	cat >"$T/in.sh" <<-'END'
		"$INSPECT" key secret VISIBLE
		timeout 30 "$BRYO" --root "$ROOT" run -d -b "$BUNDLE" "$ID" >"$T/out" 2>&1 </dev/null
		timeout 30 "$BRYO" --root "$ROOT" exec "$ID" inspect key secret >"$T/exec" 2>&1
		timeout 30 "$BRYO" --root "$ROOT" exec "$ID" inspect >>"$T/exec" 2>&1
		timeout 30 "$BRYO" --root "$ROOT" delete -f "$ID"
		timeout 30 "$BRYO" --root "$ROOT" run -d --no-new-keyring -b "$BUNDLE" "$ID" >"$T/out2" 2>&1 </dev/null
		timeout 30 "$BRYO" --root "$ROOT" exec "$ID" inspect key secret >"$T/exec2" 2>&1
	END
	export INSPECT BRYO ROOT BUNDLE ID T
	"$INSPECT" session sh "$T/in.sh" 3>&-
	wait_for 5 grep -q keyring "$T/out"
	not grep -q VISIBLE "$T/out" "$T/exec"
	grep -q "keyring .*;_ses.$ID$" "$T/out"
	grep -q "keyring .*;_ses.$ID$" "$T/exec"
	grep -q VISIBLE "$T/out2"
	grep -q VISIBLE "$T/exec2"
}

@test "exec joins the container's keyring where the container has its own user namespace" {
	keys_work
	config 'del(.linux.seccomp)'
	local has_userns=1
	! sys_nice || has_userns=
	args sh -c 'inspect key inside SHARED; echo made; exec sleep 60'
	run_detached
	wait_for 5 grep -q made "$T/$ID.out"
	run bryo exec "$ID" inspect key inside
	if [ "$has_userns" ]; then
		[ "$output" = "inside: SHARED" ]
	else
		[[ $output != *SHARED* ]]
	fi
}

# covers: --no-new-keyring
@test "a quota of keys that is used up is a warning that says which quota" {
	requires user
	in_initial_userns || skip "needs an ordinary user: root's quota is too large to use up"
	keys_work
	run "$INSPECT" keys timeout 30 "$BRYO" --root "$ROOT" run -b "$BUNDLE" "$ID" </dev/null 3>&-
	[ "$status" -eq 0 ]
	has_line "no new session keyring: Disk quota exceeded (this is the key quota, not disk"
	has_line "scheduler OTHER"
	run "$INSPECT" keys timeout 30 "$BRYO" --root "$ROOT" run --no-new-keyring -b "$BUNDLE" "$ID" </dev/null 3>&-
	[ "$status" -eq 0 ]
	[[ $output != *quota* ]]
}

@test "an outer filter or a kernel without keys is a warning" {
	for row in 'EPERM|Operation not permitted' 'ENOSYS|Function not implemented'; do
		run "$INSPECT" no-keyctl "${row%%|*}" timeout 30 "$BRYO" --root "$ROOT" run -b "$BUNDLE" "$ID" </dev/null 3>&-
		[ "$status" -eq 0 ] || [[ $output == *NoNewPrivs* ]] || { echo "$output" >&2; return 1; }
		[[ $output == *NoNewPrivs* ]] || has_line "no new session keyring: ${row#*|}"
	done
}
