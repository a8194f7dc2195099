/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A library whose constructor connects, or loads what EARLY_DLOPEN names: preloaded behind the shim
 * it runs before the shim's own constructor, so the policy must be in force at the first call
 * already.
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

static void load_early(const char *file)
{
	const void *handle = dlopen(file, RTLD_LAZY);

	printf("early=%d errno=%d\n", handle != NULL, handle == NULL ? errno : 0);
}

__attribute__((constructor)) static void act_early(void)
{
	const char *file = getenv("EARLY_DLOPEN");
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(53)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int result;

	if (file != NULL)
		load_early(file);
	if (fd < 0 || inet_pton(AF_INET, "8.8.8.8", &address.sin_addr) != 1)
		return;
	result = connect(fd, (const struct sockaddr *)&address, sizeof(address));
	printf("early=%d errno=%d\n", result, result < 0 ? errno : 0);
}
