#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs the Debian packages that the live tests need. Idempotent; silent when nothing is missing.
set -eu

packages="busybox-static ca-certificates debian-archive-keyring debootstrap gcc iproute2 libc6-dev
	python3 python3-grpc-tools python3-grpcio python3-protobuf python3-pytest util-linux"

missing=
for package in $packages; do
	status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
	[ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
	echo "install-deps.sh: run as root to install:$missing" >&2
	exit 1
fi
echo "installing$missing ..."
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
# shellcheck disable=SC2086 # a list of package names
apt-get install -q -y --no-install-recommends $missing
