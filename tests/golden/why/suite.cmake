# SPDX-License-Identifier: Apache-2.0
vb_add_cli_suite(why SCHEMA why.schema.json)
