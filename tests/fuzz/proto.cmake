# SPDX-License-Identifier: Apache-2.0
vb_add_fuzzer(frame fuzz_frame.c LIBS vb_proto)
vb_add_fuzzer(message fuzz_message.c LIBS vb_proto)
