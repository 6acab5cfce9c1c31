#!/usr/bin/env bash
# Runs each fuzz target on its own, since `go test -fuzz` takes one at a time: fuzz.sh DURATION PACKAGE...
set -euo pipefail

duration=$1
shift

# go test -list prints the names of a package's targets and then its "ok" line.
targets=$(go test -list '^Fuzz' "$@" | awk '/^Fuzz/ {names[++n] = $1} /^ok/ {for (i = 1; i <= n; i++) print $2, names[i]; n = 0}')
[[ -n $targets ]] || { echo "fuzz.sh: no fuzz targets in $*"; exit 0; }

while read -r package target; do
	echo "== $package $target"
	go test -run '^$' -fuzz "^$target\$" -fuzztime "$duration" "$package" </dev/null
done <<<"$targets"
