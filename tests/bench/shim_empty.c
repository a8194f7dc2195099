/* SPDX-License-Identifier: Apache-2.0 */
/* What preloading costs whatever the library does: this one does nothing. */
int bench_shim_empty(void);

int bench_shim_empty(void)
{
	return 0;
}
