# shellcheck shell=bash
# Small programs of tests/lib that run inside containers, whose image has no library: `load ../lib/tool`.

# build_tool NAME: $TOOL is that program, linked statically
build_tool() {
	TOOL=${BRYO_BUILD:-$BATS_TEST_DIRNAME/../..}/tests/lib/$1
	[ ! -x "$TOOL" ] || ldd "$TOOL" >/dev/null 2>&1 || return 0
	TOOL=$BATS_FILE_TMPDIR/$1
	[ -x "$TOOL" ] || ${CC:-cc} -D_GNU_SOURCE -O1 -static -o "$TOOL" "$BATS_TEST_DIRNAME/../lib/$1.c"
}

# add_tool NAME: it is in the PATH of the bundle
add_tool() {
	build_tool "$1"
	cp "$TOOL" "$BUNDLE/rootfs/bin/$1"
}

# free_port [udp]: one of the host that nobody has now
free_port() {
	python3 -c 'import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if sys.argv[1:] else socket.SOCK_STREAM)
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])' "$@"
}
