#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# config_map.sh VAMBRACE: bundles in volumes as the kubelet makes them from ConfigMaps: a read-only
# mount whose directories are 0777 and not root's, and whose files are links into a directory that is
# swapped at an update. Ends with 77 where it may not mount.
set -eu

if [ "${2:-}" != inside ]; then
	unshare --mount --propagation private true 2>/dev/null || exit 77
	exec unshare --mount --propagation private "$0" "$1" inside
fi
vambrace=$1
bundles=$(cd "$(dirname "$0")" && pwd)/bundles
work=$(mktemp -d)
trap 'umount "$work/arm" "$work/tars" 2>/dev/null; rm -rf "$work"' EXIT
cd "$work"

fail() {
	echo "$*" >&2
	exit 1
}

# fill VOLUME TIME FILES: what the kubelet's atomic writer leaves behind.
fill() {
	mkdir "$1/..$2"
	cp -r "$3/." "$1/..$2"
	chown -R 1000:1000 "$1"
	chmod 0777 "$1" "$1/..$2"
	ln -s "..$2" "$1/..data_tmp"
	mv -T "$1/..data_tmp" "$1/..data"
	for path in "$1/..$2"/*; do
		name=${path##*/}
		[ -e "$1/$name" ] || ln -s "..data/$name" "$1/$name"
	done
}

volume() {
	mkdir "$1"
	mount -t tmpfs none "$1"
	fill "$1" 2026_01_01_00_00_00.1 "$2"
	mount -o remount,ro "$1"
}

cat >pod.yaml <<'EOF'
apiVersion: v1
kind: Pod
metadata: {name: arm-7, annotations: {bundle.vambrace.dev: arm}}
spec: {runtimeClassName: vambrace, containers: [{name: driver, image: i}]}
EOF
explain() {
	printf '{"bundle_dirs": ["%s"]}' "$1" >node.json
	"$vambrace" explain pod.yaml --node-config node.json
}

# A bundle's directory is a volume.
volume arm "$bundles/arm"
explain "$work" >out || fail "a directory: $(cat out)"
grep -qF 'arm 0.1.0' out || fail "not its version: $(cat out)"
mount -o remount,rw arm
explain "$work" >out && fail "a volume that others can write was taken"
grep -qF 'others than root can write' out || fail "not refused for its owner: $(cat out)"
mkdir next
sed 's/0\.1\.0/0.2.0/' "$bundles/arm/manifest.json" >next/manifest.json
cp -r "$bundles/arm/profiles" next
fill arm 2026_01_02_00_00_00.2 next
mount -o remount,ro arm
explain "$work" >out || fail "an update: $(cat out)"
grep -qF 'arm 0.2.0' out || fail "not the update: $(cat out)"

# A volume holds tars.
mkdir packed
"$vambrace" bundle pack "$bundles/arm" -o packed/arm.tar >/dev/null
volume tars packed
explain "$work/tars" >out || fail "a tar: $(cat out)"
grep -qF 'arm 0.1.0' out || fail "not the tar's version: $(cat out)"
