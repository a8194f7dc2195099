# SPDX-License-Identifier: Apache-2.0
vb_add_cli_suite(status SCHEMA status.schema.json)
