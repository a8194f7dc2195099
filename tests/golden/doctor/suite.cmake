# SPDX-License-Identifier: Apache-2.0
# `vambrace doctor` on facts that were gathered elsewhere.
vb_add_cli_suite(doctor SCHEMA doctor.schema.json)
