#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check_codes.sh CODES-HEADER GOLDEN-DIRECTORY: every refusal code has a golden test of its exact line,
# in a file `error` of a case.
set -eu

codes=$(sed -n 's/^#define VB_CODE_[A-Z_]* *"\(Err[A-Za-z]*\)"$/\1/p' "$1")
[ "$(echo "$codes" | wc -l)" -eq "$(grep -c '^#define VB_CODE_' "$1")" ]
failed=0
for code in $codes; do
	line="^vambrace: $code: .* ([^ ]*/[^ ]*, container [^ ]*): ."
	find "$2" -name error -exec grep -qs "$line" {} \; -print | grep -q . || {
		echo "$code has no golden test of its line"
		failed=1
	}
done
exit "$failed"
