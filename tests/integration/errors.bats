#!/usr/bin/env bats
# Bad input: what the user gets. One line on stderr per violation, with step, object, meaning and
# remedy; runc's exit code; nothing left behind (tests/lib/errors.bash looks).

bats_require_minimum_version 1.5.0
load ../lib/bryo
load ../lib/errors

setup() { bryo_setup; }
teardown() { bryo_teardown; }

# document TEXT: is the config.json, whatever it is
document() {
	mkdir -p "$BUNDLE/rootfs"
	printf '%s' "$1" >"$BUNDLE/config.json"
}

# -------------------------------------------------------------------------- config.json

@test "a bundle without config.json: named, with the command that writes one" {
	mkdir "$BUNDLE"
	refuses "config.json" "No such file or directory" "bryo spec" "--bundle"
}

@test "a bundle that does not exist is named" {
	refused 1 bryo run -b "$T/nowhere" "$ID"
	says "bundle" "$T/nowhere" "No such file or directory"
}

@test "a bundle that is a file is named" {
	touch "$T/file"
	refused 1 bryo run -b "$T/file" "$ID"
	says "bundle" "$T/file" "Not a directory"
}

@test "a config.json that may not be read" {
	[ "$(id -u)" != 0 ] || skip "needs a caller whom file modes bind: this one has CAP_DAC_OVERRIDE"
	document '{}'
	chmod 0 "$BUNDLE/config.json"
	refuses "config.json" "Permission denied"
}

@test "a config.json that is a directory" {
	mkdir -p "$BUNDLE/config.json"
	refuses "config.json" "directory"
}

@test "a config.json that is a fifo is refused and not waited for" {
	mkdir "$BUNDLE"
	mkfifo "$BUNDLE/config.json"
	BRYO_TIMEOUT=5 refuses "config.json" "regular file"
}

@test "an empty config.json" {
	document ''
	refuses "config.json" "empty"
}

@test "a truncated config.json: line and column of the end" {
	document '{ "ociVersion": "1.0.2",
  "process": { "args": ["sh"'
	refuses "config.json" "2:" "ends"
}

@test "a config.json that is no object" {
	document '[]'
	refuses "config.json" "object"
}

@test "two documents in config.json" {
	document '{} {}'
	refuses "config.json" "1:"
}

@test "a config.json over 8 MiB is refused with the limit, whatever is in it" {
	mkdir -p "$BUNDLE/rootfs"
	truncate -s $((8 * 1024 * 1024 + 1)) "$BUNDLE/config.json"
	refuses "config.json" "8 MiB"
}

@test "a config.json of 4 MiB is taken" {
	make_bundle
	args true
	config '.annotations.pad = ("x" * 4100000)'
	bryo run -b "$BUNDLE" "$ID"
}

@test "a config.json nested 10,000 deep is refused and crashes nobody" {
	document "{\"annotations\": $(head -c 10000 /dev/zero | tr '\0' '[')$(head -c 10000 /dev/zero | tr '\0' ']')}"
	refuses "config.json" "deep"
}

@test "a config.json that is not UTF-8" {
	document $'{ "hostname": "\xff\xfe" }'
	refuses "config.json" "UTF-8"
}

@test "a key that comes twice is named, with line and column" {
	document '{ "ociVersion": "1.0.2",
  "hostname": "a",
  "hostname": "b" }'
	refuses "config.json" "3:" "hostname" "twice"
}

@test "a value of the wrong type: place, field path, what it is and what it should be" {
	make_bundle empty
	config '.process.user.uid = "0"'
	refuses "config.json" "process.user.uid" "string" "number"
}

@test "capabilities as a list are from before 1.0, and it says so" {
	make_bundle empty
	config '.process.capabilities = ["CAP_KILL"]'
	refuses "process.capabilities" "before runtime-spec 1.0"
}

@test "numbers out of range are not cut to size" {
	make_bundle empty
	config '.process.user.uid = 4294967296'
	refuses "process.user.uid" "4294967296"
	config '.process.user.uid = -1'
	refuses "process.user.uid" "-1"
	config '.process.user.uid = 1.5'
	refuses "process.user.uid" "1.5"
}

@test "control characters from the config do not reach the terminal, nor break the line" {
	make_bundle empty
	config '.process.cwd = "a\nb\u001b[2J"'
	refuses "process.cwd" "a?b?[2J"
}

# --------------------------------------------------------------------- what the config asks

@test "no root, no process, no args: each is named" {
	make_bundle empty
	config 'del(.root)'
	refuses "root.path" "missing"
	make_bundle empty
	config 'del(.process)'
	refuses "process"
	make_bundle empty
	config '.process.args = []'
	refuses "process.args" "empty"
}

@test "a root file system that is missing: its path, and what should be there" {
	make_bundle empty
	rmdir "$BUNDLE/rootfs"
	refuses "root" "$BUNDLE/rootfs" "No such file or directory"
}

@test "a root file system that is a file" {
	make_bundle empty
	rmdir "$BUNDLE/rootfs"
	touch "$BUNDLE/rootfs"
	refuses "root" "$BUNDLE/rootfs" "irectory"
}

@test "a working directory that is not absolute" {
	make_bundle empty
	config '.process.cwd = "tmp"'
	refuses "process.cwd" "'tmp'" "absolute"
}

@test "a working directory that is a file" {
	make_bundle
	config '.process.cwd = "/etc/passwd"'
	refuses "/etc/passwd" "Not a directory" "process.cwd"
}

@test "a working directory that is missing and cannot be made" {
	make_bundle
	config '.process.cwd = "/proc/not/there"'
	refuses "/proc/not/there" "No such file or directory" "process.cwd"
}

@test "an unknown namespace type lists the known ones" {
	make_bundle empty
	config '.linux.namespaces += [{"type": "net"}]'
	refuses "linux.namespaces" "'net'" "network" "cgroup" "time"
}

@test "a namespace that is listed twice" {
	make_bundle empty
	config '.linux.namespaces += [{"type": "pid"}]'
	refuses "linux.namespaces" "'pid'" "twice"
}

@test "no mount namespace: says what would happen, and what to add" {
	make_bundle empty
	config '.linux.namespaces |= map(select(.type != "mount"))'
	refuses "linux.namespaces" "mount namespace" "host" "add"
}

@test "a namespace by a path that is missing, and by one of the wrong type" {
	make_bundle
	config '(.linux.namespaces[] | select(.type == "uts")).path = "/proc/nowhere"'
	refuses "uts" "/proc/nowhere" "No such file or directory"
	config '(.linux.namespaces[] | select(.type == "uts")).path = "/proc/self/ns/ipc"'
	refuses "uts" "/proc/self/ns/ipc" "not a namespace of that type"
}

@test "a hostname that is too long for the kernel" {
	local word

	make_bundle empty
	for word in hostname domainname; do
		config 'del(.hostname, .domainname) | .[$w] = "x" * 65' --arg w $word
		refuses "$word has 65 bytes" "64 at most"
	done
}

@test "a hostname without a uts namespace would be the host's" {
	make_bundle empty
	config '.hostname = "box" | .linux.namespaces |= map(select(.type != "uts"))'
	refuses "hostname" "uts"
}

@test "an unknown rlimit, one that is listed twice, a soft limit over the hard one" {
	make_bundle empty
	config '.process.rlimits = [{"type": "RLIMIT_BOGUS", "soft": 1, "hard": 1}]'
	refuses "process.rlimits[0]" "RLIMIT_BOGUS" "getrlimit"
	config '.process.rlimits = [{"type": "RLIMIT_CORE", "soft": 1, "hard": 1}, {"type": "RLIMIT_CORE", "soft": 1, "hard": 1}]'
	refuses "process.rlimits[1]" "RLIMIT_CORE" "twice"
	config '.process.rlimits = [{"type": "RLIMIT_CORE", "soft": 2, "hard": 1}]'
	refuses "process.rlimits[0]" "RLIMIT_CORE" "soft" "hard"
}

@test "row 52: a hard limit above the caller's own: both numbers, and the ways out" {
	requires user
	make_bundle empty
	config '.process.rlimits = [{"type": "RLIMIT_NOFILE", "soft": 8, "hard": 4000000}]'
	ulimit -n 1000
	refuses "process.rlimits" "RLIMIT_NOFILE" "4000000" "1000" "org.bryo.clamp"
}

@test "row 53: an OOM score below the caller's own: both numbers, and the ways out" {
	requires user
	make_bundle empty
	config '.process.oomScoreAdj = -999'
	refuses "process.oomScoreAdj" "-999" "$(cat /proc/self/oom_score_adj)" "org.bryo.clamp"
}

@test "an unknown capability is a warning that names it" {
	make_bundle
	args true
	config '.process.capabilities.bounding += ["CAP_BOGUS"]'
	run --separate-stderr bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	says "CAP_BOGUS"
	lines_are 1
}

@test "an environment entry without = is named by its place" {
	make_bundle empty
	config '.process.env = ["A=1", "SECRETVALUE"]'
	refuses "process.env[1]" "NAME=VALUE"
	[[ $stderr != *SECRETVALUE* ]]
}

@test "several violations give as many lines, each complete" {
	make_bundle empty
	config '.process.cwd = "tmp" | .process.rlimits = [{"type": "RLIMIT_BOGUS", "soft": 1, "hard": 1}] |
		.linux.sysctl = {"kernel.panic": "1"} | .mounts += [{"destination": "/m", "options": ["bind"]}]'
	refused 1 bryo run -b "$BUNDLE" "$ID"
	lines_are 4
	says "process.cwd" "'tmp'"
	says "RLIMIT_BOGUS" "getrlimit"
	says "linux.sysctl" "kernel.panic"
	says "mounts[" "'/m'" "source"
}

# -------------------------------------------------------------------------- the program

@test "a program that is not in PATH: the text that engines look for, and the PATH" {
	make_bundle
	args no-such-program
	refuses 'executable file not found in $PATH' "'no-such-program'" "/usr/local/sbin:"
}

@test "a program by path that is missing" {
	make_bundle
	args /bin/no-such-program
	refuses "'/bin/no-such-program'" "no such file or directory"
}

@test "a program that is not executable" {
	make_bundle
	args /etc/passwd
	refuses "'/etc/passwd'" "permission denied" "execut"
}

@test "a program that is a directory, or a FIFO" {
	make_bundle
	args /etc
	refuses "'/etc'" "permission denied" "directory"
	mkfifo -m 755 "$BUNDLE/rootfs/bin/fifo"
	args fifo
	refuses "'fifo'" "permission denied" "'/bin/fifo' is not a regular file"
}

@test "a script whose interpreter is missing: says that it is the interpreter" {
	make_bundle
	printf '#!/no/such/interpreter\n' >"$BUNDLE/rootfs/bin/script"
	chmod 755 "$BUNDLE/rootfs/bin/script"
	args /bin/script
	refused 1 bryo run -b "$BUNDLE" "$ID"
	says "'/bin/script'" "no such file or directory" "interpreter" "/no/such/interpreter"
	lines_are 1
}

@test "a file that is no program: exec format error" {
	make_bundle
	printf '\0\0\0\0' >"$BUNDLE/rootfs/bin/junk"
	chmod 755 "$BUNDLE/rootfs/bin/junk"
	args /bin/junk
	refused 1 bryo run -b "$BUNDLE" "$ID"
	says "'/bin/junk'" "xec format error"
	lines_are 1
}

@test "row 24: a program on a noexec mount: permission denied, because of noexec" {
	make_bundle
	cp "$BUNDLE/rootfs/bin/busybox" "$T/true"
	config '.mounts += [{"destination": "/opt", "type": "bind", "source": $t, "options": ["bind", "noexec"]}]' --arg t "$T"
	args /opt/true
	refuses "'/opt/true'" "permission denied" "noexec"
	args true
	config '.process.env = ["PATH=/sbin:/opt"]'
	refuses "exec 'true'" "permission denied" "'/opt/true'" "noexec"
	# a directory of PATH that the user may not enter
	mkdir "$BUNDLE/rootfs/closed"
	cp "$T/true" "$BUNDLE/rootfs/closed"
	chmod 0 "$BUNDLE/rootfs/closed"
	config '.process.env = ["PATH=/closed"] | .process.user = {uid: 1, gid: 1}'
	refuses "exec 'true'" "permission denied" "may not enter" "'/closed/true'"
}

@test "create finds a missing program before start does" {
	make_bundle
	args no-such-program
	refused 1 bryo create -b "$BUNDLE" "$ID"
	says 'executable file not found in $PATH'
}

# ------------------------------------------------------------------------------- secrets

@test "row 76: no value of the environment is in messages or logs, also with --debug" {
	make_bundle
	config '.process.env += ["TOKEN=hunter2hunter2"] | .process.args = ["no-such-program"]'
	for format in text json; do
		refused 1 bryo --debug --log "$T/log.before" --log-format "$format" run -b "$BUNDLE" "$ID"
		[ -s "$T/log.before" ]
		[[ $stderr != *hunter2* ]]
		run ! grep hunter2 "$T/log.before"
	done
	args sleep 100
	run_detached
	run bryo --debug exec -e SECRET=hunter3hunter3 "$ID" no-such-program
	[ "$status" -eq 255 ]
	[[ $output != *hunter* ]]
}

@test "row 75: the message is the same on stderr and in the log, one line, as JSON if asked" {
	make_bundle
	args no-such-program
	refused 1 bryo --log "$T/log.before" --log-format json run -b "$BUNDLE" "$ID"
	[ "$(wc -l <"$T/log.before")" -eq 1 ]
	[ "$(jq -r .level "$T/log.before")" = error ]
	says "$(jq -r .msg "$T/log.before")"
}

# Passed over, less would be around the program than was asked for.
# covers: run.oci.handler run.oci.seccomp_bpf_data run.oci.seccomp.plugins
@test "annotations of crun's that are not here are refused, not passed over" {
	local name

	make_bundle
	args true
	for name in run.oci.handler run.oci.seccomp_bpf_data run.oci.seccomp.plugins; do
		config '.annotations = {($n): "x"}' --arg n $name
		refuses "annotation $name" "not supported" "take it out"
	done
}
