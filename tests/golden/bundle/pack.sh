#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# pack.sh VAMBRACE: a tar is the same whatever the files' times, owners and order; other tools read
# it; what other tools pack is read.
set -eu

vambrace=$1
bundle=$(cd "$(dirname "$0")" && pwd)/bundles/arm
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

fail() {
	echo "$*" >&2
	exit 1
}

cp -r "$bundle" arm
mkdir one two arm/policies
echo 'package arm' >arm/policies/arm.rego
echo 'an editor'\''s' >arm/.manifest.json.swp
echo 'a signature' >arm/manifest.json.sig
"$vambrace" bundle pack arm -o one/arm.tar >out
grep -qxF one/arm.tar out
grep -qF "sha256:$(sha256sum one/arm.tar | cut -d ' ' -f 1)" out || fail "not the tar's digest"

# The same files, made in another order and at another time, as a ConfigMap volume has them.
mkdir -p two/arm/..2026_01_01
cp -r arm/profiles arm/policies two/arm/..2026_01_01
cp arm/manifest.json two/arm/..2026_01_01
touch -d 2001-01-01 two/arm/..2026_01_01/*
chmod 0777 two/arm two/arm/..2026_01_01/manifest.json
ln -s ..2026_01_01 two/arm/..data
for name in policies profiles manifest.json; do
	ln -s "..data/$name" "two/arm/$name"
done
(umask 077 && "$vambrace" bundle pack two/arm -o two/arm.tar >/dev/null)
cmp one/arm.tar two/arm.tar

# By the common tools.
printf '%s\n' manifest.json policies/arm.rego profiles/camera.json >names
tar -tf one/arm.tar | diff names -
mkdir unpacked
tar -xf one/arm.tar -C unpacked
rm arm/.manifest.json.swp arm/manifest.json.sig
diff -r arm unpacked

# Theirs, by us: with and without ./, in the formats there are.
mkdir theirs
for format in gnu oldgnu pax posix ustar v7; do
	tar -C arm --format=$format -cf theirs/arm.tar .
	"$vambrace" bundle show theirs/arm.tar >out || fail "format $format"
	grep -qF 'arm 0.1.0 (tar)' out
	grep -qF 'camera' out
done
tar -C arm -cf theirs/arm.tar manifest.json policies profiles
"$vambrace" bundle show theirs/arm.tar >out

# A link out is not followed.
ln -s /etc/passwd arm/profiles/passwd.json
! "$vambrace" bundle pack arm -o one/arm.tar 2>err || fail "a link out was packed"
grep -qF 'profiles/passwd.json' err
cmp one/arm.tar two/arm.tar
