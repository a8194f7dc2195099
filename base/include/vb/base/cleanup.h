/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VB_BASE_CLEANUP_H
#define VB_BASE_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * Variables that clean up after themselves when they go out of scope. To hand one on, steal it:
 * `*ret_name = VB_STEAL(name);`.
 */

#define vb_auto(function) __attribute__((cleanup(function)))

/* Moves a pointer out of a variable and leaves NULL behind. */
#define VB_STEAL(pointer)                                                                          \
	__extension__({                                                                            \
		__typeof__(pointer) vb_stolen = (pointer);                                         \
		(pointer) = NULL;                                                                  \
		vb_stolen;                                                                         \
	})

/* Moves a descriptor out of a variable and leaves -1 behind. */
static inline int vb_steal_fd(int *fd)
{
	int stolen = *fd;
	*fd = -1;
	return stolen;
}

static inline void vb_cleanup_free(void *pointer)
{
	free(*(void **)pointer);
}

/* No retry after EINTR: on Linux the descriptor is gone, and may already be someone else's. */
static inline void vb_cleanup_close(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static inline void vb_cleanup_fclose(FILE *const *file)
{
	if (*file != NULL)
		(void)fclose(*file);
}

#define vb_auto_free   vb_auto(vb_cleanup_free)
#define vb_auto_close  vb_auto(vb_cleanup_close)
#define vb_auto_fclose vb_auto(vb_cleanup_fclose)

#define VB_WARN_UNUSED __attribute__((warn_unused_result))

#define VB_ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#endif
