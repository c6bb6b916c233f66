#!/usr/bin/env bats
# shellcheck disable=SC2015,SC2016,SC2030,SC2031,SC2154
# --init and org.bryo.init: bryo-init is pid 1, and the program its child. What a hostile program
# can do to it is in tests/security/pid1.bats.

bats_require_minimum_version 1.5.0
load ../lib/bryo

# how long the sleeps last by which processes are known: nobody else's do
S=$((100000 + $$))

# init_run WORD...: a foreground run of sh -c WORD...
init_run() {
	args sh -c "$@"
	run --separate-stderr bryo run -b "$BUNDLE" --init "$ID" </dev/null
}

# covers: --init
@test "--init: the program is pid 2, in a session of its own, and pid 1 has nothing" {
	make_bundle
	init_run 'echo $$ $(cat /proc/1/comm) $(cut -d" " -f4,6 /proc/$$/stat)
		sed -n "s/^\(CapPrm\|NoNewPrivs\|Seccomp\|Threads\):.//p" /proc/1/status; tr "\0" " " </proc/1/cmdline'
	[ "$status" -eq 0 ]
	# caps: CAP_KILL, which the program has
	[ "${lines[0]}" = "2 bryo-init 1 2" ]
	[ "${lines[*]:1:4}" = "1 0000000000000020 1 2" ]
	[[ ${lines[5]} == "bryo-init 2 "* ]]
}

# covers: org.bryo.init
@test "org.bryo.init: as the option; other values are refused, and without a pid namespace too" {
	make_bundle
	config '.annotations["org.bryo.init"] = "true"'
	args sh -c 'echo $$'
	run --separate-stderr bryo run -b "$BUNDLE" "$ID"
	[ "$output" = 2 ]
	bryo plan -b "$BUNDLE" --format json | jq -e .init
	run bryo plan -b "$BUNDLE"
	has_line "pid 1        bryo-init"
	run bryo run -b "$BUNDLE" --proc bind "$ID"
	[ "$status" -eq 1 ]
	has_line "needs a new pid namespace of the container's own"
	has_line "with --proc bind there is none"
	config '.annotations["org.bryo.init"] = "yes"'
	run bryo run -b "$BUNDLE" "$ID"
	has_line "annotation org.bryo.init: unknown value 'yes'"
	config '.annotations["org.bryo.init"] = "false"'
	run --separate-stderr bryo run -b "$BUNDLE" "$ID"
	[ "$output" = 1 ]
}

@test "--init: the exit code is the program's, 128+n after a signal, and its own for no program" {
	make_bundle
	init_run 'exit 37'
	[ "$status" -eq 37 ]
	init_run 'kill -KILL $$'
	[ "$status" -eq 137 ]
	init_run 'kill -TERM $$'
	[ "$status" -eq 143 ]
	init_run 'kill -SEGV $$'
	[ "$status" -eq 139 ]
	args /bin/none
	run bryo run -b "$BUNDLE" --init "$ID"
	[ "$status" -eq 1 ]
	has_line "exec '/bin/none': no such file or directory"
	args none
	run bryo run -b "$BUNDLE" --init "$ID"
	has_line "executable file not found in \$PATH"
	echo 'no binary' >"$BUNDLE/rootfs/bin/text"
	args /bin/text
	run bryo run -b "$BUNDLE" --init "$ID"
	has_line "exec '/bin/text': permission denied"
	chmod 755 "$BUNDLE/rootfs/bin/text"
	run bryo run -b "$BUNDLE" --init "$ID"
	[ "$status" -eq 1 ]
	has_line "exec '/bin/text': "
	run bryo list --quiet
	[ -z "$output" ]
}

@test "--init: orphans are reaped, and what outlives the program ends with it" {
	make_bundle
	init_run '(sleep 0.1 & sleep 0.1 & sleep 0.1 &); sleep 0.5; grep -l "^State:.Z" /proc/[0-9]*/status | wc -l
		(sleep '"$S"' & sleep '"$S"' &) >/dev/null 2>&1'
	[ "$output" = 0 ]
	not pgrep -u "$(id -u)" -f 'sleep '"$S"
}

@test "--init: a program without a handler ends by SIGTERM, in the foreground and from kill" {
	make_bundle
	args sleep 300
	bryo run -b "$BUNDLE" --init "$ID" </dev/null >/dev/null 2>&1 &
	wait_for_status running
	pkill -TERM -P $! -f "run -b $BUNDLE"
	ends_with 143
	run_detached "$ID" --init
	bryo kill "$ID" TERM
	wait_for_status stopped
}

@test "--init: every signal that can be is passed on, real-time ones in number" {
	make_bundle
	args sh -c 'n=0; for s in HUP INT QUIT USR1 USR2 ALRM WINCH CONT TSTP TTIN PIPE; do trap "echo $s" $s; done
		trap "n=\$((n + 1)); echo rt \$n" 40; trap "exit 9" TERM; echo ready; while :; do sleep 0.05; done'
	run_detached "$ID" --init
	wait_for 10 grep -q ready "$T/$ID.out"
	for s in HUP INT QUIT USR1 USR2 ALRM WINCH CONT TSTP TTIN PIPE 40; do
		bryo kill "$ID" $s
		wait_for 5 grep -q "^$s$\|^rt" "$T/$ID.out"
	done
	bryo kill "$ID" 40
	wait_for 5 grep -q '^rt 2$' "$T/$ID.out"
	bryo kill "$ID" TERM
	wait_for_status stopped
}

# the kernel does not stop who leads a session, or pid 1; that would be for a parent to undo
@test "--init: SIGTSTP reaches who has a handler, and stops nobody else" {
	make_bundle
	args sh -c 'echo ready; exec sleep 300'
	run_detached "$ID" --init
	wait_for 10 grep -q ready "$T/$ID.out"
	bryo kill "$ID" TSTP
	sleep 0.2
	bryo exec "$ID" grep -q '^State:.S' /proc/2/status
	bryo kill "$ID" TERM
	wait_for_status stopped
}

@test "--init: create, start, exec and delete" {
	make_bundle
	args sleep 300
	create_container "$ID" --init
	[ "$(state_of)" = created ]
	bryo start "$ID"
	[ "$(state_of)" = running ]
	run bryo exec "$ID" sh -c 'cat /proc/1/comm /proc/2/comm'
	[ "$output" = "bryo-init
sleep" ]
	# of the namespaces that exec enters, pid 1's are the program's
	run bryo exec "$ID" sh -c 'ls -l /proc/2/ns /proc/self/ns | grep -o "[a-z]*:\[.*" | sort | uniq -u'
	[ -z "$output" ]
	bryo delete --force "$ID"
	run bryo list --quiet
	[ -z "$output" ]
}

@test "--init: a program that changes its user still gets the signals" {
	requires subid
	make_bundle
	config '.process.capabilities |= map_values(. + ["CAP_SETUID", "CAP_SETGID"])'
	args sh -c 'echo ready; exec su -s /bin/sh user -c "id -u; exec sleep 300"'
	run_detached "$ID" --init
	wait_for 10 grep -qx 1000 "$T/$ID.out"
	bryo kill "$ID" TERM
	wait_for_status stopped
}

@test "--init: with another user from the start" {
	requires subid
	make_bundle
	config '.process.user = {uid: 1000, gid: 1000}'
	init_run 'id -u; sed -n "s/^Uid:.//p" /proc/1/status; kill -TERM $$'
	[ "$status" -eq 143 ]
	[ "${lines[0]}" = 1000 ]
	[[ ${lines[1]} == 1000* ]]
}

@test "--init: LISTEN_PID names the program, and pid 1 holds no descriptor" {
	make_bundle
	args sh -c 'echo $$ $LISTEN_PID $LISTEN_FDS; readlink /proc/self/fd/3; ls /proc/1/fd 2>&1 | wc -l'
	config '.process.capabilities |= map_values(. + ["CAP_SYS_PTRACE"])'
	run --separate-stderr sh -c 'exec env LISTEN_FDS=1 LISTEN_PID=$$ "$@" 3</dev/null' sh \
		"$BRYO" --root "$ROOT" run -b "$BUNDLE" --init "$ID"
	[ "${lines[0]}" = "2 2 1" ]
	[ "${lines[1]}" = /dev/null ]
	[ "${lines[2]}" = 0 ]
	args sh -c 'readlink /proc/self/fd/3; ls /proc/1/fd | wc -l'
	run --separate-stderr sh -c 'exec "$@" 3</dev/null' sh "$BRYO" --root "$ROOT" run -b "$BUNDLE" \
		--init --preserve-fds 1 "$ID"
	[ "$output" = "/dev/null
0" ]
}

@test "--init: who waits for the end of the output waits for the program only" {
	make_bundle
	args sh -c 'exec >/dev/null 2>&1 </dev/null; exec sleep 300'
	timeout 20 "$BRYO" --root "$ROOT" run -d -b "$BUNDLE" --init "$ID" </dev/null 2>&1 3>&- | cat
	[ "$(state_of)" = running ]
}

# its own filter, not the program's, which may lack what pid 1 needs
@test "--init: a filter of the program that denies what pid 1 does" {
	requires seccomp
	make_bundle
	config '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW",
		syscalls: [{names: ["rt_sigtimedwait", "kill"], action: "SCMP_ACT_KILL_PROCESS"}]}'
	init_run 'sed -n "s/^Seccomp:.//p" /proc/1/status; (sleep 0.1 &); sleep 0.3; exit 5'
	[ "$status" -eq 5 ]
	[ "$output" = 2 ]
}

# job_control COMMAND...: a shell whose prompt is "/ # "
job_control() {
	cat >"$T/job.exp" <<-'END'
		set timeout 20
		spawn -noecho {*}$argv
		expect -ex "/ # " {} timeout { exit 10 }
		send -- "sleep 555\r"
		sleep 0.5
		send -- "\x1a"
		expect -re "Stopped" {} timeout { exit 11 }
		send -- "jobs; ps -o pid,comm | grep -c sleep\r"
		expect -re "Stopped.*sleep 555" {} timeout { exit 12 }
		send -- "fg\r"
		sleep 0.5
		send -- "\x03"
		expect -ex "/ # " {} timeout { exit 13 }
		send -- "tty; exit 6\r"
		expect eof {} timeout { exit 14 }
		exit [lindex [wait] 3]
	END
	expect "$T/job.exp" "$@"
}

@test "--init: job control of an interactive shell" {
	requires cmd:expect
	make_bundle
	config '.process.terminal = true | .process.env += ["PS1=/ # "]'
	args sh -i
	run job_control "$BRYO" --root "$ROOT" run -b "$BUNDLE" --init "$ID" 3>&-
	echo "$output"
	[ "$status" -eq 6 ]
	[[ $output != *"job control turned off"* && $output != *"can't access tty"* ]]
	has_line /dev/pts/0
}

# covers: sandbox --init
@test "sandbox --init" {
	requires userns
	mkdir "$T/work"
	cd "$T/work"
	run --separate-stderr bryo sandbox --init -- sh -c 'echo $$; cat /proc/1/comm; exit 4'
	[ "$status" -eq 4 ]
	[ "$output" = "2
bryo-init" ]
}
