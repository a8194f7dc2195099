# SPDX-License-Identifier: Apache-2.0
vb_add_unit_test(test_pod_yaml test_pod_yaml.c LIBS vb_cli)
vb_add_unit_test(test_options test_options.c LIBS vb_cli)
vb_add_unit_test(test_fold test_fold.c LIBS vb_cli)
vb_add_unit_test(test_toml_dump test_toml_dump.c LIBS vb_cli)
vb_add_unit_test(test_status test_status.c LIBS vb_cli)
vb_add_unit_test(test_node_cri test_node_cri.c LIBS vb_cli)
vb_add_unit_test(test_node_dump test_node_dump.c LIBS vb_cli)
vb_add_unit_test(test_node_edit test_node_edit.c LIBS vb_cli)
