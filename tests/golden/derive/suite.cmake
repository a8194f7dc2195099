# SPDX-License-Identifier: Apache-2.0
vb_add_cli_suite(derive SCHEMA derive.schema.json)
