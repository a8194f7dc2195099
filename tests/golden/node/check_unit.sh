#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check_unit.sh UNIT PROGRAM: systemd knows every line of the unit. PROGRAM stands for the daemon,
# which is not installed where tests run.
set -eu
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
sed "s|^ExecStart=.*|ExecStart=$2|; /^Wants=/d; /^After=/d; /^Documentation=/d" "$1" >"$directory/vambrace-nri.service"
said=$(systemd-analyze verify "$directory/vambrace-nri.service" 2>&1)
[ -z "$said" ] || { echo "$said"; exit 1; }
