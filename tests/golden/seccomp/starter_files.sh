#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# starter_files.sh BUILD-DIRECTORY PROFILES-DIRECTORY PROCESSOR VAMBRACE...: the files of the starter
# profile are what the program prints, and the one that is installed is that of the processor.
set -eu

build=$1 profiles=$2 processor=$3
shift 3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for arch in x86_64 aarch64; do
	"$@" seccomp show starter --oci --arch "$arch" | cmp - "$profiles/starter.$arch.json"
done
cmake --install "$build" --component vambrace --prefix "$work" >"$work/log"
"$@" seccomp show starter --oci --arch "$processor" |
	cmp - "$work/share/vambrace/profiles/starter.json"
