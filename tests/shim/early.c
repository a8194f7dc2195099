/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A library whose constructor connects: loaded behind the shim it runs before the shim's own
 * constructor, so the policy must be in force at the first call already.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

__attribute__((constructor)) static void connect_early(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(53)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int result;

	if (fd < 0 || inet_pton(AF_INET, "8.8.8.8", &address.sin_addr) != 1)
		return;
	result = connect(fd, (const struct sockaddr *)&address, sizeof(address));
	printf("early=%d errno=%d\n", result, result < 0 ? errno : 0);
}
