#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# linked_config.sh VAMBRACE: the node config is a link, as on a node whose /etc is made of them. What
# vambrace-nri follows, the command line follows. Ends with 77 where it may not mount.
set -eu

if [ "${2:-}" != inside ]; then
	unshare --mount --propagation private true 2>/dev/null || exit 77
	exec unshare --mount --propagation private "$0" "$1" inside
fi
vambrace=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mount -t tmpfs none /etc
mkdir /etc/vambrace /etc/store
ln -s ../store/config.json /etc/vambrace/config.json

fail() {
	echo "$*" >&2
	exit 1
}

cat >pod.yaml <<'EOF'
apiVersion: v1
kind: Pod
metadata: {name: arm-7}
spec: {runtimeClassName: vambrace, containers: [{name: driver, image: i}]}
EOF

nowhere='/etc/vambrace/config.json: it is a link that leads nowhere; put its file back'
"$vambrace" doctor --json >facts || true
grep -qF 'it is a link that leads nowhere' facts || fail "doctor takes no link for no config"
"$vambrace" explain pod.yaml >out 2>&1 && fail "explain takes a link to nothing for no config"
grep -qF "$nowhere" out || fail "explain: $(cat out)"
"$vambrace" bundle show no-bundle >out 2>&1 && fail "bundle show: $(cat out)"
grep -qF "$nowhere" out || fail "bundle show: $(cat out)"

echo '{"runtime_handlers": ["other"]}' >/etc/store/config.json
"$vambrace" doctor --json >facts || true
/usr/bin/python3 - facts <<'EOF' || fail "doctor does not follow the link"
import json, sys
config = json.load(open(sys.argv[1]))["facts"]["node_config"]
assert config["state"] == "ok" and config["runtime_handlers"] == ["other"], config
EOF
"$vambrace" explain pod.yaml >out || fail "explain: $(cat out)"
grep -qF '1 left alone' out || fail "explain does not go by the file: $(cat out)"
