/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_TESTS_UNIT_KERNEL_LOG_H
#define VB_TESTS_UNIT_KERNEL_LOG_H

/* The kernel's log from here on, for reading and writing; -1 where there is none to be had. */
int kernel_log_open(void);

/* Reads on to the record with the text, which must be there already. */
void kernel_log_expect(int kmsg, const char *text);

#endif
