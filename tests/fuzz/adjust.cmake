# SPDX-License-Identifier: Apache-2.0
foreach(target annotations bundle_tar manifest plan config denials derive seccomp_record ssh_key sshsig)
	vb_add_fuzzer(${target} fuzz_${target}.c LIBS vb_adjust)
endforeach()
