#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check-early.sh NM OBJECT: code that runs before libc must need nothing from outside.
undefined=$("$1" -u "$2") || exit 2
if [ -n "$undefined" ]; then
	echo "$2 needs:" "$undefined"
	exit 1
fi
