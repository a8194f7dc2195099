/* SPDX-License-Identifier: Apache-2.0 */
/* One line of a kernel's log. */
#include "fuzz_adjust.h"
#include "vb/adjust/seccomp_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vb_seccomp_record record = {0};
	uint64_t lost = 0;

	if (vb_seccomp_record_read((const char *)data, size, &record, &lost) != VB_RECORD_SECCOMP)
		return 0;
	vb_auto_free char *call = vb_seccomp_record_call(&record);
	vb_auto_free char *arch = vb_seccomp_record_arch(&record);
	fuzz_require(call != NULL && arch != NULL && call[0] != '\0' && arch[0] != '\0');
	fuzz_require_line(call);
	fuzz_require_line(arch);
	fuzz_require_line(record.name);
	fuzz_require_line(vb_seccomp_record_action(&record));
	fuzz_require(record.at_ns >= 0);
	return 0;
}
