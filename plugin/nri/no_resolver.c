/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libevent can look up host names, which the daemon never does. In a static program these stand in
 * for glibc's, which would bring its whole resolver along: 127 kB on x86-64, 107 kB more for the
 * names of peers, and a need for shared libraries of the very same glibc at run time.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
	struct addrinfo **ret_list)
{
	(void)node;
	(void)service;
	(void)hints;
	(void)ret_list;
	return EAI_FAIL;
}

void freeaddrinfo(struct addrinfo *list)
{
	(void)list;
}

struct servent *getservbyname(const char *name, const char *protocol)
{
	(void)name;
	(void)protocol;
	return NULL;
}

struct protoent *getprotobynumber(int number)
{
	(void)number;
	return NULL;
}

/* What evhttp wants to know of a peer: numbers, whatever the flags say. */
int getnameinfo(const struct sockaddr *address, socklen_t size, char *host, socklen_t host_size,
	char *service, socklen_t service_size, int flags)
{
	const struct sockaddr_in *v4 = (const void *)address;
	const struct sockaddr_in6 *v6 = (const void *)address;
	bool is_v6 = address->sa_family == AF_INET6;

	(void)flags;
	if (is_v6 ? size < sizeof(*v6) : address->sa_family != AF_INET || size < sizeof(*v4))
		return EAI_FAMILY;
	if (inet_ntop(address->sa_family, is_v6 ? (const void *)&v6->sin6_addr : &v4->sin_addr,
		    host, host_size) == NULL)
		return EAI_OVERFLOW;
	int n = snprintf(service, service_size, "%u",
		(unsigned int)ntohs(is_v6 ? v6->sin6_port : v4->sin_port));
	return n < 0 || (socklen_t)n >= service_size ? EAI_OVERFLOW : 0;
}
