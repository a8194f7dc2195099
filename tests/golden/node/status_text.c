/* SPDX-License-Identifier: Apache-2.0 */
/* node_status_text REPORT: prints what `vambrace node status` makes of a report. */
#include <stdio.h>

#include "node.h"
#include "status.h"
#include "vb/adjust/json.h"

int main(int argc, char **argv)
{
	vb_auto_json json_t *report = NULL;
	vb_auto_buf struct vb_buf *text = vb_buf_create(64 << 10);
	struct vb_error err = {0};

	if (argc != 2 || text == NULL || vb_status_load_json(argv[1], &report, &err) < 0 ||
		vb_node_status_text(report, text) < 0)
		return 1;
	return fwrite(vb_buf_data(text), vb_buf_size(text), 1, stdout) == 1 ? 0 : 1;
}
