#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh CASE-DIRECTORY VAMBRACE...: runs the command line in a case and compares what it says, on
# both outputs, and its exit code. With UPDATE=1 the case is rewritten instead; read the diff then.
#
# A case: args (the arguments; by default those to explain pod.yaml), standard input from stdin or
# pod.yaml, expected.txt, expected-error.txt (nothing on stderr when it is not there), exit (a
# number). manifest.json may be changed by the program: it is run in a copy of the case, where
# expected-manifest.json must be the result.
set -eu

cd "$1"
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
files='expected.txt expected-error.txt exit'
case=.
if [ -e manifest.json ]; then
	case=$work/case
	cp -r . "$case"
	files="$files expected-manifest.json"
fi

if [ -e args ]; then
	arguments=$(cat args)
else
	arguments='explain pod.yaml --node-config ../node.json'
	[ ! -d bundles ] || arguments="$arguments --bundles bundles"
fi
input=/dev/null
for name in pod.yaml stdin; do
	[ ! -e "$name" ] || input=$name
done

status=0
# shellcheck disable=SC2086 # a list of words
(cd "$case" && "$@" $arguments) <"$input" \
	>"$work/expected.txt" 2>"$work/expected-error.txt" || status=$?
echo "$status" >"$work/exit"
[ "$case" = . ] || cp "$case/manifest.json" "$work/expected-manifest.json"

failed=0
for file in $files; do
	if [ "${UPDATE:-0}" = 1 ]; then
		rm -f "$file"
		[ ! -s "$work/$file" ] || cp "$work/$file" "$file"
		continue
	fi
	wanted=$file
	[ -e "$file" ] || wanted=/dev/null
	diff -u "$wanted" "$work/$file" || failed=1
done
exit "$failed"
