/* SPDX-License-Identifier: Apache-2.0 */
/* `listen ADDRESS PORT`: the target of the connect attacks; accepts and closes, until killed. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* An IPv4 address becomes a mapped one, so that one kind of socket serves both. */
static int parse_address(const char *text, struct sockaddr_in6 *address)
{
	char mapped[INET6_ADDRSTRLEN];

	address->sin6_family = AF_INET6;
	if (inet_pton(AF_INET6, text, &address->sin6_addr) == 1)
		return 0;
	(void)snprintf(mapped, sizeof(mapped), "::ffff:%s", text);
	return inet_pton(AF_INET6, mapped, &address->sin6_addr) == 1 ? 0 : -1;
}

int main(int argc, char **argv)
{
	struct sockaddr_in6 address = {0};
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (argc != 3 || parse_address(argv[1], &address) < 0)
		return 2;
	address.sin6_port = htons((in_port_t)strtoul(argv[2], NULL, 10));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 16) < 0) {
		perror("listen");
		return 1;
	}
	puts("listening");
	(void)fflush(stdout);
	for (;;) {
		int peer = accept(fd, NULL, NULL);
		if (peer >= 0)
			close(peer);
	}
}
