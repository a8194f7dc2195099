# SPDX-License-Identifier: Apache-2.0
vb_add_cli_suite(explain SCHEMA explain.schema.json)
