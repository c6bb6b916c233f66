#!/usr/bin/env bats
# bryo sandbox --profile: options from a named file, who may write it, and what counts in the end.

# shellcheck disable=SC2016,SC2034 # programs for the sandbox are in single quotes

bats_require_minimum_version 1.5.0
load ../lib/bryo

setup() {
	bryo_setup
	requires userns
	mkdir -p "$T/work" "$T/config/bryo"
	chmod go-w "$T/config/bryo"
	export HOME=$T/home XDG_CONFIG_HOME=$T/config
	cd "$T/work" || return
}

teardown() {
	bryo_teardown
}

# profile NAME: its content is on stdin
profile() {
	cat >"$XDG_CONFIG_HOME/bryo/$1.json"
	chmod 644 "$XDG_CONFIG_HOME/bryo/$1.json"
}

box() { bryo sandbox --seccomp none "$@" </dev/null; }

# covers: sandbox --profile
@test "a profile's members are the options, and they work" {
	mkdir "$T/data" "$HOME/cache"
	profile build <<-END
		{ "rw": ["$T/data", "~/cache"], "tmpfs": "/srv/x:size=64k", "env": { "A": "1", "B": "two words" },
		  "keep-env": ["KEPT"] }
	END

	KEPT=kept run box --profile build -- sh -c '
		echo x >"$0/made" && echo x >"$HOME/cache/made" && echo x >/srv/x/made && echo "$A $B $KEPT"' "$T/data"

	[ "$status" -eq 0 ]
	[ "$output" = "1 two words kept" ]
	[ -e "$T/data/made" ] && [ -e "$HOME/cache/made" ]
}

@test "the command line has the last word, a later profile the last but one, lists are joined" {
	profile one <<<'{ "memory": "1m", "pids": 10, "cpus": 1.5, "env": ["A=1", "B=1", "C=1"] }'
	profile two <<<'{ "memory": "2m", "env": ["B=2", "C=2"] }'

	box --profile one --profile two --pids 30 --env C=3 --print-spec -- true >"$T/spec"

	[ "$(jq -c '.linux.resources | [.memory.limit, .pids.limit, .cpu.quota]' "$T/spec")" = "[2097152,30,150000]" ]
	[ "$(jq -c '.process.env[-3:]' "$T/spec")" = '["A=1","B=2","C=3"]' ]
}

@test "options of any container are options of a profile, and --print-spec writes them down" {
	profile any <<<'{ "proc": "none", "init": true, "net": "none", "disable-userns": false }'

	run box --profile any -- sh -c 'ls -d /proc /etc; exit 3'
	[ "$status" -eq 3 ]
	has_line "/proc"
	[ "${lines[-1]}" = /etc ]
	box --profile any --timeout 3s --die-with-parent --print-spec -- true >"$T/spec"
	[ "$(jq -c '.annotations | [.["org.bryo.proc"], .["org.bryo.init"], .["org.bryo.network"], .["org.bryo.userns"],
		.["org.bryo.timeout"], .["org.bryo.dieWithParent"]]' "$T/spec")" = '["none","true","none",null,"3s","true"]' ]
}

@test "command is what runs when the command line names none" {
	profile build <<<'{ "command": ["echo", "from", "the profile"] }'

	run box --profile build
	[ "$output" = "from the profile" ]
	run box --profile build -- echo from here
	[ "$output" = "from here" ]
}

@test "spec is merged into config.json: objects member by member, arrays at their end, null takes out" {
	profile patch <<-'END'
		{ "spec": { "hostname": "patched",
			"mounts": [{ "destination": "/srv/y", "type": "tmpfs", "source": "tmpfs" }],
			"root": { "readonly": null },
			"annotations": { "org.bryo.limits": "best-effort" } } }
	END

	run box --profile patch -- sh -c 'uname -n; grep -c " /srv/y " /proc/self/mountinfo; echo x >/made && echo made'
	[ "$status" -eq 0 ]
	[ "$output" = patched$'\n'1$'\n'made ]
	box --profile patch --print-spec -- true >"$T/spec"
	[ "$(jq -c '[(.mounts | length > 5), .annotations["org.bryo.rootfs"], .annotations["org.bryo.limits"]]' \
		"$T/spec")" = '[true,"tmpfs","best-effort"]' ]
}

@test "an unknown key, a wrong value and a wrong type are told with line and column" {
	profile unknown <<<$'{ "rw": [],\n  "frobnicate": 1 }'
	profile nested <<<'{ "profile": ["x"] }'
	profile type <<<'{ "ro": [["/var"]] }'
	profile value <<<'{ "plan": "maybe" }'
	profile command <<<'{ "command": "sh" }'
	profile spec <<<'{ "spec": [] }'
	profile array <<<'[]'
	profile twice <<<'{ "ro": "/var", "ro": "/srv" }'

	run box --profile unknown -- true
	[ "$status" -eq 125 ]
	has_line "unknown.json:2:17: frobnicate: there is no such option"
	run box --profile nested -- true
	has_line "nested.json:1:14: profile: there is no such option"
	run box --profile type -- true
	has_line "type.json:1:10: ro[0]: wants a string"
	run box --profile value -- true
	has_line "value.json:1:11: plan: option '--plan': 'maybe' is neither true nor false"
	run box --profile command -- true
	has_line "command.json:1:14: command: wants an array of strings"
	run box --profile spec -- true
	has_line "spec.json:1:11: spec: wants an object"
	run box --profile array -- true
	has_line "array.json:1:1"
	run box --profile twice -- true
	[ "$status" -eq 125 ]
}

@test "a profile that somebody else can have written is refused" {
	profile loose <<<'{}'

	run box --profile loose -- true
	[ "$status" -eq 0 ]
	chmod 664 "$XDG_CONFIG_HOME/bryo/loose.json"
	run box --profile loose -- true
	[ "$status" -eq 125 ]
	has_line "can be written by others (mode 0664)"
	has_line "chmod go-w"
	chmod 644 "$XDG_CONFIG_HOME/bryo/loose.json"
	chmod 777 "$XDG_CONFIG_HOME/bryo"
	run box --profile loose -- true
	[ "$status" -eq 125 ]
	has_line "directory '$XDG_CONFIG_HOME/bryo' can be written by others"
	chmod 755 "$XDG_CONFIG_HOME/bryo"
	mkfifo "$XDG_CONFIG_HOME/bryo/fifo.json"
	run box --profile fifo -- true
	[ "$status" -eq 125 ]
	has_line "is not a regular file"
}

@test "a profile of another user is refused, root's is not" {
	requires root
	profile theirs <<<'{}'
	chown 4711 "$XDG_CONFIG_HOME/bryo/theirs.json"

	run box --profile theirs -- true
	[ "$status" -eq 125 ]
	has_line "belongs to uid 4711"
}

@test "a profile is a name, not a path, and a missing one is told by its path" {
	run box --profile ../x -- true
	[ "$status" -eq 125 ]
	has_line "that is not a name"
	run box --profile missing -- true
	[ "$status" -eq 125 ]
	has_line "profile '$XDG_CONFIG_HOME/bryo/missing.json': No such file or directory"
	has_line "--list-profiles"
}

# covers: sandbox --list-profiles
@test "--list-profiles prints their names, also of none" {
	run box --list-profiles
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	profile b <<<'{}'
	profile a <<<'{}'
	touch "$XDG_CONFIG_HOME/bryo/note.txt"
	run box --list-profiles
	[ "$output" = a$'\n'b ]
	XDG_CONFIG_HOME=relative run box --list-profiles
	[ -z "$output" ]
	mkdir -p "$HOME/.config/bryo"
	touch "$HOME/.config/bryo/home.json"
	XDG_CONFIG_HOME="" run box --list-profiles
	[ "$output" = home ]
}
