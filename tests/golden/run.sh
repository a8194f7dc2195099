#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh CASE-DIRECTORY VAMBRACE...: runs the command line in a case and compares what it says, on
# both outputs, and its exit code. With UPDATE=1 the case is rewritten instead; read the diff then.
#
# A case: args (the arguments; by default those to explain pod.yaml), standard input from pod.yaml,
# expected.txt, expected-error.txt (nothing on stderr when it is not there), exit (a number).
set -eu

cd "$1"
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if [ -e args ]; then
	arguments=$(cat args)
else
	arguments='explain pod.yaml --node-config ../node.json'
	[ ! -d bundles ] || arguments="$arguments --bundles bundles"
fi
input=/dev/null
[ ! -e pod.yaml ] || input=pod.yaml

status=0
# shellcheck disable=SC2086 # a list of words
"$@" $arguments <"$input" >"$work/expected.txt" 2>"$work/expected-error.txt" || status=$?
echo "$status" >"$work/exit"

failed=0
for file in expected.txt expected-error.txt exit; do
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
