#!/usr/bin/env bats
# linux.seccomp as the program feels it. Every check of the profile itself, and the compiled
# filter against each operator and action, are in tests/unit/test_seccomp.c.

bats_require_minimum_version 1.5.0
load ../lib/bryo

setup() {
	bryo_setup
	"$BRYO" --version 3>&- | grep -q '^+.*SECCOMP' || skip "needs seccomp: this bryo was built without it"
}

refuses() {
	args echo STARTED
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	[[ $output != *STARTED* ]]
	has_line "$1"
	[ "${#lines[@]}" -eq 1 ]
	[ -z "$(bryo list -q)" ]
}

sh_run() {
	args sh -c "$1"
	run bryo run -b "$BUNDLE" "$ID"
}

# profile DEFAULT [RULE...]
profile() {
	local def=$1 rules

	shift
	rules=$(printf ',%s' "$@")
	config ".linux.seccomp = {defaultAction: \"$def\", syscalls: [${rules:1}]}"
}
deny() { # deny SYSCALL [ERRNO] [ARGS]
	echo "{names: [\"$1\"], action: \"SCMP_ACT_ERRNO\"${2:+, errnoRet: $2}${3:+, args: [$3]}}"
}
may_chroot() { # the program could, but for the filter
	config '.process.capabilities = ({bounding: ["CAP_SYS_CHROOT", "CAP_SYS_ADMIN"]} | .permitted = .bounding | .effective = .bounding)'
}

# covers: linux.seccomp.defaultAction linux.seccomp.syscalls[].names
# covers: linux.seccomp.syscalls[].action
@test "a denied call is denied, with EPERM or what errnoRet says" {
	make_bundle
	may_chroot
	sh_run 'chroot / true && echo could'
	[ "$output" = could ]
	profile SCMP_ACT_ALLOW "$(deny chroot)"
	sh_run 'chroot / true'
	[ "$status" -eq 1 ]
	has_line "Operation not permitted"
	profile SCMP_ACT_ALLOW "$(deny chroot 28)"
	sh_run 'chroot / true'
	has_line "No space left on device"
	sh_run 'grep -E "^Seccomp:" /proc/self/status'
	[ "$output" = "Seccomp:	2" ]
}

@test "with and without noNewPrivileges; without, it needs no right that the program lacks" {
	make_bundle
	profile SCMP_ACT_ALLOW "$(deny mkdir 13)" "$(deny mkdirat 13)"
	for v in true false; do
		config ".process.noNewPrivileges = $v | .process.capabilities = {}"
		sh_run 'mkdir /dev/shm/x; grep -E "^(NoNewPrivs|Seccomp):" /proc/self/status'
		has_line "Permission denied"
		has_line "NoNewPrivs:	$([ $v = true ] && echo 1 || echo 0)"
		has_line "Seccomp:	2"
	done
}

# covers: linux.seccomp.syscalls[].errnoRet linux.seccomp.defaultErrnoRet
@test "errnoRet and defaultErrnoRet are what the program sees" {
	make_bundle
	# everything but what a shell needs is denied
	config '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [
		{names: ["sethostname"], action: "SCMP_ACT_ERRNO", errnoRet: 95},
		{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 28}]}'
	may_chroot
	sh_run 'hostname x; mkdir /dev/shm/y'
	has_line "Not supported" || has_line "not supported"
	has_line "No space left on device"
}

@test "SCMP_ACT_KILL_PROCESS kills, SCMP_ACT_TRAP signals, SCMP_ACT_LOG and ALLOW go on" {
	make_bundle
	may_chroot
	for row in KILL_PROCESS:159 KILL_THREAD:159 KILL:159 TRAP:159 LOG:0 ALLOW:0; do
		profile SCMP_ACT_ALLOW "{names: [\"chroot\"], action: \"SCMP_ACT_${row%:*}\"}"
		[ "${row%:*}" != ALLOW ] || config '.linux.seccomp.defaultAction = "SCMP_ACT_LOG"'
		sh_run 'chroot / true; echo $?'
		[ "${lines[-1]}" = "${row#*:}" ] || { echo "$row: $output" >&2; return 1; }
	done
}

@test "SCMP_ACT_TRACE without a tracer is ENOSYS" {
	make_bundle
	may_chroot
	profile SCMP_ACT_ALLOW '{names: ["chroot"], action: "SCMP_ACT_TRACE", errnoRet: 1}'
	sh_run 'chroot / true'
	has_line "Function not implemented"
}

# covers: linux.seccomp.syscalls[].args[].index linux.seccomp.syscalls[].args[].value
# covers: linux.seccomp.syscalls[].args[].valueTwo linux.seccomp.syscalls[].args[].op
@test "arguments: each operator decides" {
	make_bundle
	# umask(2) takes one number; a shell sets it by hand and the errno does not matter: ENOSYS kills no shell
	# so kill(0, SIG) is used: index 1 is the signal number, 0 of which tests only
	for row in EQ:10:10:9 NE:10:9:10 LT:10:9:10 LE:10:10:12 GT:10:12:10 GE:10:10:9; do
		IFS=: read -r op value hit miss <<<"$row"
		profile SCMP_ACT_ALLOW "$(deny kill 28 "{index: 1, value: $value, op: \"SCMP_CMP_$op\"}")"
		sh_run "sleep 20 & p=\$!; kill -$hit \$p; echo hit \$?; kill -$miss \$p; echo miss \$?; kill -9 \$p 2>/dev/null; true"
		has_line "No space left on device"
		has_line "hit 1" && has_line "miss 0" || { echo "$row" >&2; return 1; }
	done
	profile SCMP_ACT_ALLOW "$(deny kill 28 '{index: 1, value: 12, valueTwo: 8, op: "SCMP_CMP_MASKED_EQ"}')"
	sh_run 'sleep 20 & p=$!; kill -8 $p; echo hit $?; kill -4 $p; echo miss $?'
	has_line "hit 1"
	has_line "miss 0"
}

# covers: linux.seccomp.architectures
@test "architectures: the native one is always filtered, others as listed" {
	make_bundle
	may_chroot
	profile SCMP_ACT_ALLOW "$(deny chroot)"
	case $(uname -m) in
	x86_64) config '.linux.seccomp.architectures = ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]' ;;
	aarch64) config '.linux.seccomp.architectures = ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"]' ;;
	*) skip "needs x86_64 or aarch64" ;;
	esac
	sh_run 'chroot / true'
	has_line "Operation not permitted"
	config '.linux.seccomp.architectures = ["SCMP_ARCH_RISCV64"]'
	sh_run 'chroot / true'
	has_line "Operation not permitted"
	config '.linux.seccomp.architectures = ["SCMP_ARCH_PDP11"]'
	refuses "unknown architecture 'SCMP_ARCH_PDP11'"
}

# covers: linux.seccomp.flags
@test "flags are taken, unknown ones refused by name" {
	make_bundle
	may_chroot
	profile SCMP_ACT_ALLOW "$(deny chroot)"
	for f in '[]' '["SECCOMP_FILTER_FLAG_LOG"]' '["SECCOMP_FILTER_FLAG_SPEC_ALLOW"]' \
		'["SECCOMP_FILTER_FLAG_TSYNC"]' '["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"]'; do
		config ".linux.seccomp.flags = $f"
		sh_run 'chroot / true'
		has_line "Operation not permitted"
	done
	config '.linux.seccomp.flags = ["SECCOMP_FILTER_FLAG_MAGIC"]'
	refuses "SECCOMP_FILTER_FLAG_MAGIC"
}

@test "a filter that denies nearly everything still lets the program be executed" {
	make_bundle
	config '.process.noNewPrivileges = true | .linux.seccomp = {defaultAction: "SCMP_ACT_ERRNO", defaultErrnoRet: 1,
		syscalls: [{names: ["execve", "exit", "exit_group", "brk", "mmap", "munmap", "mprotect", "write", "writev",
		"arch_prctl", "set_tid_address", "set_robust_list", "rseq", "prlimit64", "readlinkat", "readlink", "getrandom", "read",
		"close", "fstat", "newfstatat", "rt_sigaction", "getuid", "uname", "dup", "dup2", "fcntl", "gettid", "setuid", "setgid", "getgid"],
		action: "SCMP_ACT_ALLOW"}]}'
	args /bin/busybox echo good
	run bryo run -b "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	[ "$output" = good ]
}

@test "a name that libseccomp does not know is left out, and the rest holds" {
	make_bundle
	may_chroot
	profile SCMP_ACT_ALLOW '{names: ["no_such_call", "chroot"], action: "SCMP_ACT_ERRNO"}'
	sh_run 'chroot / true'
	has_line "Operation not permitted"
	run bryo plan -b "$BUNDLE" "$ID"
	has_line no_such_call
}

@test "the compiled filter is kept, private, and used by the second run" {
	make_bundle
	may_chroot
	profile SCMP_ACT_ALLOW "$(deny chroot)"
	sh_run 'chroot / true'
	[ "$status" -eq 1 ]
	cache=$ROOT/@seccomp
	[ "$(find "$cache" -type f | wc -l)" -eq 1 ]
	[ "$(stat -c %a "$cache")" = 700 ]
	entry=$(find "$cache" -type f)
	[ "$(stat -c %a "$entry")" = 600 ]
	cp -p "$entry" "$T/first"
	sh_run 'chroot / true'
	[ "$status" -eq 1 ]
	cmp "$entry" "$T/first"
	[ "$(find "$cache" -type f | wc -l)" -eq 1 ]
	# it is really read: another filter put in its place takes effect
	profile SCMP_ACT_ALLOW "$(deny mkdir 28)" "$(deny mkdirat 28)"
	sh_run 'mkdir /dev/shm/x'
	has_line "No space left on device"
	[ "$(find "$cache" -type f | wc -l)" -eq 2 ]
}

@test "a broken, foreign or writable cache is not believed" {
	make_bundle
	may_chroot
	profile SCMP_ACT_ALLOW "$(deny chroot)"
	sh_run 'chroot / true'
	entry=$(find "$ROOT/@seccomp" -type f)
	for how in 'printf "" >"$1"' 'printf garbage >"$1"' 'truncate -s -8 "$1"' 'chmod 666 "$1"' 'rm "$1" && ln -s /dev/null "$1"'; do
		sh -c "$how" sh "$entry"
		sh_run 'chroot / true'
		[ "$status" -eq 1 ]
		has_line "Operation not permitted"
	done
}

@test "unknown actions and operators, errnoRet where there is none, and NOTIFY are refused by name" {
	make_bundle
	profile SCMP_ACT_SOMETIMES
	refuses "unknown action 'SCMP_ACT_SOMETIMES'"
	profile SCMP_ACT_ALLOW "$(deny kill 1 '{index: 1, value: 1, op: "SCMP_CMP_LIKE"}')"
	refuses "SCMP_CMP_LIKE"
	profile SCMP_ACT_ALLOW "$(deny kill 1 '{index: 6, value: 1, op: "SCMP_CMP_EQ"}')"
	refuses "linux.seccomp.syscalls[0]"
	profile SCMP_ACT_ALLOW '{names: ["kill"], action: "SCMP_ACT_KILL", errnoRet: 1}'
	refuses "errnoRet"
	profile SCMP_ACT_ALLOW '{names: ["kill"], action: "SCMP_ACT_NOTIFY"}'
	refuses "NOTIFY"
	config '.linux.seccomp.listenerPath = "/run/x.sock"'
	profile SCMP_ACT_ALLOW
	config '.linux.seccomp.listenerMetadata = "x"'
	refuses "linux.seccomp.listenerMetadata: there is no listenerPath"
}

@test "exec is under the same filter" {
	make_bundle
	may_chroot
	profile SCMP_ACT_ALLOW "$(deny chroot 28)"
	args sleep 60
	run_detached
	run bryo exec "$ID" chroot / true
	has_line "No space left on device"
}
