# SPDX-License-Identifier: Apache-2.0
"""Throw-away containerd nodes and a CRI client for the live tests.

`Node` boots a real containerd in a Debian root of its own; `Node.cri()` talks to it as kubelet
does; `images` builds and loads the container images. Everything needs root.
"""
