#!/usr/bin/env bash
# Makes sure that the programs named are there: need.sh cc redis-server postgresql prometheus
#
# What is missing is installed with apt-get, as root or through sudo. Where that can't be done, it says in one sentence
# what is lacking and exits 1. When nothing is missing it does nothing and prints nothing.
set -euo pipefail

die() { echo "need.sh: $*" >&2; exit 1; }

# cc_works tells whether the compiler that Go would call is there, with the C library's headers.
cc_works() {
	local cc
	read -ra cc <<<"$(go env CC)"
	command -v "${cc[0]}" >/dev/null &&
		echo '#include <stdlib.h>' | "${cc[@]}" -E -x c - >/dev/null 2>&1
}

command -v go >/dev/null || die "Go is missing: install the version that go.mod names, from https://go.dev/dl"

missing=() packages=()
for program in "$@"; do
	case $program in
	cc)
		cc_works || { missing+=("a C compiler"); packages+=(gcc libc6-dev); }
		;;
	postgresql) # Debian keeps the server's programs off the path
		command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null ||
			{ missing+=("$program"); packages+=("$program"); }
		;;
	systemd) # its checkers of units, and its starter of sockets
		command -v systemd-analyze >/dev/null && command -v systemd-socket-activate >/dev/null ||
			{ missing+=("$program"); packages+=("$program"); }
		;;
	*)
		command -v "$program" >/dev/null || { missing+=("$program"); packages+=("$program"); }
		;;
	esac
done
((${#missing[@]})) || exit 0
lacking=$(printf '%s, ' "${missing[@]}")
lacking=${lacking%, }

command -v apt-get >/dev/null ||
	die "missing: $lacking; there is no apt-get here, so install it with your system's package manager and try again"

as_root=()
if [[ $(id -u) != 0 ]]; then
	as_root=(sudo)
	[[ -t 0 ]] || as_root+=(-n) # nobody is there to type a password
	command -v sudo >/dev/null && "${as_root[@]}" true ||
		die "missing: $lacking; installing needs root, so run as root: apt-get install ${packages[*]}"
fi

echo "need.sh: installing ${packages[*]}" >&2

# Some packages start a service when they are installed, on a port that is somebody's. The tests start what they need
# themselves, so nothing is started meanwhile: policy-rc.d is how Debian is told. What is there already is left alone.
policy=/usr/sbin/policy-rc.d
if [[ ! -e $policy ]]; then
	printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
	"${as_root[@]}" chmod 755 "$policy"
	trap '"${as_root[@]}" rm -f "$policy"' EXIT
fi

apt=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=120)
{
	"${as_root[@]}" "${apt[@]}" update || echo "need.sh: apt-get update failed, going on with the lists that are there"
	"${as_root[@]}" "${apt[@]}" install --no-install-recommends "${packages[@]}" ||
		die "missing: $lacking; apt-get could not install ${packages[*]}, see above"
} </dev/null >&2
# Nor is it started with the machine, where nobody had asked for it.
if [[ " ${packages[*]} " == *" prometheus "* ]] && command -v systemctl >/dev/null; then
	"${as_root[@]}" systemctl disable --quiet prometheus.service 2>/dev/null || true
fi
