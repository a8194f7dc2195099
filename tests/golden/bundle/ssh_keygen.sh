#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# ssh_keygen.sh VAMBRACE: what vambrace signs, ssh-keygen verifies, and the other way round; keys
# that cannot be used are refused.
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

# expect STATUS TEXT COMMAND...: the exit status, and a text on either output.
expect() {
	wanted=$1 text=$2
	shift 2
	status=0
	"$@" >out 2>&1 || status=$?
	[ "$status" = "$wanted" ] || fail "$*: exit status $status, not $wanted: $(cat out)"
	grep -qF -- "$text" out || fail "$*: '$text' is not in: $(cat out)"
}

verify_with_ssh_keygen() {
	ssh-keygen -q -Y verify -n vambrace-bundle -I release -f allowed -s "$1.sig" <"$1" >/dev/null
}

ssh-keygen -q -t ed25519 -N '' -C release@robots -f key
ssh-keygen -q -t ed25519 -N '' -C old -f old-key
ssh-keygen -q -t ed25519 -N secret -f locked
ssh-keygen -q -t rsa -b 2048 -N '' -f rsa
echo "release $(cat key.pub)" >allowed
fingerprint=$(ssh-keygen -l -f key.pub | cut -d ' ' -f 2)
cp -r "$bundle" arm
"$vambrace" bundle pack arm >/dev/null

# Ours, by ssh-keygen.
for signed in arm arm.tar; do
	expect 0 "$fingerprint" "$vambrace" bundle sign --key key "$signed"
	expect 0 "$fingerprint" "$vambrace" bundle verify --key key.pub "$signed"
done
verify_with_ssh_keygen arm/manifest.json || fail "ssh-keygen refuses our signature of a manifest"
verify_with_ssh_keygen arm.tar || fail "ssh-keygen refuses our signature of a tar"
cp arm.tar.sig ours.sig

# ssh-keygen's, by us; and they are the same, ed25519 has no random part.
rm arm.tar.sig
ssh-keygen -q -Y sign -n vambrace-bundle -f key arm.tar
expect 0 "$fingerprint" "$vambrace" bundle verify --key key.pub arm.tar
cmp arm.tar.sig ours.sig
ssh-keygen -q -Y sign -O hashalg=sha256 -n vambrace-bundle -f key <arm.tar >arm.tar.sig
expect 0 "$fingerprint" "$vambrace" bundle verify --key key.pub arm.tar
ssh-keygen -q -Y sign -n file -f key <arm.tar >arm.tar.sig
expect 1 "namespace 'file'" "$vambrace" bundle verify --key key.pub arm.tar
ssh-keygen -q -Y sign -n vambrace-bundle -f rsa <arm.tar >arm.tar.sig
expect 1 "type 'ssh-rsa'" "$vambrace" bundle verify --key key.pub arm.tar

# Rotation: the node's config with both keys.
cp ours.sig arm.tar.sig
printf '{"trusted_keys": ["%s", "%s"], "require_signature": true}' \
	"$(cat old-key.pub)" "$(cat key.pub)" >node.json
expect 0 "$fingerprint" "$vambrace" bundle verify --node-config node.json arm.tar
expect 1 ErrBundleSignature "$vambrace" bundle verify --key old-key.pub arm.tar

# A change after signing, and no signature at all.
echo ' ' >>arm/manifest.json
expect 1 "does not match what is there" "$vambrace" bundle verify --key key.pub arm
rm arm/manifest.json.sig
expect 1 "has no signature" "$vambrace" bundle verify --key key.pub arm

# Keys that cannot be used.
expect 2 "protected by a passphrase" "$vambrace" bundle sign --key locked arm
expect 2 "type 'ssh-rsa'" "$vambrace" bundle sign --key rsa arm
expect 2 "does not begin with" "$vambrace" bundle sign --key key.pub arm
expect 2 "is not of the form" "$vambrace" bundle verify --key rsa.pub arm
expect 2 "No such file" "$vambrace" bundle sign --key no-such-key arm
[ ! -e arm/manifest.json.sig ] || fail "a key that was refused has signed"

# A directory's signature is over the manifest: a profile that it does not bind is told of.
sed 's/"profiles"/"other"/' "$bundle/manifest.json" >arm/manifest.json
expect 1 "does not bind profile 'camera'" "$vambrace" bundle sign --key key arm
