# SPDX-License-Identifier: Apache-2.0
vb_add_fuzzer(pod_yaml fuzz_pod_yaml.c LIBS vb_cli)
vb_add_fuzzer(toml_dump fuzz_toml_dump.c LIBS vb_cli)
vb_add_fuzzer(node_cri fuzz_node_cri.c LIBS vb_cli)
vb_add_fuzzer(node_edit fuzz_node_edit.c LIBS vb_cli)
