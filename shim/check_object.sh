#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check_object.sh OBJECT SIZE-LIMIT PAGE-SIZE: is the shim an object that loads into every program?
# The lists of its symbols stand beside this script. NM, READELF and STRIP name the tools.
set -eu

object=$1
size_limit=$2
page_size=$3
here=$(dirname "$0")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

fail()
{
	echo "$1" >&2
	failed=1
}

export LC_ALL=C
"${NM:-nm}" -D --defined-only "$object" | awk '{ print $3 }' | sort >"$work/exports"
"${NM:-nm}" -D --undefined-only "$object" | awk '{ print $2 }' | sort >"$work/undefined"
diff -u "$here/exports.txt" "$work/exports" || fail "exported symbols differ from exports.txt"
diff -u "$here/undefined.txt" "$work/undefined" || fail "undefined symbols differ from undefined.txt"

# A strong or a versioned one would stop the program where its libc has none.
if "${NM:-nm}" -D --undefined-only "$object" | grep -qv '^ *w [A-Za-z_]*$'; then
	fail "an undefined symbol is not weak, or has a version"
fi

"${READELF:-readelf}" -dW "$object" >"$work/dynamic"
"${READELF:-readelf}" -lW "$object" >"$work/segments"
if grep -q 'NEEDED' "$work/dynamic"; then
	fail "it needs another library"
fi
if grep -q 'TEXTREL' "$work/dynamic"; then
	fail "it has text relocations"
fi
if grep -q '^ *TLS' "$work/segments"; then
	fail "it has a TLS segment"
fi
if ! grep -q '^ *GNU_STACK.* RW ' "$work/segments"; then
	fail "its stack is executable"
fi

# The word that leads to the policy shares its pages with nothing that must stay writable.
relro=$(awk '$1 == "GNU_RELRO" { print $3, $6 }' "$work/segments")
relro_end=$(( ${relro% *} + ${relro#* } ))
if [ $((relro_end % page_size)) -ne 0 ]; then
	fail "its read-only relocations end inside a page"
fi

"${STRIP:-strip}" -o "$work/stripped" "$object"
size=$(wc -c <"$work/stripped")
echo "$size bytes stripped, limit $size_limit"
if [ "$size" -gt "$size_limit" ]; then
	fail "it is larger than $size_limit bytes"
fi
exit "$failed"
