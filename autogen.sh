#!/bin/sh
# Makes configure and its helpers from configure.ac and Makefile.am. Needed once in a fresh clone,
# and never in a release tarball.
set -eu
cd "$(dirname "$0")"
for tool in autoreconf automake pkg-config; do
	if ! command -v "$tool" >/dev/null 2>&1; then
		echo "autogen.sh: $tool is missing (Debian: apt-get install autoconf automake pkg-config)" >&2
		exit 1
	fi
done
exec autoreconf --force --install "$@"
