# SPDX-License-Identifier: Apache-2.0
vb_add_fuzzer(shim_libraries shim_libraries.c LIBS vb_shim_pure)
vb_add_fuzzer(shim_nets shim_nets.c LIBS vb_shim_pure)
vb_add_fuzzer(shim_paths shim_paths.c LIBS vb_shim_pure)
vb_add_fuzzer(shim_text shim_text.c LIBS vb_shim_pure)
vb_add_fuzzer(shim_token shim_token.c LIBS vb_shim_pure)
